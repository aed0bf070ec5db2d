"""A key that a command gives: `api_key = { command = ["gcloud", "auth", "print-access-token"] }`.

The command is run when the key is needed, and again when the service refused it. It is run as it stands, by
no shell, in the folder of the file, and prints the key in one line. What it prints is shown nowhere.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.secret import Secret
from adapters.http.keys import KeyUnavailable
from router.config.mistakes import found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.config.mistakes import Position

SECONDS: Final = 9.5
"""For a command: a little less than a key has in all, so that it is ended and not only left."""
LARGEST: Final = 64 << 10
"""Bytes that it may print."""
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "command": {
            "description": "A program and its arguments; it prints the key in one line.",
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
        }
    },
    "required": ["command"],
    "additionalProperties": False,
}


class Command:
    """Gives the key that a command prints; called in a worker thread.

    Args:
        words: The program and its arguments.
        folder: Where it runs.
        seconds: After which it is ended.
    """

    def __init__(self, words: Sequence[str], folder: Path, seconds: float = SECONDS) -> None:
        self._words = tuple(words)
        self._folder = folder
        self._seconds = seconds

    def __call__(self) -> Secret:
        """Return the key.

        Raises:
            KeyUnavailable: The command cannot be run, failed, took too long, or printed no key.
        """
        name = self._words[0]
        try:
            # In a session of its own: what it started may hold its output open, and is ended with it.
            process = subprocess.Popen(
                self._words,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it has a character that no command can have"
            raise KeyUnavailable(f"the command {name!r} cannot be run: {why}") from None
        late: list[bool] = []

        def end() -> None:
            late.append(True)
            _end(process)

        timer = Timer(self._seconds, end)
        timer.start()
        try:
            assert process.stdout is not None
            with process.stdout as output:
                printed = output.read(LARGEST + 1)
            if len(printed) > LARGEST:
                _end(process)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
        return self._key(printed, code, late=bool(late))

    def _key(self, printed: bytes, code: int, *, late: bool) -> Secret:
        lines = printed.decode("utf-8", "replace").rstrip("\r\n").splitlines()
        if late:
            problem = f"took longer than {self._seconds:g} s and was ended"
        elif len(printed) > LARGEST:
            problem = f"printed more than {LARGEST >> 10} KiB, which is no key"
        elif code != 0:
            problem = f"failed with exit code {code}; run it by hand to see why"
        elif len(lines) != 1:
            problem = f"printed {len(lines) or 'no'} lines; it must print the key in one line"
        elif not lines[0].isascii() or not lines[0].isprintable():
            problem = "printed what a header cannot carry; it must print the key alone"
        else:
            return Secret(lines[0])
        raise KeyUnavailable(f"the command {self._words[0]!r} {problem}")

    def __repr__(self) -> str:
        return f"<Command {self._words[0]!r}>"  # an argument may be a secret


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started, where they still run."""
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()


def command_of(given: Any, at: Position) -> Any:
    """Return what gives the key that a command prints, or record a mistake and return `WRONG`."""
    if not at.reading.trusted:
        return at.wrong(
            "names a command, which runs code, but this file was found, not named; name it with --config"
        )
    if not isinstance(given, list):
        return at.wrong(f"is {found(given)}; it must be an array: the program, and each argument as a text")
    if not given or not all(isinstance(word, str) for word in given) or not given[0]:
        return at.wrong("must be the program and its arguments, each as a text; no shell reads them")
    return Command(given, at.reading.folder)
