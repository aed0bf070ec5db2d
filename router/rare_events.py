"""Events that no ordinary request makes: of pauses, costs, clean-ups, bugs, probes and replicas. Pure.

Their public names are those of `router.events`, which imports this module once one of them is asked for: most
programs never meet any of them, and their classes take a twentieth of `import router` to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, get_args

if TYPE_CHECKING:
    from adapters.contract import ProbeResult, Usage
    from router.policy.prices import Cost


@dataclass(frozen=True, slots=True)
class WaitStarted:
    """Nobody answered in a round; the next one starts in `seconds`."""

    request_id: str
    round: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CostBooked:
    """An attempt or a probe was paid for, or may have been; only where prices or limits are kept.

    Attributes:
        request_id: Of the request; None for a probe.
        provider: Who was asked.
        model: That answered, or was asked for, by the provider's own name.
        usage: What the provider counted, where it did.
        cost: What it cost; None where that is not known.
        wasted: Whether it brought nothing to the reply.
    """

    request_id: str | None
    provider: str
    model: str | None
    usage: Usage | None
    cost: Cost | None
    wasted: bool


@dataclass(frozen=True, slots=True)
class CleanUpFailed:
    """Something may be left: a conversation at a provider, or a connection.

    Attributes:
        request_id: Of the request, or None where the router closed the adapter itself.
        provider: Its name.
        error: What went wrong.
    """

    request_id: str | None
    provider: str
    error: Exception


@dataclass(frozen=True, slots=True)
class AdapterBroke:
    """An adapter raised what no adapter should: a bug in it. The attempt counts as BadReply.

    The router passes the error through `without_frames` before it makes this event.
    """

    request_id: str
    provider: str
    error: Exception


@dataclass(frozen=True, slots=True)
class ProbeEnded:
    """A provider was checked."""

    provider: str
    result: ProbeResult


@dataclass(frozen=True, slots=True)
class SharingChanged:
    """What is known of providers is shared with other processes from now on, or is not; told once for each.

    No request fails because of it: without the store each process goes on alone.

    Attributes:
        shared: Whether it is shared.
        reason: The class of the error, where it is not.
        replicas: How many processes were seen last, this one included.
    """

    shared: bool
    reason: str
    replicas: int


RareEvent: TypeAlias = WaitStarted | CostBooked | CleanUpFailed | AdapterBroke | ProbeEnded | SharingChanged

for _each in get_args(RareEvent):
    _each.__module__ = "router"  # as `router` does it with the other events: a user imports them from there
del _each
