"""What a simulator is told to do: its text, its pace, and its fault."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - a TypedDict's annotations are looked up when it is used
from dataclasses import dataclass
from typing import TypedDict


class ScriptOptions(TypedDict, total=False):
    """The keyword parameters that all simulators share; see `Script`."""

    text: str | None
    deltas: int | Sequence[str] | None
    delay: float
    fault: str | None
    fault_times: int | None
    retry_after: str | None
    port: int


@dataclass(frozen=True, slots=True)
class Script:
    """The part of a simulator that does not depend on its protocol.

    Attributes:
        text: The reply; `{prompt}` in it becomes the user's last message. None: the service's own sentence.
        deltas: Into how many increments the text is split, or the increments themselves; None: word by word.
        delay: Seconds before each delta.
        fault: A name from the simulator's `faults`; None: healthy.
        fault_times: How many times the fault strikes before the service is healthy; None: always.
        retry_after: The header's value. None: 1 with status 429, none with 503. Empty: none at all.
        port: The port to listen on; 0: a free one.
    """

    text: str | None = None
    deltas: int | Sequence[str] | None = None
    delay: float = 0.0
    fault: str | None = None
    fault_times: int | None = None
    retry_after: str | None = None
    port: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.deltas, int) and self.deltas < 1:
            raise ValueError(f"deltas is {self.deltas}; a text is split into one piece or more")
        if self.delay < 0:
            raise ValueError(f"delay is {self.delay}; it is a time in seconds, 0 or more")
        if self.fault_times is not None and self.fault == "refuse":
            raise ValueError("a refused connection cannot be counted; leave fault_times out with 'refuse'")

    def reply(self, default: str, prompt: str) -> str:
        """Return the text to answer `prompt` with."""
        if self.deltas is not None and not isinstance(self.deltas, int):
            return "".join(self.deltas)
        return (default if self.text is None else self.text).replace("{prompt}", prompt)

    def split(self, text: str) -> list[str]:
        """Return the increments of `text`: joined, they are `text` again."""
        if self.deltas is None:
            words = text.split(" ")
            return [piece for piece in (words[0], *(f" {word}" for word in words[1:])) if piece]
        if isinstance(self.deltas, int):
            count = min(self.deltas, len(text))
            return [text[len(text) * i // count : len(text) * (i + 1) // count] for i in range(count)]
        given = list(self.deltas)
        return given if "".join(given) == text else [text]
