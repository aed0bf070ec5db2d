"""One dependable chat stream out of several undependable providers.

    async with Router([H2o(base_url=...), Aura(base_url=...)]) as router:
        async with await router.stream([{"role": "user", "content": "Hello"}]) as reply:
            async for delta in reply:
                print(delta, end="")

Start with `Router`; the adapters are in the package `adapters`.
"""

from adapters.errors import ChatRouterError, Disposition
from router._router import Router
from router._stream import ReplyStream
from router.errors import AllProvidersFailed, RequestAborted, RouterError, StreamInterrupted
from router.events import (
    AdapterBroke,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    Event,
    Observer,
    ObserverFailed,
    ProbeEnded,
    RequestEnded,
    RequestStarted,
    Verdict,
    WaitStarted,
)
from router.health import HealthReport, ProviderHealth
from router.reply import Reply, ToolCall
from router.retry import RetryPolicy
from router.timeouts import Timeouts

__all__ = [
    "AdapterBroke",
    "AllProvidersFailed",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "ChatRouterError",
    "CleanUpFailed",
    "Disposition",
    "Event",
    "HealthReport",
    "Observer",
    "ObserverFailed",
    "ProbeEnded",
    "ProviderHealth",
    "Reply",
    "ReplyStream",
    "RequestAborted",
    "RequestEnded",
    "RequestStarted",
    "RetryPolicy",
    "Router",
    "RouterError",
    "StreamInterrupted",
    "Timeouts",
    "ToolCall",
    "Verdict",
    "WaitStarted",
]
