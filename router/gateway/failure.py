"""Why a client gets no reply: each error of a request as an HTTP status and words for the client. Pure.

The clients decide by the status: the SDKs of OpenAI and Anthropic repeat 408, 409, 429 and all from 500 on,
twice, and wait as long as `retry-after` says; the header `x-should-retry: false` stops that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    QuotaExhausted,
    RateLimited,
)
from router.errors import AllProvidersFailed, RequestAborted, StreamInterrupted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.events import Attempt

_PATIENCE: Final = 60.0
"""Seconds; a client that would wait longer is told not to repeat by itself."""
_ACCOUNT: Final = (AuthenticationFailed, QuotaExhausted)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a client is told instead of a reply.

    Attributes:
        status: The HTTP status, where nothing of the answer was sent yet.
        kind: The kind of error, in OpenAI's words (`invalid_request_error`, `rate_limit_error`, …).
        message: What happened, and what to do.
        code: A word for programs, such as `context_length_exceeded`.
        param: The field of the request that is to blame, where it is one.
        retry_after: Seconds until asking again may help.
        repeats: Whether the client may repeat the request by itself; None leaves it to its own rules.
        attempts: The ledger, where the request reached the router.
    """

    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    repeats: bool | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers that tell a client when to come back, and whether to."""
        told = []
        if self.retry_after is not None:
            told.append(("retry-after", str(max(1, math.ceil(self.retry_after)))))
        repeats = self.repeats
        if repeats is None and self.retry_after is not None and self.retry_after > _PATIENCE:
            repeats = False
        if repeats is not None:
            told.append(("x-should-retry", "true" if repeats else "false"))
        return told


class Refused(Exception):
    """A request of a client that is not put to the router; `failure` is what the client is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refused(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> Refused:
    """Return the exception for a request that cannot be taken as it is."""
    return Refused(Failure(status, "invalid_request_error", message, code, param, repeats=False))


def failure_of(error: Exception) -> Failure:
    """Return what a client is told of an error that `Router.stream` or its reply raised.

    Args:
        error: Wrong arguments, an error of the router, or the end of a closed one.
    """
    if isinstance(error, TypeError | ValueError):
        return Failure(400, "invalid_request_error", str(error), repeats=False)
    if isinstance(error, AllProvidersFailed):
        return _nobody(error)
    if isinstance(error, RequestAborted):
        return _aborted(error)
    if isinstance(error, StreamInterrupted):
        if error.verdict == "refused":
            return _content_refused(str(error), error.attempts)
        return Failure(
            502, "server_error", str(error), "reply_interrupted", repeats=True, attempts=error.attempts
        )
    if isinstance(error, anyio.ClosedResourceError):
        return Failure(
            503,
            "service_unavailable_error",
            "the gateway is shutting down; ask again",
            "shutting_down",
            retry_after=1,
        )
    return Failure(500, "server_error", "the gateway failed; its log says why", "internal_error")


def _nobody(error: AllProvidersFailed) -> Failure:
    causes, attempts = error.causes, error.attempts
    message, retry_after = str(error), error.retry_after
    asked_all = all(attempt.outcome != "skipped" or attempt.lacks for attempt in attempts)
    if attempts and asked_all and all(isinstance(cause, InvalidRequest) for cause in causes):
        long = bool(causes) and all(isinstance(cause, ContextTooLong) for cause in causes)
        code = "context_length_exceeded" if long else None if causes else "unsupported_by_providers"
        param = "messages" if long else None
        return Failure(400, "invalid_request_error", message, code, param, repeats=False, attempts=attempts)
    if causes and asked_all and all(isinstance(cause, ModelNotFound) for cause in causes):
        return Failure(
            404,
            "invalid_request_error",
            message,
            "model_not_found",
            "model",
            repeats=False,
            attempts=attempts,
        )
    if _is_limited(causes, attempts):
        return Failure(
            429,
            "rate_limit_error",
            message,
            "rate_limit_exceeded",
            retry_after=retry_after,
            attempts=attempts,
        )
    # Not 401 or 402, which would speak of the client's own key: the accounts are the gateway's.
    code = "upstream_account" if causes and all(isinstance(c, _ACCOUNT) for c in causes) else "no_provider"
    repeats = None if error.retryable or retry_after is not None else False
    return Failure(
        503,
        "service_unavailable_error",
        message,
        code,
        retry_after=retry_after,
        repeats=repeats,
        attempts=attempts,
    )


def _is_limited(causes: Iterable[AdapterError], attempts: Iterable[Attempt]) -> bool:
    """Whether all that stands in the way are rate limits, now or remembered."""
    failed = list(causes)
    skipped = [attempt.reason for attempt in attempts if attempt.outcome == "skipped"]
    if not all(isinstance(cause, RateLimited) for cause in failed):
        return False
    held = all("held back" in reason or "RateLimited" in reason for reason in skipped)
    return bool(failed or skipped) and held


def _aborted(error: RequestAborted) -> Failure:
    if isinstance(error.__cause__, ContentRefused):
        return _content_refused(str(error), error.attempts)
    return Failure(500, "server_error", str(error), "local_failure", attempts=error.attempts)


def _content_refused(message: str, attempts: tuple[Attempt, ...]) -> Failure:
    return Failure(400, "invalid_request_error", message, "content_filter", repeats=False, attempts=attempts)
