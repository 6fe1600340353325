"""The command line, also as ``python -m noise_scaling``."""

import sys

from noise_scaling import check_helpers


def main() -> None:
    """Run the command line."""
    try:
        check_helpers()
    except ImportError as error:
        sys.exit(f"Error: {error}")
    from helpers.book.cli import main as run

    run()


if __name__ == "__main__":
    main()
