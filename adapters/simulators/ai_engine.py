"""How AI Engine writes a reply: as events, or whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.simulators.framing import Framing, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Manner:
    """How a reply looks besides its text.

    Attributes:
        headers: Of the answer.
        newest: Whether it is one of 3.x, with more fields and hard newlines.
        token: A new nonce, where the one sent is old.
        typed: Whether notices stand between the deltas.
    """

    headers: tuple[tuple[str, str], ...] = ()
    newest: bool = True
    token: str | None = None
    typed: bool = False

    def whole(self, text: str) -> dict[str, Any]:
        """Return the answer without stream, which is the end of one with it."""
        counts = {"prompt_tokens": 11, "completion_tokens": len(text.split())}
        usage = {**counts, "total_tokens": sum(counts.values())}
        answer: dict[str, Any] = {"success": True, "reply": text, "images": None}
        if self.newest:
            answer |= {"actions": [], "shortcuts": [], "blocks": []}
        answer["usage"] = {**usage, "price": None, "queries": 1} if self.newest else usage
        return answer if self.token is None else {**answer, "new_token": self.token}


class Stream(Framing):
    """A reply as events: `live` with text, `end` with the whole answer once more, or `error`."""

    content_type = "text/event-stream;charset=UTF-8"

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._said: str | None = None
        self.headers = (("Cache-Control", "no-cache"), *manner.headers)

    def delta(self, text: str) -> Piece:
        """Return a live event; 3.x makes a lone newline a hard one."""
        return _event("live", self._hardened(text))

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the live events, with a notice before each where they are typed."""
        self._said = "".join(map(self._hardened, deltas))
        if not self._manner.typed:
            return [self.delta(text) for text in deltas]
        return [piece for text in deltas for piece in (self.comment(), self.delta(text))]

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the end event, whose data is JSON in a string; its reply has the hard newlines as well."""
        return [_event("end", php_json(self._manner.whole(text if self._said is None else self._said)))]

    def _hardened(self, text: str) -> str:
        return "  \n" if self._manner.newest and text == "\n" else text

    def error(self, message: str) -> Piece:
        """Return an error event."""
        return _event("error", message)

    def comment(self) -> Piece:
        """Return a notice: a live event with a subtype."""
        return _event("live", "Generating response...", subtype="status", visibility="collapsed")


class Whole(Framing):
    """A reply as one JSON object, written in two halves."""

    content_type = "application/json; charset=UTF-8"

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self.headers = manner.headers

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the JSON object in two halves."""
        answer = php_json(self._manner.whole("".join(deltas)))
        return [answer[: len(answer) // 2], answer[len(answer) // 2 :]]

    def nothing(self) -> Iterable[Piece]:
        """Return the answer with an empty reply."""
        return [php_json(self._manner.whole(""))]

    def error(self, message: str) -> Piece:
        """Return the JSON object of a failure."""
        return php_json({"success": False, "message": message})

    def comment(self) -> Piece:
        """Return white space, which JSON may have."""
        return " "


def php_json(value: Any) -> str:
    """Return `value` as PHP writes it: ASCII only, and slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def _event(kind: str, data: str, **more: str) -> str:
    return f"data: {php_json({'type': kind, 'data': data, **more})}\n\n"
