"""`python -m rvm.simulators NAME`: run a simulated vendor without Django."""

from __future__ import annotations

from argparse import ArgumentParser

from rvm.simulators.framework.service import run
from rvm.simulators.options import add_arguments, from_arguments


def main() -> None:
    parser = ArgumentParser(prog="python -m rvm.simulators", description=__doc__)
    add_arguments(parser)
    arguments = vars(parser.parse_args())
    try:
        vendor = from_arguments(arguments)
    except ValueError as error:
        parser.error(str(error))
    run(vendor, quiet=arguments["quiet"])


if __name__ == "__main__":
    main()
