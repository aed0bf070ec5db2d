"""The rules about what an adapter says: its replies, its requests, its probes and its errors.

Each rule is a function that raises `Violation` where an adapter breaks it; its name is that of the check.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from adapters.conformance.harness import Reading, Violation, told
from adapters.contract import OPTIONS, Capabilities, Delta, ProbeResult
from adapters.contract.errors import AdapterError

if TYPE_CHECKING:
    from adapters.conformance.harness import Harness
    from adapters.contract import Adapter, ChatRequest, ProbeLevel

_VALUES: Final[dict[str, Any]] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "logit_bias": {"1": 1},
    "logprobs": False,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "parallel_tool_calls": True,
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "key",
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "stop": ["\n\n\n"],
    "store": False,
    "tool_choice": "auto",
    "tools": [],
    "user": "somebody",
    "verbosity": "low",
    "web_search_options": {},
}
"""Options whose value is not 1."""


async def has_a_name(harness: Harness) -> None:
    """Name, capabilities and standing are of the right kind."""
    async with harness.adapter() as adapter:
        if not isinstance(adapter.name, str) or not adapter.name or not adapter.name.isprintable():
            raise Violation(f"its name is {adapter.name!r}; give it a short printable one")
        if not isinstance(adapter.capabilities, Capabilities):
            raise Violation(f"its capabilities are {adapter.capabilities!r}, no Capabilities")
        unknown = adapter.capabilities.options - OPTIONS
        if unknown:
            raise Violation(f"its capabilities name options that no request can carry: {sorted(unknown)}")
        if adapter.working is False:
            raise Violation(f"it is not working from the start: {adapter.working_reason}")
        repr(adapter)


async def is_a_generator(harness: Harness) -> None:
    """`stream` returns an async generator, and one that is never started costs nothing to close."""
    async with harness.adapter() as adapter:
        await harness.close(harness.open(adapter), "a stream that was never read")


async def can_be_read(harness: Harness) -> None:
    """A reply can be read to its end."""
    (await harness.reply()).whole()


async def yields_deltas(harness: Harness) -> None:
    """Nothing but `Delta` is yielded."""
    for place, delta in enumerate((await harness.reply()).whole()):
        if not isinstance(delta, Delta):
            raise Violation(f"yield {place} is {type(delta).__name__}")


async def brings_content(harness: Harness) -> None:
    """A reply has content."""
    if not any(isinstance(d, Delta) and d.has_content for d in (await harness.reply()).whole()):
        raise Violation("the whole reply has neither text nor reasoning nor a tool call")


async def proves_its_end(harness: Harness) -> None:
    """The last delta, and no other, proves that the reply is complete."""
    deltas = [d for d in (await harness.reply()).whole() if isinstance(d, Delta)]
    places = [place for place, delta in enumerate(deltas) if delta.is_last]
    if not places:
        raise Violation("no delta has a finish_reason or ends=True, so each reply would count as truncated")
    if places[0] != len(deltas) - 1:
        raise Violation(f"delta {places[0]} proves the end, but {len(deltas) - 1 - places[0]} follow it")


async def can_be_encoded(harness: Harness) -> None:
    """Every text can be encoded as UTF-8."""
    for place, delta in enumerate((await harness.reply()).whole()):
        if isinstance(delta, Delta):
            calls = "".join(call.arguments for call in delta.tool_calls)
            try:
                f"{delta.text}{delta.reasoning}{delta.final_text}{calls}".encode()
            except UnicodeEncodeError as error:
                raise Violation(f"delta {place} has half of a surrogate pair ({error})") from error


def _state(request: ChatRequest) -> Any:
    messages = [message.as_dict() for message in request.messages]
    extra = {name: dict(fields) for name, fields in request.extra.items()}
    return copy.deepcopy((messages, request.model, dict(request.options), extra))


async def keeps_the_request(harness: Harness) -> None:
    """The caller's messages, options and extra fields are the same afterwards."""
    async with harness.adapter() as adapter:
        parts = {"role": "user", "content": [{"type": "text", "text": harness.prompt}]}
        wanted = harness.request(stop=["\n\n\n"], extra={"another": {"nested": {"list": [1]}}})
        request = type(wanted).build([parts], extra=wanted.extra, **wanted.options)
        before = _state(request)
        reading = Reading()
        await reading.fill(harness.open(adapter, request))
        if _state(request) != before:
            raise Violation("the request is not what it was; copy what you change")
        reading.whole()


async def drops_unknown_options(harness: Harness) -> None:
    """Options that it does not take, and fields meant for another provider, disturb nothing."""
    async with harness.adapter() as adapter:
        names = OPTIONS - adapter.capabilities.options
        options = {name: _VALUES.get(name, 1) for name in names}
        request = harness.request(extra={f"not {adapter.name}": {"field": 1}}, **options)
        reading = Reading()
        await reading.fill(harness.open(adapter, request))
        reading.whole()


async def probes(harness: Harness) -> None:
    """`probe` returns a result, raises nothing, and keeps its finding."""
    async with harness.adapter() as adapter:
        result = await _probed(adapter)
        if result.working is False:
            raise Violation(f"it finds the service not working, which works: {result.reason}")
        if result.working is not None and adapter.working is not result.working:
            raise Violation(f"it found {result.working}, but `working` says {adapter.working}")


async def answers_probes(harness: Harness) -> None:
    """`probe("answer")` asks for an answer, and leaves nothing behind."""
    async with harness.adapter() as adapter:
        result = await _probed(adapter, "answer")
        if result.level != "answer":
            raise Violation(
                f"asked for the level 'answer' it checked {result.level!r}; call `super().probe(level)`"
            )
        if result.working is not True:
            raise Violation(f"the service works, but the finding is {result.working}: {result.reason}")
        if adapter.working is not True:
            raise Violation(f"it found {result.working}, but `working` says {adapter.working}")
    await harness.nothing_left("after a probe for an answer")


async def _probed(adapter: Adapter, level: ProbeLevel = "reach") -> ProbeResult:
    try:
        result: object = await adapter.probe(level)
    except Exception as error:
        raise Violation(f"probe() raised {told(error)}") from error
    if not isinstance(result, ProbeResult):
        raise Violation(f"probe() returned {type(result).__name__}, no ProbeResult")
    if not result.reason:
        raise Violation("its result gives no reason")
    return result


async def closes_twice(harness: Harness) -> None:
    """The adapter's `aclose` can be called again, unused and used."""
    for used in (False, True):
        async with harness.adapter() as adapter:
            if used:
                reading = Reading()
                await reading.fill(harness.open(adapter))
            for _ in range(2):
                await adapter.aclose()
    await harness.nothing_left("closed twice")


async def fails_properly(harness: Harness) -> None:
    """A failing service is an `AdapterError` with words, and no finding but a result of `probe`."""
    async with harness.adapter(harness.failing) as adapter:
        reading = Reading()
        await reading.fill(harness.open(adapter))
        if reading.error is None and reading.proved:
            raise Violation("a failing service was read as a complete reply")
        if reading.error is not None and not isinstance(reading.error, AdapterError):
            raise Violation(f"reading raised {told(reading.error)}, which is no AdapterError")
        if reading.error is not None and not str(reading.error).isprintable():
            raise Violation("the error's text has control characters")
        if reading.error is not None and not str(reading.error):
            raise Violation(
                f"{type(reading.error).__name__} says nothing: say what happened, where, what next"
            )
        await _probed(adapter)
        await harness.nothing_left("after a failure")
