"""One dependable chat stream out of several undependable providers.

    async with Router([H2o(base_url=...), Aura(base_url=...)]) as router:
        async with await router.stream([{"role": "user", "content": "Hello"}]) as reply:
            async for delta in reply:
                print(delta, end="")

Start with `Router`; the adapters are in the package `adapters`.
"""

from adapters.errors import ChatRouterError, Disposition
from router._monitor import Monitor
from router._router import Router
from router._stream import ReplyStream
from router.breaker import BreakerPolicy
from router.budget import RetryBudget
from router.errors import AllProvidersFailed, ConfigError, RequestAborted, RouterError, StreamInterrupted
from router.events import (
    AdapterBroke,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    Event,
    Keeper,
    Observer,
    ObserverFailed,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    Verdict,
    WaitStarted,
)
from router.health import HealthReport, ProviderHealth
from router.hedging import HedgePolicy
from router.interruption import Interruption
from router.reply import Reply, ToolCall
from router.retry import RetryPolicy
from router.strategy import Fastest, Priority, Strategy, Weighted
from router.timeouts import Timeouts

__all__ = [
    "AdapterBroke",
    "AllProvidersFailed",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "BreakerPolicy",
    "ChatRouterError",
    "CleanUpFailed",
    "ConfigError",
    "Disposition",
    "Event",
    "Fastest",
    "HealthReport",
    "HedgePolicy",
    "Interruption",
    "Keeper",
    "Monitor",
    "Observer",
    "ObserverFailed",
    "Priority",
    "ProbeEnded",
    "ProviderHealth",
    "Reply",
    "ReplyStream",
    "ReplySwitched",
    "RequestAborted",
    "RequestEnded",
    "RequestStarted",
    "RetryBudget",
    "RetryPolicy",
    "Router",
    "RouterError",
    "Strategy",
    "StreamInterrupted",
    "Timeouts",
    "ToolCall",
    "Verdict",
    "WaitStarted",
    "Weighted",
]
