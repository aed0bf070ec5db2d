"""What the tests of all servers ask with."""

from typing import Any

from adapters import Adapter, AdapterError, ProbeLevel, ProbeResult
from router import AllProvidersFailed, RequestAborted, RetryPolicy, Router

HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"place": {"enum": ["Paris", "Rome"]}, "warm": {"type": "boolean"}},
    "required": ["place", "warm"],
    "additionalProperties": False,
}


def says(text: str) -> list[dict[str, str]]:
    """Return the messages of somebody who says one thing."""
    return [{"role": "user", "content": text}]


def router_of(*adapters: Adapter) -> Router:
    """Return a router that asks each provider once."""
    return Router(adapters, retry=RetryPolicy(attempts=1))


async def error_of(adapter: Adapter, messages: Any = HELLO, **options: Any) -> AdapterError:
    """Return the error that a request ends with."""
    async with router_of(adapter) as router:
        try:
            reply = await router.complete(messages, **options)
        except AllProvidersFailed as failed:
            return failed.causes[-1]
        except RequestAborted as aborted:
            if isinstance(aborted.__cause__, AdapterError):
                return aborted.__cause__
        else:
            raise AssertionError(f"it answered: {reply.text!r}")
    raise AssertionError("it ended with something else than an error of its provider")


async def probed(adapter: Adapter, level: ProbeLevel = "reach") -> ProbeResult:
    """Return what a probe of an adapter finds, which no router holds."""
    try:
        return await adapter.probe(level)
    finally:
        await adapter.aclose()
