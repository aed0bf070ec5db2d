"""Runs the real command on a pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

from tests.router.cli.command import COMMAND, ROOT, Ended, environment


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
