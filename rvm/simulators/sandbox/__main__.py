"""`python -m rvm.simulators.sandbox`: run the sandbox carrier without Django."""

from __future__ import annotations

from argparse import ArgumentParser

from rvm.simulators.sandbox.options import add_arguments, from_arguments
from rvm.simulators.sandbox.server import run


def main() -> None:
    parser = ArgumentParser(prog="python -m rvm.simulators.sandbox", description=__doc__)
    add_arguments(parser)
    try:
        options = from_arguments(vars(parser.parse_args()))
    except ValueError as error:
        parser.error(str(error))
    run(options)


if __name__ == "__main__":
    main()
