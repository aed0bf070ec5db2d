"""How a router is bound to what shares its knowledge with other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.events import Event
    from router.policy.budget import RetryBudget
    from router.policy.limits import Bucket, Tally
    from router.policy.retry import RetryPolicy
    from router.provider.provider import Provider


OPENING: Final = 0.25
"""Seconds that opening a router may wait for what other processes know."""


class Bound(Protocol):
    """The sharing of one router."""

    def shared_budget(self, budget: RetryBudget) -> RetryBudget:
        """Return the retry budget that all processes take from."""
        ...

    def shared_tally(self, name: str, own: Bucket) -> Tally:
        """Return a tally that all processes add to.

        Args:
            name: The same in all of them.
            own: Counts what this one uses; a day's, or a minute's.
        """
        ...

    def succeed(self, former: object) -> None:
        """Count as one process with what shared for the router before; call it before `start`.

        Args:
            former: Of that router; None where it shared nothing.
        """
        ...

    def start(self, now: float) -> None:
        """Begin, at the first use of the router; nothing in it waits."""
        ...

    @property
    def has_heard(self) -> bool:
        """Whether what other processes know was read."""
        ...

    async def heard(self, seconds: float = OPENING) -> None:
        """Wait at most so long for what other processes know, and apply it."""
        ...

    async def aclose(self, seconds: float) -> None:
        """End within so many seconds."""
        ...


@runtime_checkable
class Sharer(Protocol):
    """Shares what routers know of their providers; `router.replicas.Replicas` is one."""

    def bind(
        self,
        providers: Mapping[str, Provider],
        policy: RetryPolicy,
        tell: Callable[[Event], None],
        owner: Callable[[], object | None],
    ) -> Bound:
        """Return what shares for one router.

        Args:
            providers: By name.
            policy: How long to remember.
            tell: Tells an event to the observers.
            owner: Returns the router as long as it lives.
        """
        ...


def bound(
    sharer: Sharer | None,
    providers: Mapping[str, Provider],
    policy: RetryPolicy,
    tell: Callable[[Event], None],
    owner: Callable[[], object | None],
) -> Bound | None:
    """Return what shares for one router, or None where nothing is shared.

    Raises:
        TypeError: `sharer` is of another kind.
    """
    if sharer is None:
        return None
    if not isinstance(sharer, Sharer):
        raise TypeError(
            f"replicas must be a Replicas, got {type(sharer).__name__}; "
            "write replicas=Replicas('redis://127.0.0.1:6379/0', namespace='chat')"
        )
    return sharer.bind(providers, policy, tell, owner)
