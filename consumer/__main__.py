"""`python -m consumer`, and the console script `messenger`."""

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        # Here, so that Ctrl-C while the parts are being loaded is no traceback either.
        from consumer.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
