"""`python -m rvm_client` is the command `rvm`."""

from rvm_client.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
