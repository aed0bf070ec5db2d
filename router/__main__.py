"""The entry point of the command `chat-router`, and of `python -m router`.

It says what to install where the extra is missing, and answers `--version` without loading anything.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from router._interrupt import release
from router.cli.exits import CANCELLED, USAGE
from router.cli.version import version_line


def main() -> int:
    """Run the command with the arguments of the process, and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(version_line() + "\n")
        return 0
    missing = [name for name in ("typer", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"chat-router: the command line needs {' and '.join(missing)}; "
            "install it with: pip install '.[cli]' in chat-router's folder\n"
        )
        return USAGE
    try:
        from router.cli.app import run  # a Ctrl-C meanwhile ends the process: `_interrupt`

        release()
        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return CANCELLED


if __name__ == "__main__":
    sys.exit(main())
