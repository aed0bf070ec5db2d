"""Wrong programs, and what each is told: what happened, where, and what to write instead.

Each is the body of an async function that has a `router` of one provider, "first", the messages `h`, and the
public names of `router` and `adapters`. `*` in a message stands for any text.
"""

from __future__ import annotations

import gc
import textwrap
from fnmatch import fnmatchcase
from typing import Any

import anyio
import pytest

import adapters
import router
from adapters.scripted import Forever, ScriptedAdapter
from router import Router
from tests.depth import sampled
from tests.router.recording import HELLO, router_of
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio

HOW_TO_STREAM = "`async with router.stream(messages) as reply:`"
OPTIONS = "* Known are * temperature, * what only one provider takes goes into extra={'provider name': {...}}"

WRONG: list[tuple[str, type[Exception], str]] = [
    # --- how stream() and complete() are called
    (
        "async for delta in router.stream(h): pass",
        TypeError,
        f"Router.stream() has to be entered before it is iterated; write {HOW_TO_STREAM} "
        "and in it `async for delta in reply:`",
    ),
    (
        "for delta in router.stream(h): pass",
        TypeError,
        f"Router.stream() has to be entered before it is iterated; write {HOW_TO_STREAM} "
        "and in it `async for delta in reply:`",
    ),
    (
        "with router.stream(h) as reply: pass",
        TypeError,
        f"this is asynchronous; write {HOW_TO_STREAM}, or `reply = await router.complete(messages)`",
    ),
    (
        "reply = await router.stream(h).collect()",
        AttributeError,
        "Router.stream() has to be awaited first; write `reply = await router.stream(messages)`, "
        "then `reply.collect`",
    ),
    (
        "async for delta in router.complete(h): pass",
        TypeError,
        "Router.complete() returns the whole reply; write `reply = await router.complete(messages)`, "
        f"or for deltas {HOW_TO_STREAM} and `async for delta in reply:`",
    ),
    (
        "async with router.complete(h) as reply: pass",
        TypeError,
        "Router.complete() returns a reply that needs no closing; "
        f"write `reply = await router.complete(messages)`, or {HOW_TO_STREAM}",
    ),
    (
        "print(router.complete(h).verdict)",
        AttributeError,
        "Router.complete() has to be awaited first; write `reply = await router.complete(messages)`, "
        "then `reply.verdict`",
    ),
    (
        "pending = router.stream(h)\nreply = await pending\nawait reply.aclose()\nawait pending",
        RuntimeError,
        "cannot reuse already awaited coroutine",
    ),
    (
        "print(router.check().providers)",
        AttributeError,
        "Router.check() has to be awaited first; write `report = await router.check()`, "
        "then `report.providers`",
    ),
    (
        "print(Router.from_env(environ={}, local=False).complete(h))",
        AttributeError,
        "Router.from_env() has to be awaited first; write `router = await Router.from_env()`, "
        "then `router.complete`",
    ),
    (
        "async with router.stream(h) as reply: print(reply.text)",
        AttributeError,
        "'ReplyStream' object has no attribute 'text'; write `await reply.read_text()`, "
        "or `reply.text_so_far`",
    ),
    (
        "async with router.stream(h) as reply: print(reply.choices)",
        AttributeError,
        "'ReplyStream' object has no attribute 'choices'; write `await reply.read_text()` for the text, "
        "or `async for delta in reply:` for its pieces",
    ),
    (
        "async with router.stream(h) as reply: print(reply.message)",
        AttributeError,
        "'ReplyStream' object has no attribute 'message'; write `whole = await reply.collect()`, "
        "then `whole.message`",
    ),
    (
        "async with router.stream(h) as reply: print(reply.txt)",
        AttributeError,
        "'ReplyStream' object has no attribute 'txt'",
    ),
    (
        "async with router.stream(h) as reply:\n    async for delta in reply: print(delta.choices)",
        AttributeError,
        "'Delta' object has no attribute 'choices'; write `delta.text`, or `str(delta)`",
    ),
    (
        "with router as opened: pass",
        TypeError,
        "a Router is asynchronous; write `async with Router(…) as router:`, "
        "or `with SyncRouter(…) as router:` in a program without an event loop",
    ),
    # --- arguments that belong elsewhere
    (
        "await router.stream(h, stream=True)",
        TypeError,
        "there is no option 'stream': router.stream(…) streams, "
        "and router.complete(…) returns the whole reply",
    ),
    (
        "await router.complete(h, stream=False)",
        TypeError,
        "there is no option 'stream': router.stream(…) streams, "
        "and router.complete(…) returns the whole reply",
    ),
    (
        "await router.complete(h, timeout=5)",
        TypeError,
        "there is no option 'timeout': a request has several clocks; "
        "write timeouts=Timeouts(total=5) for the whole request",
    ),
    (
        "await router.complete(h, timeouts=5)",
        TypeError,
        "timeouts must be a Timeouts, got int; write timeouts=Timeouts(total=5)",
    ),
    (
        "await router.complete(h, timeouts=Timeouts)",
        TypeError,
        "timeouts must be a Timeouts, got the class Timeouts; write timeouts=Timeouts(total=60)",
    ),
    (
        "await router.complete(h, temprature=1)",
        TypeError,
        f"unknown option 'temprature'; did you mean 'temperature'?{OPTIONS}",
    ),
    (
        "await router.complete(h, temperature='hot')",
        TypeError,
        "option 'temperature' is of type str; it must be a finite number from 0",
    ),
    (
        "await router.complete(h, max_tokens=-1)",
        TypeError,
        "option 'max_tokens' is -1; it must be a positive whole number",
    ),
    # --- messages and names
    (
        "await router.complete('Hello')",
        TypeError,
        "messages is str; pass a list of mappings, for example [[]{'role': 'user', 'content': 'Hello'}]",
    ),
    (
        "await router.complete(h[0])",
        TypeError,
        "messages is dict; pass a list of mappings, for example [[]{'role': 'user', 'content': 'Hello'}]",
    ),
    ("await router.complete([])", ValueError, "messages is empty; pass at least one message"),
    (
        "await router.complete([{'role': 'usr', 'content': 'Hello'}])",
        ValueError,
        "messages[[]0] has the role 'usr'; allowed are *; did you mean 'user'?",
    ),
    (
        "await router.complete([{'role': 'user'}])",
        ValueError,
        "messages[[]0] has no content; give it 'content' (text, or a list of parts)",
    ),
    (
        "await router.complete(['Hello'])",
        TypeError,
        "messages[[]0] is str; pass a mapping with 'role' and 'content', or a Message",
    ),
    (
        "await router.complete(h, 7)",
        TypeError,
        "model is 7; pass the model's name, or None for each provider's default",
    ),
    (
        "await router.complete(h, providers='first')",
        TypeError,
        "providers is text; pass a list of names, for example [[]'first']",
    ),
    (
        "await router.complete(h, providers=['frist'])",
        ValueError,
        "no provider is called 'frist'; did you mean 'first'? There are: first",
    ),
    (
        "await router.complete(h, providers=[ScriptedAdapter('first')])",
        TypeError,
        "a provider is named by text, got ScriptedAdapter; there are: first",
    ),
    (
        "await router.complete(h, providers=[])",
        ValueError,
        "providers is empty; leave it out, or name some of first",
    ),
    (
        "await router.complete(h, extra={'frist': {}})",
        ValueError,
        "no provider is called 'frist'; did you mean 'first'? There are: first",
    ),
    (
        "router.isolate('frist')",
        ValueError,
        "no provider is called 'frist'; did you mean 'first'? There are: first",
    ),
    (
        "await router.check('deep')",
        ValueError,
        "there is no probe level 'deep'; there are: reach, answer",
    ),
    (
        "router.monitor(interval=0)",
        ValueError,
        "monitor(interval=0): it must be a number of seconds above 0",
    ),
    # --- how a router is made
    (
        "Router(ScriptedAdapter('a'))",
        TypeError,
        "providers must be a list of adapters, got one ScriptedAdapter; write Router([[]ScriptedAdapter(…)])",
    ),
    (
        "Router('openai')",
        TypeError,
        "providers must be a list of adapters, got str; write for example Router([[]OpenAICompatible(…)])",
    ),
    (
        "Router(['openai'])",
        TypeError,
        "'openai' is not an adapter; write OpenAICompatible(…) or another class of the package `adapters`",
    ),
    (
        "Router([ScriptedAdapter])",
        TypeError,
        "<class 'adapters.*ScriptedAdapter'> is not an adapter; "
        "make an object of it first: ScriptedAdapter(…)",
    ),
    (
        "Router([object()])",
        TypeError,
        "<object object at *> is not an adapter; pass objects of the classes in the package `adapters`, "
        "or of a class of your own that extends adapters.Adapter",
    ),
    (
        "Router([])",
        ValueError,
        "a router needs at least one provider; pass for example [[]OpenAICompatible(…)]",
    ),
    (
        "Router([ScriptedAdapter('a'), ScriptedAdapter('a')])",
        ValueError,
        "two providers are called 'a'; give one another name (name=…)",
    ),
    (
        "adapter = ScriptedAdapter('a')\none = Router([adapter])\ntwo = Router([adapter])",
        ValueError,
        "'a' is in another router; an adapter belongs to one",
    ),
    (
        "Router([ScriptedAdapter('a')], observers=print)",
        TypeError,
        "observers must be a list of functions, got builtin_function_or_method; write observers=[[]print]",
    ),
    (
        "Router([ScriptedAdapter('a')], observers=['print'])",
        TypeError,
        "observers holds 'print', which cannot be called; pass functions that take one event",
    ),
    (
        "Router([ScriptedAdapter('a')], timeouts=30)",
        TypeError,
        "timeouts must be a Timeouts, got int; write timeouts=Timeouts(total=60)",
    ),
    (
        "Router([ScriptedAdapter('a')], retry=3)",
        TypeError,
        "retry must be a RetryPolicy, got int; write retry=RetryPolicy(attempts=3)",
    ),
    (
        "Router([ScriptedAdapter('a')], breaker=False)",
        TypeError,
        "breaker must be a BreakerPolicy, got bool; write breaker=BreakerPolicy()",
    ),
    (
        "Router([ScriptedAdapter('a')], strategy='fastest')",
        TypeError,
        "strategy must be a Strategy, got str; write strategy=Priority(), Fastest(), Cheapest() or "
        "Weighted({…})",
    ),
    (
        "Router([ScriptedAdapter('a')], on_interruption='retry')",
        ValueError,
        "on_interruption is 'retry'; allowed are 'raise', 'restart', 'continue'",
    ),
    (
        "Router([ScriptedAdapter('a')], history='health.db')",
        TypeError,
        "history must be a History, got str; write history=History('health.db')",
    ),
    (
        "Router([ScriptedAdapter('a')], random_source=7)",
        TypeError,
        "random_source must be a Random, got int; write random_source=Random(7)",
    ),
    (
        "RetryPolicy(dispositions={ValueError: Disposition.RETRY})",
        TypeError,
        "RetryPolicy(dispositions=…): <class 'ValueError'> is no error class of adapters (such as BadReply)",
    ),
    ("RetryPolicy(attempts=9)", ValueError, "RetryPolicy(attempts=9): it must be from 1 to 5"),
    (
        "RetryPolicy(backoff='fast')",
        ValueError,
        "RetryPolicy(backoff='fast'): it must be 0 or more seconds",
    ),
    (
        "Timeouts(stall='30')",
        ValueError,
        "Timeouts(stall='30'): it must be a number of seconds above 0",
    ),
    (
        "Router.from_config('no-such-file.toml')",
        router.ConfigError,
        "no-such-file.toml: no such file; check the name, or write one with: chat-router init",
    ),
    # --- what is closed
    (
        "async with router.stream(h) as reply:\n    pass\nawait anyio.sleep(2)\nawait reply.receive()",
        anyio.ClosedResourceError,
        "the reply of 'first' was closed 2.0 s ago: its reader closed it (aclose(), or the end of its "
        "`async with` block); for another reply call router.stream(…) again",
    ),
    (
        "reply = await router.stream(h)\nawait router.aclose()\nasync for delta in reply: pass",
        anyio.ClosedResourceError,
        "the reply of 'first' was closed 0.0 s ago: its router was closed (Router.aclose); "
        "for another reply call router.stream(…) again",
    ),
    (
        "reply = await router.stream(h)\nwith anyio.move_on_after(1):\n    await reply.collect()\n"
        "await reply.collect()",
        anyio.ClosedResourceError,
        "the reply of 'first' was closed 0.0 s ago: the task that read it was cancelled; "
        "for another reply call router.stream(…) again",
    ),
    (
        "reply = await router.stream(h, timeouts=Timeouts(stall=1))\n"
        "try:\n    await reply.collect()\nexcept StreamInterrupted:\n    await reply.collect()",
        anyio.ClosedResourceError,
        "the reply of 'first' was closed 0.0 s ago: its provider failed, which StreamInterrupted told; "
        "for another reply call router.stream(…) again",
    ),
    (
        "await router.aclose()\nawait router.complete(h)",
        anyio.ClosedResourceError,
        "the router is closed; make a new one",
    ),
]

NAMES: dict[str, Any] = {
    "anyio": anyio,
    **{name: getattr(adapters, name) for name in adapters.__all__},
    **{name: getattr(router, name) for name in router.__all__},
}


SAMPLE = sampled(WRONG, 0.4, "wrong programs", lambda row: row[1])


@pytest.mark.parametrize(("program", "kind", "message"), SAMPLE, ids=[program for program, _, _ in SAMPLE])
async def test_a_wrong_program_is_told_what_to_write(program, kind, message):
    names = dict(NAMES)
    exec(f"async def program(router, h):\n{textwrap.indent(program, '    ')}", names)
    async with router_of(ScriptedAdapter("first", ["Hel", Forever])) as its_router:
        with pytest.raises(kind) as raised:
            await names["program"](its_router, HELLO)
        gc.collect()  # a coroutine that nobody awaited would warn, and a warning is an error here

    assert fnmatchcase(str(raised.value), message), str(raised.value)
    assert kind is type(raised.value)


def test_there_are_many_of_them_and_each_is_told_once():
    programs = [program for program, _, _ in WRONG]

    assert len(programs) >= 30
    assert len(set(programs)) == len(programs)


# --- wrong adapters


class Buggy(adapters.Adapter):
    async def stream(self, request):
        yield adapters.Delta(request.options["text"])


class Forgetful(adapters.Adapter):
    async def stream(self, request):  # type: ignore[override] # as its author forgot the `yield`
        return "Hello"


class Texts(adapters.Adapter):
    async def stream(self, request):
        yield "Hello"


class Later(adapters.Adapter):
    async def stream(self, request):
        yield adapters.Delta("Hel")
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (
            Buggy,
            "buggy: failed after 0.00 s (BadReply: the adapter has a bug: "
            "it raised KeyError in stream(), test_wrong_programs.py line {line})",
        ),
        (
            Forgetful,
            "forgetful: failed after 0.00 s (BadReply: the adapter has a bug: "
            "stream() returned a coroutine instead of an async generator; is its `yield` missing?)",
        ),
        (
            Texts,
            "texts: failed after 0.00 s (BadReply: the adapter has a bug: "
            "stream() yielded str instead of Delta)",
        ),
    ],
)
async def test_a_bug_in_an_adapter_is_named_with_its_file_and_line(adapter, message):
    async with router_of(adapter()) as its_router:
        with pytest.raises(router.AllProvidersFailed) as raised:
            await its_router.complete(HELLO)
    line = Buggy.stream.__code__.co_firstlineno + 1

    assert str(raised.value).splitlines()[1].strip() == message.format(line=line)


async def test_a_bug_behind_the_first_content_is_named_with_its_file_and_line():
    async with router_of(Later()) as its_router:
        with pytest.raises(router.StreamInterrupted) as raised:
            await its_router.complete(HELLO)
    line = Later.stream.__code__.co_firstlineno + 2

    assert f"it raised ZeroDivisionError in stream(), test_wrong_programs.py line {line}" in str(raised.value)


async def test_a_key_that_was_refused_says_when_it_is_tried_again_and_what_lifts_it():
    first = ScriptedAdapter("first", [adapters.AuthenticationFailed("it said 401")])
    async with router_of(first) as its_router:
        for _ in range(2):
            with pytest.raises(router.AllProvidersFailed) as raised:
                await its_router.complete(HELLO)
            await anyio.sleep(20)

    assert str(raised.value).splitlines()[1] == (
        "  first: skipped after 0.00 s (not working, its key or session was refused: it said 401; "
        "asked again in 40 s, or after a successful probe (Router.check))"
    )


# --- where a traceback says that a class lives


@pytest.mark.parametrize("name", router.__all__)
def test_a_public_class_lives_where_a_user_imports_it(name):
    value = getattr(router, name)
    if isinstance(value, type):
        assert value.__module__ in ("router", "adapters", "adapters.contract.errors")
        assert value.__module__ == "router" or value.__name__ in adapters.__all__


def test_a_traceback_says_router():
    assert repr(Router) == "<class 'router.Router'>"
    assert repr(router.AllProvidersFailed) == "<class 'router.AllProvidersFailed'>"
