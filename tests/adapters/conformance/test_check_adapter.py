"""The checks find what is broken, and nothing else."""

from collections.abc import Callable
from contextlib import asynccontextmanager, nullcontext

import pytest

from adapters import Adapter, BadReply, Busy, Delta, ServiceFailed, check_adapter
from adapters.conformance import Check, ConformanceError
from adapters.conformance.rules import RULES
from adapters.scripted import ScriptedAdapter, Unfinished
from tests.adapters import broken_adapters as broken
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


class Recorded:
    """A factory that keeps what it made, to look at what is left behind."""

    def __init__(self, make: Callable[[], ScriptedAdapter]) -> None:
        self.make = make
        self.made: list[ScriptedAdapter] = []

    def __call__(self) -> ScriptedAdapter:
        self.made.append(self.make())
        return self.made[-1]

    def leftovers(self) -> list[str]:
        return [left for adapter in self.made for left in adapter.leftovers]


async def failures_of(make, **settings) -> dict[str, str]:
    """Return the rules that the adapter breaks, with what the report says."""
    factory = Recorded(make)
    leftovers = factory.leftovers if isinstance(make(), ScriptedAdapter) else None
    with pytest.raises(ConformanceError) as caught:
        await check_adapter(factory, leftovers=leftovers, **settings)
    return {check.name: check.detail for check in caught.value.report.failed}


async def test_a_sound_adapter_passes_every_check():
    factory = Recorded(lambda: ScriptedAdapter("sound", broken.SCRIPT, cleanup_seconds=0.5))

    report = await check_adapter(factory, leftovers=factory.leftovers)

    assert [rule.__name__.replace("_", " ") for rule in RULES] == [check.name for check in report.checks]
    assert report.ok
    assert "ok     can be cancelled" in str(report)
    assert all(adapter.opened == adapter.closed for adapter in factory.made)


async def test_a_factory_may_be_a_context_manager():
    closed = []

    @asynccontextmanager
    async def factory():
        yield ScriptedAdapter("sound", broken.SCRIPT)
        closed.append(True)

    report = await check_adapter(factory)

    assert report.ok
    assert closed


async def test_the_smallest_adapter_of_the_documentation_passes():
    class Echo(Adapter):
        async def stream(self, request):
            yield Delta(text=request.messages[-1].text)
            yield Delta(finish_reason="stop")

    assert (await check_adapter(Echo)).ok


async def test_a_service_that_takes_one_conversation_at_a_time_may_say_so():
    class OneAtATime(ScriptedAdapter):
        async def stream(self, request):
            if self.opened > self.closed:
                raise Busy("one at a time")
            stream = super().stream(request)
            try:
                async for delta in stream:
                    yield delta
            finally:
                await stream.aclose()

    assert (await check_adapter(lambda: OneAtATime("single", broken.SCRIPT))).ok


@pytest.mark.parametrize("made", [object(), nullcontext(object())])
async def test_a_factory_that_makes_no_adapter_is_told(made):
    with pytest.raises(AssertionError, match="which is no Adapter"):
        await check_adapter(lambda: made)


async def test_a_failing_service_is_checked_where_one_is_given():
    report = await check_adapter(
        lambda: ScriptedAdapter("sound", broken.SCRIPT),
        failing=lambda: ScriptedAdapter("sound", [ServiceFailed]),
    )

    assert Check("fails properly", True) == report.checks[-1]


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ([ZeroDivisionError("oops")], "reading raised ZeroDivisionError: oops, which is no AdapterError"),
        (["All is well"], "a failing service was read as a complete reply"),
        ([BadReply("one\ntwo")], "the error's text has control characters"),
        ([BadReply("")], "BadReply says nothing: say what happened, where, what next"),
    ],
)
async def test_a_failure_that_is_told_badly_is_found(script, detail):
    found = await failures_of(
        lambda: ScriptedAdapter("a", broken.SCRIPT), failing=lambda: ScriptedAdapter("b", script)
    )

    assert {"fails properly": detail} == found


@pytest.mark.parametrize(
    ("script", "rule", "detail"),
    [
        (["Hel", Unfinished], "proves its end", "no delta has a finish_reason or ends=True"),
        ([Delta(finish_reason="stop"), "late"], "proves its end", "delta 0 proves the end, but 1 follow it"),
        ([Delta(reasoning="", text="")], "brings content", "neither text nor reasoning nor a tool call"),
        (["\ud83d"], "can be encoded", "delta 0 has half of a surrogate pair"),
        (["Hel", ServiceFailed("down")], "can be read", "reading raised ServiceFailed: down"),
    ],
)
async def test_a_script_that_breaks_a_rule_is_found(script, rule, detail):
    found = await failures_of(lambda: ScriptedAdapter("broken", script))

    assert detail in found[rule]


async def test_an_adapter_that_would_spoil_the_other_checks_ends_them():
    with pytest.raises(ConformanceError, match=r"breaks 1 of 4 rules") as caught:
        await check_adapter(broken.HoldsAScope)

    assert f"{len(RULES) - 4} more could not be checked" in str(caught.value)


@pytest.mark.parametrize(
    ("adapter", "rule", "detail"),
    [
        (broken.NoGenerator, "is a generator", "stream() returned a coroutine instead of an async"),
        (broken.PlainList, "is a generator", "stream() returned a list instead of an async"),
        (broken.YieldsText, "yields deltas", "yield 0 is str"),
        (broken.SwallowsCancellation, "can be cancelled", "it swallowed the cancellation"),
        (
            broken.RenamesCancellation,
            "can be cancelled",
            "raised BadReply: the connection broke instead of the",
        ),
        (broken.LeavesConversations, "can be cancelled", "1 left behind, for example 'broken-1'"),
        (broken.ClosesSlowly, "closes early", "aclose() took more than 5 s"),
        (broken.ClosesSlowly, "can be cancelled", "it took 30.0 s to stop, more than 5 s"),
        (broken.HoldsAScope, "holds no scope", "a cancel scope or a task group stays open at a `yield`"),
        (broken.HoldsATaskGroup, "holds no scope", "a cancel scope or a task group stays open at a `yield`"),
        (broken.BelongsToATask, "changes tasks", "reading on in a task of its own raised ValueError"),
        (broken.SharesItsState, "keeps streams apart", "BadReply: another stream took the connection"),
        (broken.ChangesTheRequest, "keeps the request", "the request is not what it was"),
        (broken.ChokesOnOptions, "drops unknown options", "refuses the field temperature"),
        (broken.ProbesBadly, "probes", "probe() raised OSError: no route"),
        (broken.ProbesToNothing, "probes", "probe() returned NoneType"),
        (broken.ProbesWithoutReason, "probes", "its result gives no reason"),
        (broken.ForgetsItsProbe, "probes", "it found True, but `working` says None"),
        (broken.FindsItselfDown, "probes", "it finds the service not working, which works: it is down"),
        (broken.MistakesTheLevel, "answers probes", "asked for the level 'answer' it checked 'reach'"),
        (
            broken.CannotBeProbed,
            "answers probes",
            "but the finding is None: the adapter has a bug: it raised KeyError in stream()",
        ),
        (broken.ForgetsItsAnswer, "answers probes", "it found True, but `working` says None"),
        (broken.ClosesOnce, "closes twice", "RuntimeError: closed twice"),
        (broken.Nameless, "has a name", "its name is ''"),
        (broken.Incapable, "has a name", "its capabilities are None"),
        (broken.InventsOptions, "has a name", "that no request can carry: ['temprature']"),
        (broken.DownFromTheStart, "has a name", "it is not working from the start: gone"),
        (broken.FailsOnClosing, "closes early", "aclose() raised OSError: the DELETE failed"),
        (broken.NeverAnswers, "can be read", "not finished after 60 s"),
        (broken.NeverEnds, "can be read", "the reply has more than 10000 deltas and goes on"),
    ],
)
async def test_a_broken_adapter_is_found(adapter, rule, detail):
    found = await failures_of(adapter)

    assert detail in found[rule]
