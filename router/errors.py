"""What a request can end with, besides a reply.

    ChatRouterError
      RouterError               attempts, request_id
        AllProvidersFailed      nobody delivered content; retryable, retry_after
        RequestAborted          an error that forbids asking anybody else; its __cause__ is the AdapterError
        StreamInterrupted       content came, but no proof of its end; provider, partial, verdict, __cause__
      ConfigError               a configuration file cannot be used; file, mistakes

Misuse of a stream is anyio's ClosedResourceError or BusyResourceError; wrong arguments are TypeError or
ValueError, before any provider is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ChatRouterError,
    ConnectionLost,
    ContentRefused,
    InvalidRequest,
    ModelNotFound,
    Truncated,
)
from adapters.contract.reader import reader

if TYPE_CHECKING:
    from router.events import Attempt, Verdict

ACCOUNT_REFUSED: Final = "not working, its key or session was refused"
"""How the reason begins for which a provider is skipped after it refused the configured account."""
MODEL_MISSING: Final = ("said lately that it does not have", "does not serve the model")
"""How the reasons begin for which a provider is skipped that lacks the model."""


class RouterError(ChatRouterError):
    """A request failed. `attempts` is its ledger, `request_id` its id, as in events and logs."""

    def __init__(
        self, message: str, attempts: tuple[Attempt, ...] = (), *, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.request_id = request_id


class AllProvidersFailed(RouterError):
    """Nobody delivered content; the text has one line per attempt.

    Args:
        attempts: The ledger.
        out_of_time: Whether the deadline ended the request.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds until the first held-back provider comes back, where one is held back.
        request_id: The request's id.
    """

    def __init__(
        self,
        attempts: tuple[Attempt, ...],
        *,
        out_of_time: bool = False,
        retryable: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        head = _headline(attempts, out_of_time=out_of_time)
        if not out_of_time and attempts and all(map(_refused_account, attempts)):
            who = "each" if len({each.provider for each in attempts}) > 1 else repr(attempts[0].provider)
            head += f"; {who} refused the key or session: waiting alone does not help, give a valid one"
        elif not out_of_time and attempts and all(map(_lacks_model, attempts)):
            pass  # the headline says what to do; that the model comes back is not to be waited for
        elif retry_after is not None:
            head += f"; try again in {retry_after:.1f} s"
        elif retryable:
            head += "; the same request may succeed later"
        text = "\n".join([head, *(f"  {attempt}" for attempt in attempts)])
        super().__init__(text, attempts, request_id=request_id)
        self.retryable = retryable
        self.retry_after = retry_after

    @property
    def causes(self) -> tuple[AdapterError, ...]:
        """The errors of the attempts, in order."""
        return tuple(attempt.error for attempt in self.attempts if attempt.error is not None)


def _headline(attempts: tuple[Attempt, ...], *, out_of_time: bool) -> str:
    errors = [attempt.error for attempt in attempts if attempt.error is not None]
    if out_of_time:
        return f"no provider answered before the deadline ({reader().total()})"
    if attempts and all(attempt.context is not None for attempt in attempts):
        return _too_large(attempts)
    if errors and all(isinstance(error, InvalidRequest) for error in errors):
        return "no provider takes this request; look at the messages and options"
    if attempts and all(map(_lacks_model, attempts)):
        names = {attempt.provider for attempt in attempts}
        who = "no provider has" if len(names) > 1 else f"{attempts[0].provider!r} does not have"
        return f"{who} the model that is asked for; name another one: {reader().models()}"
    if not errors:
        return _unmet(attempts) or "no provider could be asked"
    return "no provider answered"


def _refused_account(attempt: Attempt) -> bool:
    """Whether waiting does not help: a key is refused, and the service named no time for it to pass."""
    if attempt.error is None:
        return attempt.reason.startswith(ACCOUNT_REFUSED)
    return isinstance(attempt.error, AuthenticationFailed) and attempt.error.retry_after is None


def _lacks_model(attempt: Attempt) -> bool:
    """Whether the service has no such model, or said so before."""
    return isinstance(attempt.error, ModelNotFound) or attempt.reason.startswith(MODEL_MISSING)


def _too_large(attempts: tuple[Attempt, ...]) -> str:
    """Return that the request is too large for all, and the largest context that there is."""
    tokens = max(attempt.tokens for attempt in attempts)
    head = "the request is too long for every provider"
    if tokens:
        head += f" (about {tokens} tokens)"
    context, provider = max((attempt.context or 0, attempt.provider) for attempt in attempts)
    if context:
        head += f"; the largest known context is {context} tokens ({provider})"
    return f"{head}; shorten the messages, or add a provider with a larger context"


def _unmet(attempts: tuple[Attempt, ...]) -> str | None:
    """Return which demand nobody meets, or who lacks what, where that is why nobody was asked."""
    lacks = {attempt.provider: attempt.lacks for attempt in attempts}
    if not lacks or not all(lacks.values()):
        return None
    common = sorted(set.intersection(*map(set, lacks.values())))
    if common:
        return (
            f"no provider takes {' and '.join(common)}, which the request demands; "
            f"add a provider that does, or leave {'it' if len(common) == 1 else 'them'} out"
        )
    each = "; ".join(f"{provider} lacks {', '.join(names)}" for provider, names in lacks.items())
    return f"no provider meets all demands of the request: {each}"


class RequestAborted(RouterError):
    """An error that forbids asking anybody else ended the request; it is the `__cause__`."""


class StreamInterrupted(RouterError):
    """A reply broke off after content; what came is in `partial`.

    Args:
        message: What happened.
        provider: Who was answering.
        partial: The text delivered so far.
        verdict: truncated, failed or refused.
        attempts: The ledger.
        request_id: The request's id.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        partial: str,
        verdict: Verdict,
        attempts: tuple[Attempt, ...],
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, attempts, request_id=request_id)
        self.provider = provider
        self.partial = partial
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class ConfigMistake:
    """One thing in a configuration file that cannot be used.

    Attributes:
        key: Where it stands, such as `timeouts.stall` or `provider 2: limits.connections`; "" for the file.
        text: What was found, and what is allowed. Never holds a secret.
        line: Its line, from 1, where it is known.
    """

    key: str
    text: str
    line: int | None = None


class ConfigError(ChatRouterError):
    """A configuration file cannot be used; its text has one line for each mistake, all of them at once.

    Args:
        file: The file, as it was named.
        mistakes: What is wrong, in the order of the file.
    """

    def __init__(self, file: str, mistakes: tuple[ConfigMistake, ...]) -> None:
        lines = [_mistake_line(file, mistake) for mistake in mistakes]
        if len(lines) > 1:
            lines.insert(0, f"{file} has {len(lines)} mistakes:")
        super().__init__("\n".join(lines))
        self.file = file
        self.mistakes = mistakes


def _mistake_line(file: str, mistake: ConfigMistake) -> str:
    place = file if mistake.line is None else f"{file}:{mistake.line}"
    return ": ".join(part for part in (place, mistake.key, mistake.text) if part)


def verdict_of(error: AdapterError) -> Verdict:
    """Return how a reply ended that an error of its provider broke off."""
    if isinstance(error, Truncated | ConnectionLost):
        return "truncated"
    return "refused" if isinstance(error, ContentRefused) else "failed"
