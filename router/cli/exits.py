"""The exit codes of the command, in one place."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
"""No provider answered; of `health`: degraded."""
CANNOT: Final = 2
"""Of `health`: unhealthy, no provider can answer."""
BROKE_OFF: Final = 3
"""A reply broke off after some of it was printed."""
USAGE: Final = 64
"""The command cannot be carried out as it was written (EX_USAGE of sysexits)."""
OUTPUT: Final = 74
"""Standard output cannot be written (EX_IOERR of sysexits)."""
CANCELLED: Final = 130
"""Ctrl-C, as shells count a process that SIGINT ends; other signals are 128 and their number, too."""
PIPE: Final = 141
"""The reader of standard output went away, as in `| head -1`: 128 and SIGPIPE."""
