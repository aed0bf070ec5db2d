"""Ends the command quietly on a Ctrl-C that comes while the package is loaded.

Loading takes a fifth of a second and more. `router/__init__.py` imports this first, since both ways to start
the command, the script `chat-router` and `python -m router`, import the package before anything of the
command. In every other program nothing happens here. What comes before it, the start of Python itself, cannot
be changed from inside of a package.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_NAMES: Final = ("chat-router", "chat-router.exe")
_CANCELLED: Final = 130


def is_command(argv: Sequence[str], original: Sequence[str]) -> bool:
    """Whether this process was started as the command.

    Args:
        argv: `sys.argv`; its first item is `-m` while Python looks for the module to run.
        original: `sys.orig_argv`, which names that module.
    """
    if not argv:
        return False
    if argv[0] == "-m":
        return list(original[-len(argv) :][:1]) == ["router"]
    return os.path.basename(argv[0]) in _NAMES


def hold() -> None:
    """From here on a Ctrl-C ends the process at once: nothing is open yet that would have to be closed."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, _end)


def release() -> None:
    """From here on a Ctrl-C is a KeyboardInterrupt again, where `hold` changed that."""
    import signal

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(_CANCELLED)


if is_command(sys.argv, sys.orig_argv):
    hold()
