"""What speaks for or against a provider, in words that may be published: of an error its class and status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from adapters.contract import errors
from adapters.contract.errors import AdapterError, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.contract import ProbeResult

EvidenceKind: TypeAlias = Literal["traffic", "reach", "answer", "none"]
"""Where evidence comes from: a request, a probe of that level, or nowhere."""

OF_THE_WAY: Final = (errors.ConnectFailed, errors.ConnectionLost, errors.Unreachable)
"""Failures of the way to a service: a probe that reaches the service refutes them."""

MAY_HAVE_COST: Final = (
    errors.BadReply, errors.ConnectionLost, errors.EmptyReply, errors.FirstContentTimeout,
    errors.ReplyRejected, errors.Stalled, errors.Truncated,
)  # fmt: skip
"""Failures behind which a service may have generated."""

WINDOW: Final = 3600.0
"""Seconds for which an attempt or a reply counts."""

_SHOWN: Final = 3
"""Models or keys that a reason names."""


def says_nothing(error: AdapterError) -> bool:
    """Whether `error` alone speaks about its request only, or it cannot be told whom it speaks about."""
    return error.scope is Scope.REQUEST or error.ambiguous


class Evidence(NamedTuple):
    """Something that happened and speaks for or against a provider.

    Attributes:
        kind: A request, or a probe of that level.
        at: When, on the event loop's clock.
        good: Whether it speaks for the provider.
        reason: What it was, in words that may be published.
        detail: The same in the words of the adapter, which are not for everybody; empty where it has none.
        of_the_way: Whether the failure concerned the way to the service, so that reaching it refutes it.
    """

    kind: EvidenceKind
    at: float
    good: bool
    reason: str
    detail: str = ""
    of_the_way: bool = False


def answered(now: float) -> Evidence:
    """Return the evidence of a request that the provider answered."""
    return tuple.__new__(Evidence, ("traffic", now, True, "it answered", "", False))  # half of the time


def lacking(listed: tuple[str, ...], models: Iterable[str | None]) -> str:
    """Return which of some models a list lacks, in words; empty where none, or where there is no list.

    Args:
        listed: What the service says it has; a name counts also without its owner or tag.
        models: By the service's names; None stands for the service's own default.
    """
    names = {part for name in listed for part in (name, name.partition(":")[0], name.rpartition("/")[2])}
    missing = dict.fromkeys(model for model in models if model is not None and model not in names)
    shown = [repr(name) for name in missing][:_SHOWN] if names else []
    more = f" and {len(missing) - _SHOWN} more" if shown and len(missing) > _SHOWN else ""
    return ", ".join(shown) + more


_WORDS: Final[dict[type[AdapterError], str]] = {
    errors.ConnectFailed: "no connection could be made",
    errors.ConnectionLost: "the connection broke",
    errors.ServiceFailed: "the service says that it failed",
    errors.RateLimited: "the service asks to be left alone for a while",
    errors.Busy: "all connections that this side allows are in use",
    errors.Unreachable: "the service cannot be reached as configured",
    errors.FirstContentTimeout: "no content came in time",
    errors.Stalled: "content stopped coming",
    errors.ReplyTooLarge: "the answer is over a limit of this side",
    errors.BadReply: "the answer is not what the protocol promises",
    errors.EmptyReply: "the reply had no content",
    errors.Truncated: "the reply ended before it was complete",
    errors.ContextTooLong: "the messages are too long for it",
    errors.InvalidRequest: "it does not take the request",
    errors.AuthenticationFailed: "key, cookie or session is missing, wrong or expired",
    errors.QuotaExhausted: "what may be used of it is used up",
    errors.ModelNotFound: "it does not have the model",
    errors.NotWorking: "the service cannot serve now",
    errors.ContentRefused: "it refuses the content",
    errors.LocalFailure: "this machine is the cause",
    AdapterError: "the adapter failed",
}


def told(error: AdapterError) -> str:
    """Return what `error` means, with the status and the numbers of the keys, where there were some."""
    kind = type(error)
    words = _WORDS.get(kind) or next(_WORDS[each] for each in kind.__mro__ if each in _WORDS)
    if error.status is not None:
        words += f", HTTP status {error.status}"
    if not error.keys:
        return words
    if len(error.keys) > _SHOWN:
        return f"{words} ({len(error.keys)} keys)"
    words += f" (key{'s' * (len(error.keys) > 1)} {', '.join(f'#{number}' for number in error.keys)})"
    return words


def told_by(probe: ProbeResult) -> str:
    """Return what a probe found: of an error what it means, else the adapter's own words."""
    return probe.reason if probe.error is None else told(probe.error)
