"""Entry point: ``cratehand`` and ``python -m cratehand.app``."""

import sys

from cratehand.app.cli.application import run_command_line


def main() -> int:
    """Run the command line; return its exit code."""
    return run_command_line()


if __name__ == "__main__":
    sys.exit(main())
