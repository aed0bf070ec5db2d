"""One dependable chat stream out of several undependable providers.

    async with Router([H2o(base_url=...), Aura(base_url=...)]) as router:
        async with router.stream([{"role": "user", "content": "Hello"}]) as reply:
            async for delta in reply:
                print(delta, end="")

Start with `Router`; the adapters are in the package `adapters`.
"""

from router import _interrupt  # noqa: F401 - first: a Ctrl-C ends the command quietly from here on

# isort: split
from typing import TYPE_CHECKING, Any

from adapters.contract.errors import ChatRouterError, Disposition
from router._router import Router
from router.errors import AllProvidersFailed, ConfigError, RequestAborted, RouterError, StreamInterrupted
from router.events import (
    Attempt,
    AttemptEnded,
    AttemptStarted,
    ObserverFailed,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    Verdict,
)
from router.health.monitor import Monitor
from router.policy.breaker import BreakerPolicy
from router.policy.budget import RetryBudget
from router.policy.interruption import Interruption
from router.policy.retry import RetryPolicy
from router.policy.strategy import Cheapest, Fastest, Priority, Strategy, Weighted
from router.policy.timeouts import Timeouts
from router.reply.stream import ReplyStream
from router.reply.transcript import Choice, Reply

if TYPE_CHECKING:
    from adapters.contract import ChatOptions, ToolCall
    from router.events import (
        AdapterBroke,
        CleanUpFailed,
        CostBooked,
        Event,
        Observer,
        ProbeEnded,
        SharingChanged,
        WaitStarted,
    )
    from router.health.report import HealthReport, Keeper, ProviderHealth
    from router.policy.hedge import HedgePolicy
    from router.policy.prices import Cost, Price, Prices
    from router.sync import SyncMonitor, SyncReplyStream, SyncRouter

# Imported when they are asked for: a program that streams needs none of them.
_LAZY = {
    "AdapterBroke": "router.events",
    "ChatOptions": "adapters.contract.chat_options",
    "CleanUpFailed": "router.events",
    "Cost": "router.policy.prices",
    "CostBooked": "router.events",
    "Event": "router.events",
    "HealthReport": "router.health.report",
    "HedgePolicy": "router.policy.hedge",
    "Keeper": "router.health.report",
    "Observer": "router.events",
    "Price": "router.policy.prices",
    "Prices": "router.policy.prices",
    "ProbeEnded": "router.events",
    "ProviderHealth": "router.health.report",
    "SharingChanged": "router.events",
    "SyncMonitor": "router.sync",
    "SyncReplyStream": "router.sync",
    "SyncRouter": "router.sync",
    "ToolCall": "adapters.contract.tool_call",
    "WaitStarted": "router.events",
}

__all__ = [
    "AdapterBroke",
    "AllProvidersFailed",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "BreakerPolicy",
    "ChatOptions",
    "ChatRouterError",
    "Cheapest",
    "Choice",
    "CleanUpFailed",
    "ConfigError",
    "Cost",
    "CostBooked",
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
    "Price",
    "Prices",
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
    "SharingChanged",
    "Strategy",
    "StreamInterrupted",
    "SyncMonitor",
    "SyncReplyStream",
    "SyncRouter",
    "Timeouts",
    "ToolCall",
    "Verdict",
    "WaitStarted",
    "Weighted",
]

for _name in __all__:  # so that tracebacks and pages say `router.Router`, where a user imports it
    if getattr(globals().get(_name), "__module__", "").startswith("router."):
        globals()[_name].__module__ = "router"
del _name

if not TYPE_CHECKING:  # a type checker would take any misspelt name for an Any

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module 'router' has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_LAZY[name]), name)
        if getattr(value, "__module__", "").startswith("router."):
            value.__module__ = "router"
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
