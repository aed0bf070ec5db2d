"""What one request carries through the router, from the call to the end of the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.policy.timeouts import Deadline, attempt_limit, clocks_of_provider

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from adapters.contract import ChatRequest
    from router.policy.budget import RetryBudget
    from router.policy.interruption import Interruption
    from router.policy.retry import RetryPolicy
    from router.policy.timeouts import Timeouts
    from router.provider.concurrency import Slots
    from router.provider.provider import Provider
    from router.reply.event_loop import EventLoop
    from router.request.ledger import Ledger
    from router.request.work import Work


@dataclass(slots=True, eq=False, repr=False)
class RequestContext:
    """What holds for one request. Not frozen, since that costs each request; nobody but `forget` changes it.

    Attributes:
        request: What to ask.
        candidates: The providers to ask by name, in order.
        ledger: Its attempts, and the events about it.
        timeouts: Its clocks.
        usual: The router's own clocks: a limit that is shorter proves nothing when it strikes.
        deadline: Its end.
        policy: When a provider is asked again.
        budget: Pays for what is asked again.
        interruption: What becomes of a reply that breaks off.
        slots: Provider name -> its slots.
        random_source: For the jitter.
        clock: Returns the time on the event loop's clock.
        loop: The event loop that it runs in.
        work: The way to its commit, which closing the router cancels.
    """

    request: ChatRequest
    candidates: Mapping[str, Provider]
    ledger: Ledger
    timeouts: Timeouts
    usual: Timeouts
    deadline: Deadline
    policy: RetryPolicy
    budget: RetryBudget
    interruption: Interruption
    slots: Mapping[str, Slots]
    random_source: random.Random
    clock: Callable[[], float]
    loop: EventLoop
    work: Work

    def clocks_at(self, provider: Provider) -> Timeouts:
        """Return the clocks of the request at a provider, which may have some of its own."""
        adapter = provider.adapter
        if adapter.first_content is None and adapter.stall is None:
            return self.timeouts
        return clocks_of_provider(self.timeouts, self.usual, adapter.first_content, adapter.stall)

    def usual_at(self, provider: Provider) -> Timeouts:
        """Return the clocks that a request without any of its own has at a provider."""
        adapter = provider.adapter
        if adapter.first_content is None and adapter.stall is None:
            return self.usual
        return clocks_of_provider(self.usual, self.usual, adapter.first_content, adapter.stall)

    def is_usual(self, provider: Provider, limit: float, now: float, left: int) -> bool:
        """Whether the usual clocks would have given an attempt no more than `limit` seconds.

        Args:
            provider: Who is asked.
            limit: Seconds for the first content.
            now: When the attempt began, on the event loop's clock.
            left: Candidates of the round not yet tried, this one included.
        """
        if self.timeouts is self.usual:
            return True
        remaining = Deadline(self.ledger.started + self.usual.total).remaining(now)
        return limit >= attempt_limit(self.usual_at(provider), remaining, left)

    def forget(self, request: ChatRequest) -> None:
        """Let go of the messages and the candidates: the reply has ended.

        Args:
            request: Stands in for that of the reply.
        """
        self.request, self.candidates = request, {}

    @property
    def request_id(self) -> str:
        """The request's id, as in events and logs."""
        return self.ledger.request_id
