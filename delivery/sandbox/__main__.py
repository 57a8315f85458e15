"""`python -m delivery.sandbox`: the sandbox carrier alone, without Django."""

from __future__ import annotations

from argparse import ArgumentParser

from delivery.sandbox.options import add_arguments, from_arguments
from delivery.sandbox.server import run


def main() -> None:
    parser = ArgumentParser(prog="python -m delivery.sandbox", description=__doc__)
    add_arguments(parser)
    try:
        options = from_arguments(vars(parser.parse_args()))
    except ValueError as error:
        parser.error(str(error))
    run(options)


if __name__ == "__main__":
    main()
