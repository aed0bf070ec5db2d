"""Replies that are the bare text of a body: what is no reply is told by how it begins.

Raw text has no error form of its own, so a page, a JSON error or a known phrase of refusal comes with status
200 where the text belongs. Only the beginning is looked at, as long as it could still be one of these, since
a model may quote any of them later on. What was held back is delivered unchanged once it is known to be text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import AdapterError, BadReply, QuotaExhausted, RateLimited
from adapters.contract.peer_text import PeerText
from adapters.wire.json import decode
from adapters.wire.text import TextDecoder
from adapters.wire.vendor.errors import error_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BLANK: Final = "\ufeff \t\r\n"
_HELD: Final = 4096  # characters; an error is shorter, a reply may be longer
_REFUSAL: Final = 200  # characters of a whole answer that can be a refusal
_PAGES: Final = ("<!doctype html", "<html")
# The first key of an error object. A model's own JSON may begin so too; it is then told by what is in it.
_ERROR_KEY: Final = re.compile(
    r'\{\s*"(error|errors|code|status|statuscode|success|detail|message|msg)"', re.IGNORECASE
)
_MAYBE_KEY: Final = re.compile(r'\{\s*("[a-z]{0,10})?', re.IGNORECASE)
_QUOTA: Final = ("额度", "余额", "quota", "credit", "balance")
_shown: Final = PeerText()


class RawReply:
    """Decodes a raw reply piece by piece, and refuses what is none.

    Args:
        refusals: Phrases with which a whole short answer refuses.
        any_text: Whether the body is text however it begins, so that nothing is looked for.
        shown: Makes a peer's text fit to be shown in an error.
    """

    __slots__ = ("_held", "_opening", "_refusals", "_shown", "_text")

    def __init__(
        self,
        refusals: Sequence[str] = (),
        *,
        any_text: bool = False,
        shown: Callable[[str], str] = _shown,
    ) -> None:
        self._text = TextDecoder()
        self._held = ""
        self._opening = not any_text
        self._refusals = tuple(refusals)
        self._shown = shown

    def feed(self, chunk: bytes) -> str:
        """Return the text that can be delivered now.

        Raises:
            BadReply: The body is a page.
        """
        text = self._text.feed(chunk)
        if not self._opening:
            return text
        self._held += text
        if len(self._held) <= _HELD and self._is_open():
            return ""
        return self._release()

    def flush(self) -> str:
        """Return the rest, at the end of the body.

        Raises:
            AdapterError: The whole body is an error object or a refusal.
        """
        rest = self._text.flush()
        if not self._opening:
            return rest
        self._held += rest
        error = self._json_error() or self._refusal()
        if error is not None:
            raise error
        return self._release()

    def _release(self) -> str:
        text, self._held, self._opening = self._held, "", False
        return text

    def _is_open(self) -> bool:
        """Whether what came could still be something other than text."""
        start = self._held.lstrip(_BLANK)
        if not start:
            return True
        low = start[:16].lower()
        if low.startswith(_PAGES):
            raise BadReply("a page with status 200 where the reply belongs; check base_url")
        if any(page.startswith(low) for page in _PAGES):
            return True
        if start[0] == "{":
            return bool(_ERROR_KEY.match(start) or _MAYBE_KEY.fullmatch(start))
        return len(start) <= _REFUSAL and any(
            start.startswith(phrase) or phrase.startswith(start) for phrase in self._refusals
        )

    def _json_error(self) -> AdapterError | None:
        start = self._held.strip(_BLANK)
        if not _ERROR_KEY.match(start):
            return None
        try:
            value = decode(start)
        except BadReply:
            return None
        return error_from(value, shown=self._shown) if _is_error(value) else None

    def _refusal(self) -> AdapterError | None:
        start = self._held.strip(_BLANK)
        if len(start) > _REFUSAL or not start.startswith(self._refusals):
            return None
        kind = QuotaExhausted if any(word in start.lower() for word in _QUOTA) else RateLimited
        return kind(f"the service refuses in words, with status 200: {self._shown(start)}")


def _is_error(value: object) -> bool:
    """Whether a JSON value is an object that servers make of errors, not one that a model was asked for."""
    if not isinstance(value, dict):
        return False
    if any(value.get(name) for name in ("error", "errors", "detail")):
        return True
    says = any(isinstance(value.get(name), str) for name in ("message", "msg"))
    return says and (
        len(value) == 1 or any(name in value for name in ("code", "status", "statusCode", "success"))
    )
