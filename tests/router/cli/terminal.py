"""Runs the real command on a pseudo-terminal."""

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from tests.router.cli.command import COMMAND, ROOT, Ended, environment


class Output(io.StringIO):
    """An output in this process that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(*arguments: str, columns: int = 80, **variables: str) -> Ended:
    """Run the command with two terminals for its output, and return what each one got."""
    sides = [pty.openpty(), pty.openpty()]
    for _, inner in sides:
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=sides[0][1],
        stderr=sides[1][1],
        env=environment(**variables),
        cwd=ROOT,
    ) as process:
        for _, inner in sides:
            os.close(inner)
        out, err = (_read(outer) for outer, _ in sides)
        code = process.wait(10)
    assert "Traceback" not in err
    return Ended(code, out.replace("\r\n", "\n"), err.replace("\r\n", "\n"))


def _read(terminal: int) -> str:
    found = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says so where the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return found.decode()
        found += piece


_OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the terminal from which Ctrl-C comes, and becomes the command."""
_LIMIT = 60.0  # a busy machine is slower, not wrong


class Talk:
    """A command that talks to a person: one terminal for its input and both outputs.

    Attributes:
        shown: All that it showed so far.
        code: Its exit code, once it ended.
    """

    def __init__(self, terminal: int, process: "subprocess.Popen[bytes]") -> None:
        self.shown = ""
        self.code: int | None = None
        self._terminal = terminal
        self._process = process
        self._seen = 0

    def until(self, words: str) -> str:
        """Read until `words` are shown, behind what was looked at before; return what came until then."""
        limit = monotonic() + _LIMIT
        while words not in self.shown[self._seen :]:
            assert monotonic() < limit, self.shown
            assert self._read(), f"it ended without {words!r}: {self.shown}"
        start = self._seen
        self._seen = self.shown.index(words, start) + len(words)
        return self.shown[start : self._seen]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def leave(self) -> int:
        """Press Ctrl-C at a prompt, read to the end, and return the exit code.

        Python looks for a signal only where it interrupts the wait for a key: one that comes between the
        prompt and the wait is seen with the next line.
        """
        self.type("\x03\n")
        return self.end()

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        while self._read():
            pass
        self.code = self._process.wait(_LIMIT)
        assert "Traceback" not in self.shown
        return self.code

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], _LIMIT)[0]:
            return False
        try:
            piece = os.read(self._terminal, 4096)
        except OSError:  # Linux says so where the other side is closed
            return False
        self.shown += piece.decode()
        return bool(piece)


@contextmanager
def talking(*arguments: str, cwd: os.PathLike[str] = ROOT, **variables: str) -> Iterator[Talk]:
    """Run the command on a terminal, to be talked to."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, *COMMAND, *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=environment(INPUTRC="/dev/null", **variables),
        cwd=cwd,
        start_new_session=True,
    )
    os.close(inner)
    try:
        yield Talk(outer, process)
    finally:
        process.kill()
        process.wait()
        os.close(outer)
