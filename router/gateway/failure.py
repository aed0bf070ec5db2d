"""Why a client gets no reply: each error of a request as an HTTP status and words for the client. Pure.

The clients decide by the status: the SDKs of OpenAI and Anthropic repeat 408, 409, 429 and all from 500 on,
twice, and wait as long as `retry-after` says; the header `x-should-retry: false` stops that.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

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
from router.errors import (
    ACCOUNT_REFUSED,
    MODEL_MISSING,
    AllProvidersFailed,
    RequestAborted,
    RouterError,
    StreamInterrupted,
)
from router.provider.evidence import told

if TYPE_CHECKING:
    from router.events import Attempt

_PATIENCE: Final = 30.0
"""Seconds; a client that would wait longer is told not to repeat by itself."""


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
        is_bug: Whether this side is to blame, so that its log must say why.
        request_id: Names the request in the log; see `identified`.
    """

    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    repeats: bool | None = None
    attempts: tuple[Attempt, ...] = ()
    is_bug: bool = False
    request_id: str | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers that tell a client which request it was, when to come back, and whether to."""
        headers = [] if self.request_id is None else id_headers(self.request_id)
        if self.status == 401:  # a client must be told how to show a key: RFC 9110, 11.6.1
            headers.append(("www-authenticate", 'Bearer realm="chat-router"'))
        if self.retry_after is not None:
            headers.append(("retry-after", str(max(1, math.ceil(self.retry_after)))))
        repeats = self.repeats
        if repeats is None and self.retry_after is not None and self.retry_after > _PATIENCE:
            repeats = False
        if repeats is not None:
            headers.append(("x-should-retry", "true" if repeats else "false"))
        if self.attempts:
            headers.append(("x-chat-router-attempts", str(len(self.attempts))))
        return headers


def id_headers(request_id: str) -> list[tuple[str, str]]:
    """Return the headers that name a request: OpenAI's clients read the first, Anthropic's the second."""
    return [("x-request-id", request_id), ("request-id", request_id)]


def identified(failure: Failure) -> Failure:
    """Return a failure that has the id of its request; one that no router has seen gets one here."""
    return failure if failure.request_id else replace(failure, request_id=f"{secrets.randbits(64):016x}")


BUG: Final = Failure(
    500, "server_error", "the gateway failed; its log says why", "internal_error", is_bug=True
)
"""What a client is told of an error that only this side can mend."""


class Refused(Exception):
    """A request of a client that is not put to the router; `failure` is what the client is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refused(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> Refused:
    """Return the exception for a request that cannot be taken as it is."""
    return Refused(Failure(status, "invalid_request_error", message, code, param, repeats=False))


def failure_of(error: Exception, *, asked: bool = False) -> Failure:
    """Return what a client is told of an error that `Router.stream` or its reply raised.

    Words of a service are handed on where they say what is wrong with the request. Of other failures the
    client gets what they mean: addresses and accounts behind the gateway are not its business.

    Args:
        error: Wrong arguments, an error of the router, or the end of a closed one.
        asked: Whether a provider was committed to already, so that arguments cannot be what is wrong.
    """
    if isinstance(error, TypeError | ValueError) and not asked:
        return Failure(400, "invalid_request_error", str(error), repeats=False)
    if isinstance(error, RouterError):
        return replace(_of_router(error), request_id=error.request_id)
    if isinstance(error, anyio.ClosedResourceError):
        return Failure(
            503,
            "service_unavailable_error",
            "the gateway is shutting down; ask again",
            "shutting_down",
            retry_after=1,
        )
    return BUG


def _of_router(error: RouterError) -> Failure:
    if isinstance(error, AllProvidersFailed):
        return _nobody(error)
    if isinstance(error, RequestAborted):
        return _aborted(error)
    if isinstance(error, StreamInterrupted):
        return _interrupted(error)
    return BUG


def _interrupted(error: StreamInterrupted) -> Failure:
    cause = error.__cause__
    if error.verdict == "refused":
        return _content_refused(str(cause or error), error.attempts)
    why = told(cause) if isinstance(cause, AdapterError) else "the reply broke off"
    message = f"{error.provider} broke off after {len(error.partial)} characters: {why}; ask again"
    return Failure(502, "server_error", message, "reply_interrupted", repeats=True, attempts=error.attempts)


def _nobody(error: AllProvidersFailed) -> Failure:
    attempts = error.attempts
    met = {obstacle_of(attempt) for attempt in attempts} - {None}
    if met and met <= {"refuses", "missing"}:
        return _not_taken(error, missing=met == {"missing"})
    head, _, _ = str(error).partition("\n")
    # Not 401 or 402, which would speak of the client's own key: the accounts are the gateway's.
    of_accounts = met == {"account"}
    if of_accounts:
        head += (
            "; these are the gateway's accounts, not yours: its operator sees more with chat-router health"
        )
    message = "\n".join([head, *(f"  {attempt.provider}: {_shown(attempt)}" for attempt in attempts)])
    if "limited" in met and met <= {"limited", "refuses", "missing", "isolated"}:
        return Failure(
            429,
            "rate_limit_error",
            message,
            "rate_limit_exceeded",
            retry_after=error.retry_after,
            attempts=attempts,
        )
    passes = error.retryable or error.retry_after is not None
    return Failure(
        503,
        "service_unavailable_error",
        message,
        "upstream_account" if of_accounts else "no_provider",
        retry_after=error.retry_after,
        repeats=False if of_accounts or not passes else None,
        attempts=attempts,
    )


def _not_taken(error: AllProvidersFailed, *, missing: bool) -> Failure:
    """Return what a client is told of a request that nobody takes, or whose model nobody has."""
    causes, attempts = error.causes, error.attempts
    status, code, param = 400, None, None
    if missing:
        status, code, param = 404, "model_not_found", "model"
    elif all(isinstance(e, ContextTooLong) for e in causes) and all(a.context is not None for a in attempts):
        code, param = "context_length_exceeded", "messages"
    elif not causes:
        code = "unsupported_by_providers"
    return Failure(status, "invalid_request_error", str(error), code, param, repeats=False, attempts=attempts)


Obstacle: TypeAlias = Literal["limited", "account", "missing", "refuses", "isolated", "down"]
"""What stood in the way at one provider."""

_ERRORS: Final[tuple[tuple[type[AdapterError], Obstacle], ...]] = (
    (RateLimited, "limited"),
    (ModelNotFound, "missing"),
    (AuthenticationFailed, "account"),
    (QuotaExhausted, "account"),
    (InvalidRequest, "refuses"),
    (AdapterError, "down"),
)
_REASONS: Final[tuple[tuple[str, Obstacle | None], ...]] = (
    *((beginning, "missing") for beginning in MODEL_MISSING),
    ("said lately", "account"),
    ("isolated", "isolated"),
    ("held back", "down"),
    ("circuit breaker", "down"),
    (ACCOUNT_REFUSED, "account"),
    ("not working", "down"),
    ("all its ", "down"),
    ("no time left", None),
    ("the retry budget", None),
)
"""How the reasons begin for which a provider is skipped; other ones say that it cannot take the request.
None for those that end repetitions: what stood in the way was met before."""


def obstacle_of(attempt: Attempt) -> Obstacle | None:
    """Return what stood in the way of an attempt; None where the attempt says nothing of it."""
    if attempt.error is not None:
        return next(obstacle for kind, obstacle in _ERRORS if isinstance(attempt.error, kind))
    if attempt.outcome != "skipped":
        return None
    reason = attempt.reason
    if reason.startswith("held back") and "(RateLimited)" in reason:
        return "limited"
    if reason.startswith("held back") and "(QuotaExhausted)" in reason:
        return "account"
    for beginning, obstacle in _REASONS:
        if reason.startswith(beginning):
            return obstacle
    return "refuses"


def _shown(attempt: Attempt) -> str:
    """Return why an attempt failed, without words of services, in which an address may stand."""
    if attempt.error is not None:
        return told(attempt.error)
    for beginning in (ACCOUNT_REFUSED, "not working"):
        if attempt.reason.startswith(beginning):
            return beginning
    return attempt.reason or attempt.outcome


def _aborted(error: RequestAborted) -> Failure:
    cause = error.__cause__
    if isinstance(cause, ContentRefused):
        return _content_refused(str(cause) or str(error), error.attempts)
    why = told(cause) if isinstance(cause, AdapterError) else "the request was given up"
    return Failure(
        500, "server_error", f"the gateway: {why}; ask again", "local_failure", attempts=error.attempts
    )


def _content_refused(message: str, attempts: tuple[Attempt, ...]) -> Failure:
    return Failure(400, "invalid_request_error", message, "content_filter", repeats=False, attempts=attempts)
