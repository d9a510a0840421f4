"""``python -m embedtune``."""

import sys

from embedtune.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
