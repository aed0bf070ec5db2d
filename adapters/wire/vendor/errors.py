"""The exception that an error of a service stands for, wherever and however it came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import AdapterError, ContextTooLong, QuotaExhausted, RateLimited, Scope
from adapters.contract.peer_text import PeerText
from adapters.wire.vendor.classify import classify
from adapters.wire.vendor.context_limit import context_sizes
from adapters.wire.vendor.retry_after import wait_of_headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["AnswerErrors", "error_from", "is_harmless", "wait_beside"]

_LIMITED: Final = (RateLimited, QuotaExhausted)
_NO_HEADERS: Final[Mapping[str, str]] = {}
_shown: Final = PeerText()


def error_from(
    error: object,
    status: int | None = None,
    shown: Callable[[str], str] = _shown,
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    now: datetime | None = None,
) -> AdapterError:
    """Return the exception that an error of a service stands for. It never raises, whatever `error` is.

    Args:
        error: The body, decoded or not, or the part of it that is an error: an object, a list, text, bytes.
        status: The HTTP status of the answer; None for an error inside of a stream.
        shown: Makes a peer's text fit to be shown: masked, cut, in one line.
        headers: Of the answer, also of one with status 200 in which the error stands.
        now: The time of the wall clock, against which dates are measured; without it they are not read, and
            neither are the headers.
    """
    judged = classify(error, status, now=now)
    labels = ", ".join([shown(label) for label in judged.labels[:2]])
    if not labels:
        labels = str(status) if status else "no code"
    said = shown(judged.message) or "no message"
    # Of what is ambiguous the class says whom it may concern once other requests met it too.
    scope = None if judged.ambiguous else judged.scope
    raised = judged.kind(
        f"the provider reports an error ({labels}): {said}",
        status=status,
        scope=scope,
        ambiguous=judged.ambiguous,
        retry_after=judged.retry_after,
    )
    raised.retry_after = wait_beside(raised, headers, now)
    if isinstance(raised, ContextTooLong):
        raised.limit, raised.tokens, raised.per_minute = context_sizes(error)
    return raised


class AnswerErrors:
    """Makes the exceptions of the errors that stand in one answer with a good status.

    Args:
        shown: As of `error_from`.
        headers: Returns those of `error_from`; most replies have no error, and need none.
        clock: Returns the time of the wall clock; None: dates and headers are not read.

    Attributes:
        shown: As given.
    """

    __slots__ = ("_clock", "_headers", "shown")

    def __init__(
        self,
        shown: Callable[[str], str] = _shown,
        headers: Callable[[], Mapping[str, str]] = lambda: _NO_HEADERS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.shown = shown
        self._headers = headers
        self._clock = clock

    def of(self, error: object, status: int | None = None) -> AdapterError:
        """Return the exception that an error stands for.

        Args:
            error: As of `error_from`.
            status: That of the answer where the error is all of it; None where the error stands inside.
        """
        now = None if self._clock is None else self._clock()
        return error_from(error, status, self.shown, headers=self._headers(), now=now)


def wait_beside(error: AdapterError, headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Return how long to stay away: what an error says already, or what the headers beside it say, if longer.

    What speaks about one request, or may do so, holds nobody back. That a limit will be whole again counts
    where the error speaks of a limit; most services send these headers with every answer.

    Args:
        error: What the answer stands for.
        headers: Of the answer.
        now: The time of the wall clock; the answer's own `Date` goes before it. None: no headers are read.
    """
    if error.scope is Scope.REQUEST or error.ambiguous:
        return None
    said, asked = error.retry_after, None
    if headers and now is not None:
        asked = wait_of_headers(headers, now, limited=isinstance(error, _LIMITED))
    if said is None or asked is None:
        return asked if said is None else said
    return max(said, asked)


def is_harmless(error: Any) -> bool:
    """Whether this is the error object that says that all is well; ChatAnywhere puts it in good streams."""
    return (
        isinstance(error, Mapping) and not error.get("message") and str(error.get("code")).startswith("200")
    )
