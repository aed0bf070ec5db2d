"""The checks find what is broken, and nothing else."""

from collections.abc import Callable
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar

import anyio
import pytest

from adapters import Adapter, BadReply, Busy, Delta, ProbeResult, ServiceFailed, check_adapter
from adapters.conformance import Check, ConformanceError
from adapters.conformance.rules import RULES
from adapters.scripted import Pause, ScriptedAdapter, Step, Unfinished
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
VARIABLE = ContextVar[str]("VARIABLE")
SCRIPT: list[Step] = ["Hel", Pause(1), "lo", Pause(1), " there"]


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
    factory = Recorded(lambda: ScriptedAdapter("sound", SCRIPT, cleanup_seconds=0.5))

    report = await check_adapter(factory, leftovers=factory.leftovers)

    assert [rule.__name__.replace("_", " ") for rule in RULES] == [check.name for check in report.checks]
    assert report.ok
    assert "ok     can be cancelled" in str(report)
    assert all(adapter.opened == adapter.closed for adapter in factory.made)


async def test_a_factory_may_be_a_context_manager():
    closed = []

    @asynccontextmanager
    async def factory():
        yield ScriptedAdapter("sound", SCRIPT)
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

    assert (await check_adapter(lambda: OneAtATime("single", SCRIPT))).ok


@pytest.mark.parametrize("made", [object(), nullcontext(object())])
async def test_a_factory_that_makes_no_adapter_is_told(made):
    with pytest.raises(AssertionError, match="which is no Adapter"):
        await check_adapter(lambda: made)


async def test_a_failing_service_is_checked_where_one_is_given():
    report = await check_adapter(
        lambda: ScriptedAdapter("sound", SCRIPT), failing=lambda: ScriptedAdapter("sound", [ServiceFailed])
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
        lambda: ScriptedAdapter("a", SCRIPT), failing=lambda: ScriptedAdapter("b", script)
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


class Broken(ScriptedAdapter):
    """A sound adapter, to be broken in one place by each subclass."""

    def __init__(self) -> None:
        super().__init__("broken", SCRIPT)


class NoGenerator(Broken):
    async def stream(self, request):  # type: ignore[override]  # this is what is broken
        return ["Hello"]


class PlainList(Broken):
    def stream(self, request):
        return [Delta("Hello")]


class YieldsText(Broken):
    async def stream(self, request):
        yield "Hello"
        yield Delta(finish_reason="stop")


class SwallowsCancellation(Broken):
    async def stream(self, request):
        try:
            yield Delta("Hel")
            await anyio.sleep(5)
            yield Delta("lo", finish_reason="stop")
        except anyio.get_cancelled_exc_class():
            return


class RenamesCancellation(Broken):
    async def stream(self, request):
        yield Delta("Hel")
        try:
            await anyio.sleep(5)
        except BaseException as error:
            raise BadReply("the connection broke") from error
        yield Delta("lo", finish_reason="stop")


class LeavesConversations(Broken):
    async def _delete(self, conversation, request):
        await anyio.sleep(0.1)  # unshielded: a cancellation strikes here too
        self.deleted.add(conversation)
        self.closed += 1


class ClosesSlowly(Broken):
    async def _delete(self, conversation, request):
        with anyio.CancelScope(shield=True):
            await anyio.sleep(30)
        await super()._delete(conversation, request)


class HoldsAScope(Broken):
    async def stream(self, request):
        with anyio.fail_after(60):
            yield Delta("Hel")  # noqa: ASYNC119 - this is what is broken
            yield Delta("lo", finish_reason="stop")  # noqa: ASYNC119 - as above


class HoldsATaskGroup(Broken):
    async def stream(self, request):
        async with anyio.create_task_group():
            yield Delta("Hel")  # noqa: ASYNC119 - this is what is broken
            yield Delta("lo", finish_reason="stop")  # noqa: ASYNC119 - as above


class BelongsToATask(Broken):
    async def stream(self, request):
        token = VARIABLE.set("mine")
        yield Delta("Hel")
        VARIABLE.reset(token)
        yield Delta("lo", finish_reason="stop")


class SharesItsState(Broken):
    current = 0

    async def stream(self, request):
        SharesItsState.current += 1
        mine = SharesItsState.current
        for text in ("Hel", "lo"):
            await anyio.sleep(1)
            if mine != SharesItsState.current:
                raise BadReply("another stream took the connection")
            yield Delta(text)
        yield Delta(finish_reason="stop")


class ChangesTheRequest(Broken):
    async def stream(self, request):
        request.extra.get("another", {"nested": {}})["nested"].clear()
        yield Delta("Hello", finish_reason="stop")


class ChokesOnOptions(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = type(self.capabilities)()

    async def stream(self, request):
        if "temperature" in request.options:
            raise BadReply("the service refuses the field temperature")
        yield Delta("Hello", finish_reason="stop")


class ProbesBadly(Broken):
    async def probe(self, level="reach"):
        raise OSError("no route")


class ProbesToNothing(Broken):
    async def probe(self, level="reach"):
        return None


class ProbesWithoutReason(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(True, "")


class ForgetsItsProbe(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(True, "it answered")


class FindsItselfDown(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(False, "it is down")


class ClosesOnce(Broken):
    async def aclose(self):
        if self.acloses:
            raise RuntimeError("closed twice")
        self.acloses += 1


class Nameless(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.name = ""


class Incapable(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = None  # type: ignore[assignment]  # this is what is broken


class InventsOptions(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = type(self.capabilities)(options=frozenset({"temprature"}))


class DownFromTheStart(Broken):
    def __init__(self) -> None:
        super().__init__()
        self._found(False, "gone", 0)


class FailsOnClosing(Broken):
    async def stream(self, request):
        try:
            for _ in range(9):
                yield Delta("Hel")
        except GeneratorExit:
            raise OSError("the DELETE failed") from None
        yield Delta("lo", finish_reason="stop")


class NeverAnswers(Broken):
    async def stream(self, request):
        await anyio.sleep_forever()
        yield Delta("Hello")


class NeverEnds(Broken):
    async def stream(self, request):
        while True:
            yield Delta()


async def test_an_adapter_that_would_spoil_the_other_checks_ends_them():
    with pytest.raises(ConformanceError, match=r"breaks 1 of 4 rules") as caught:
        await check_adapter(HoldsAScope)

    assert f"{len(RULES) - 4} more could not be checked" in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "rule", "detail"),
    [
        (NoGenerator, "is a generator", "stream() returned a coroutine; write it as"),
        (PlainList, "is a generator", "stream() returned list, not an async generator"),
        (YieldsText, "yields deltas", "yield 0 is str"),
        (SwallowsCancellation, "can be cancelled", "it swallowed the cancellation"),
        (RenamesCancellation, "can be cancelled", "raised BadReply: the connection broke instead of the"),
        (LeavesConversations, "can be cancelled", "1 left behind, for example 'broken-1'"),
        (ClosesSlowly, "closes early", "aclose() took 30.0 s, more than 5 s"),
        (ClosesSlowly, "can be cancelled", "it took 30.0 s to stop, more than 5 s"),
        (HoldsAScope, "holds no scope", "a cancel scope or a task group stays open at a `yield`"),
        (HoldsATaskGroup, "holds no scope", "a cancel scope or a task group stays open at a `yield`"),
        (BelongsToATask, "changes tasks", "reading on in a task of its own raised ValueError"),
        (SharesItsState, "keeps streams apart", "BadReply: another stream took the connection"),
        (ChangesTheRequest, "keeps the request", "the request is not what it was"),
        (ChokesOnOptions, "drops unknown options", "refuses the field temperature"),
        (ProbesBadly, "probes", "probe() raised OSError: no route"),
        (ProbesToNothing, "probes", "probe() returned NoneType"),
        (ProbesWithoutReason, "probes", "its result gives no reason"),
        (ForgetsItsProbe, "probes", "it found True, but `working` says None"),
        (FindsItselfDown, "probes", "it finds the service not working, which works: it is down"),
        (ClosesOnce, "closes twice", "RuntimeError: closed twice"),
        (Nameless, "has a name", "its name is ''"),
        (Incapable, "has a name", "its capabilities are None"),
        (InventsOptions, "has a name", "that no request can carry: ['temprature']"),
        (DownFromTheStart, "has a name", "it is not working from the start: gone"),
        (FailsOnClosing, "closes early", "aclose() raised OSError: the DELETE failed"),
        (NeverAnswers, "can be read", "not finished after 60 s"),
        (NeverEnds, "can be read", "the reply has more than 10000 deltas and goes on"),
    ],
)
async def test_a_broken_adapter_is_found(broken, rule, detail):
    found = await failures_of(broken)

    assert detail in found[rule]
