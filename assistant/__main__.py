"""`youju`, and `python -m assistant`, which is the same."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command of this process; stopped while it is still being loaded, it says so."""
    try:
        from assistant.cli import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("youju: stopped\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
