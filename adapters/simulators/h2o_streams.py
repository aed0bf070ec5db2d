"""How chat-ui writes a reply: events of text-generation-inference, or one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from adapters.simulators.framing import Framing, compact, json_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.simulators.framing import Piece

BLANKS: Final = " " * 4096
"""Stands after the final answer, so that no proxy holds it back."""
_UNIT: Final = 16


class Passthrough(Framing):
    """G1: what text-generation-inference streams, byte for byte."""

    content_type = "text/event-stream"

    def delta(self, text: str) -> Piece:
        """Return a token."""
        return self._event({"token": self._token(100, text), "generated_text": None, "details": None})

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the special end token, with the whole text beside it."""
        details = {"finish_reason": "eos_token", "generated_tokens": 3, "seed": None}
        end = self._token(2, "</s>", special=True)
        return [self._event({"token": end, "generated_text": text, "details": details})]

    def error(self, message: str) -> Piece:
        """Return the event of a generation that failed."""
        return self._event({"error": message, "error_type": "generation"})

    def comment(self) -> Piece:
        """Return a comment."""
        return ":\n\n"

    def _token(self, number: int, text: str, *, special: bool = False) -> dict[str, Any]:
        return {"id": number, "text": text, "logprob": -0.25, "special": special}

    def _event(self, value: Any) -> str:
        return f"data:{compact(value)}\n\n"


class Lines(Framing):
    """G2 to G5: one JSON object a line.

    Args:
        generation: `G2` to `G5`.
        fault: `never_closes`, `second_answer`, `echo` or None.
        prompt: The user's own text, for `echo`.
        spoken: Called when the first token comes.
    """

    def __init__(
        self,
        generation: str,
        fault: str | None = None,
        prompt: str = "",
        spoken: Callable[[], None] = lambda: None,
    ) -> None:
        self._generation = generation
        self._fault = fault
        self._prompt = prompt
        self._spoken = spoken
        self.content_type = {"G2": None, "G5": "application/jsonl"}.get(generation, "text/event-stream")
        self.keeps_open = generation == "G2" or fault == "never_closes"

    def opening(self) -> Iterable[Piece]:
        """Return the first status, and from G4 on a line that keeps the connection alive."""
        started = [json_line({"type": "status", "status": "started"})]
        return started if self._generation in ("G2", "G3") else [*started, self.comment()]

    def delta(self, text: str) -> Piece:
        """Return a token, from G4 on padded with NULs to 16 UTF-16 units."""
        if self._generation in ("G4", "G5"):
            text += "\0" * (_UNIT - len(text.encode("utf-16-le", "surrogatepass")) // 2)
            return json.dumps({"type": "stream", "token": text}, separators=(",", ":")) + "\n"
        return json_line({"type": "stream", "token": text})

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the tokens; of a second answer after half of the first, or none at all, where asked for."""
        if self._fault == "echo":
            return []
        self._spoken()
        again = deltas[: max(1, len(deltas) // 2)] if self._fault == "second_answer" else ()
        return [self.delta(text) for text in (*again, *deltas)]

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the final answer and what stands around it."""
        final: dict[str, Any] = {
            "type": "finalAnswer",
            "text": self._prompt if self._fault == "echo" else text,
        }
        if self._generation in ("G2", "G3"):
            title = json_line({"type": "status", "status": "title", "message": "A title"})
            return [title, json_line(final), BLANKS]
        final["interrupted"] = False
        title = json_line({"type": "title", "title": "A title"})
        if self._generation == "G4":
            return [title, json_line(final), BLANKS]
        finished = json_line({"type": "status", "status": "finished"})
        return [json_line(final), BLANKS, self.comment(), title, finished]

    def error(self, message: str) -> Piece:
        """Return the status line of a failure."""
        return json_line({"type": "status", "status": "error", "message": message})

    def comment(self) -> Piece:
        """Return a line without content; before G4 there were statuses only."""
        status = "keepAlive" if self._generation in ("G4", "G5") else "pending"
        return json_line({"type": "status", "status": status})
