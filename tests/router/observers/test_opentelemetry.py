"""Spans of requests and attempts, made with OpenTelemetry's real SDK, on virtual time."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from adapters import Capabilities, ConnectFailed, ConnectionLost, ContentRefused, Delta, ServiceFailed, Usage
from adapters.scripted import Forever, Pause, Script, ScriptedAdapter, Step, Unfinished
from router import (
    AllProvidersFailed,
    Attempt,
    AttemptEnded,
    HedgePolicy,
    RequestAborted,
    RequestStarted,
    RetryPolicy,
    Router,
    RouterError,
    StreamInterrupted,
    Timeouts,
)
from router.observers import OpenTelemetryObserver
from router.observers import opentelemetry as module
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder
from tests.virtual_time import anyio_backend, run_virtual

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio
SECOND: Final = 1_000_000_000
EPOCH: Final = 1_750_000_000 * SECOND


class Bench:
    """An observer, and the spans that came of it."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.observer = OpenTelemetryObserver(self.provider, clock=self.now)

    @staticmethod
    def now() -> int:
        return EPOCH + round(anyio.current_time() * SECOND)

    def router(self, *adapters: ScriptedAdapter, **settings: Any) -> Router:
        return Router(adapters, observers=[self.observer], random_source=random.Random(1), **settings)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @property
    def request(self) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.parent is None)
        return found

    @property
    def attempts(self) -> list[ReadableSpan]:
        found = [span for span in self.spans if span.parent is not None]
        return sorted(found, key=lambda span: span.attributes["chat_router.attempt.number"])  # type: ignore[index,arg-type,return-value]  # ended spans have attributes


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    assert "0 requests under way" in repr(made.observer)
    made.provider.shutdown()


def times(span: ReadableSpan) -> tuple[float, float]:
    """When it started and ended, in seconds of the virtual clock."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.start_time - EPOCH) / SECOND, (span.end_time - EPOCH) / SECOND


async def test_a_request_is_a_span_with_a_child_for_each_attempt(bench: Bench) -> None:
    whole: list[Step] = [
        "Hel",
        "lo",
        Delta(usage=Usage(7, 2, 9), model="small-1"),
        3.0,
        Delta(finish_reason="length"),
    ]
    first, second = (
        ScriptedAdapter("first", [0.5, ConnectFailed("no")]),
        ScriptedAdapter("second", [2.0, *whole]),
    )

    async with bench.router(first, second) as router:
        await anyio.sleep(10)
        await router.complete(HELLO, "small", temperature=0.3)

    request, (failed, committed) = bench.request, bench.attempts
    assert (request.name, request.kind, times(request)) == ("chat small", SpanKind.CLIENT, (10.0, 15.5))
    assert request.status.status_code is StatusCode.UNSET
    shown = dict(request.attributes or {})
    assert len(str(shown.pop("chat_router.request.id"))) == 16
    assert shown == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "second",
        "gen_ai.request.model": "small",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "small-1",
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.response.time_to_first_chunk": 2.5,
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "chat_router.request.verdict": "complete",
        "chat_router.request.providers": ("first", "second"),
        "chat_router.request.attempts": 2,
    }
    assert (failed.name, times(failed)) == ("attempt first", (10.0, 10.5))
    assert failed.status.status_code is StatusCode.ERROR
    assert dict(failed.attributes or {}) == {
        "gen_ai.provider.name": "first",
        "gen_ai.request.model": "small",
        "error.type": "ConnectFailed",
        "chat_router.attempt.number": 1,
        "chat_router.attempt.round": 1,
        "chat_router.attempt.phase": "waiting",
        "chat_router.attempt.outcome": "failed",
    }
    assert (committed.name, times(committed)) == ("attempt second", (10.5, 15.5))
    assert committed.status.status_code is StatusCode.UNSET
    for attempt in (failed, committed):
        assert attempt.parent is not None
        assert attempt.context is not None
        assert request.context is not None
        assert attempt.parent.span_id == request.context.span_id
        assert attempt.context.trace_id == request.context.trace_id


async def test_a_request_belongs_to_the_span_in_which_it_was_made(bench: Bench) -> None:
    async with bench.router(ScriptedAdapter("only", "Hello")) as router:
        with bench.provider.get_tracer("application").start_as_current_span("page") as page:
            await router.complete(HELLO)

    request = next(span for span in bench.spans if span.name == "chat")
    assert request.parent is not None
    assert request.parent.span_id == page.get_span_context().span_id


async def test_a_reply_that_breaks_off_is_an_error_of_both_spans(bench: Bench) -> None:
    async with bench.router(ScriptedAdapter("only", ["Hel", 1.0, Unfinished])) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)

    for span in bench.spans:
        assert (span.attributes or {})["error.type"] == "Truncated"
        assert span.status.status_code is StatusCode.ERROR
        assert times(span) == (0.0, 1.0)
    assert (bench.request.attributes or {})["chat_router.request.verdict"] == "truncated"


async def test_a_request_that_nobody_answers_names_the_class_of_its_error(bench: Bench) -> None:
    async with bench.router(ScriptedAdapter("only", [ServiceFailed("no")])) as router:
        with pytest.raises(AllProvidersFailed):
            await router.complete(HELLO)

    shown = bench.request.attributes or {}
    assert (shown["error.type"], shown["chat_router.request.attempts"]) == ("AllProvidersFailed", 2)
    assert shown["chat_router.request.waits"] == 1
    assert "gen_ai.provider.name" not in shown
    assert len(bench.attempts) == 2


async def test_a_skipped_provider_is_a_span_without_length(bench: Bench) -> None:
    off = ScriptedAdapter("off", "never")
    async with bench.router(off, ScriptedAdapter("on", "Hello")) as router:
        router.isolate("off")
        await router.complete(HELLO)

    skipped, _ = bench.attempts
    assert (skipped.attributes or {})["chat_router.attempt.outcome"] == "skipped"
    assert times(skipped) == (0.0, 0.0)
    assert skipped.status.status_code is StatusCode.UNSET


async def test_dropped_options_and_repeats_are_told(bench: Bench) -> None:
    takes_nothing = Capabilities(options=frozenset())
    scripts: list[Script] = [[ConnectionLost("kept alive too long", reused=True)], "Hello"]
    async with bench.router(ScriptedAdapter.each("only", scripts, capabilities=takes_nothing)) as router:
        await router.complete(HELLO, temperature=0.3)

    first, repeat = (span.attributes or {} for span in bench.attempts)
    assert first["chat_router.attempt.dropped_options"] == ("temperature",)
    assert "chat_router.attempt.repeat" not in first
    assert repeat["chat_router.attempt.repeat"] is True


async def test_the_loser_of_a_race_ends_when_it_is_cancelled(bench: Bench) -> None:
    slow, quick = ScriptedAdapter("slow", [Forever]), ScriptedAdapter("quick", [0.5, "Hello", 4.0])
    hedged = RetryPolicy(hedge=HedgePolicy(fallback=2.0))
    async with bench.router(slow, quick, retry=hedged) as router:
        await router.complete(HELLO)

    lost, won = bench.attempts
    assert (lost.attributes or {})["chat_router.attempt.outcome"] == "cancelled"
    assert (times(lost), times(won)) == ((0.0, 2.5), (2.0, 6.5))


async def test_a_takeover_ends_the_span_of_who_broke_off_when_the_next_is_asked(bench: Bench) -> None:
    half = ScriptedAdapter("half", ["one ", 3.0, ServiceFailed("broken")])
    whole = ScriptedAdapter("whole", [2.0, "two", 1.0])
    async with bench.router(half, whole, on_interruption="continue") as router:
        await router.complete(HELLO)

    left, taken_by = bench.attempts
    assert (times(left), times(taken_by), times(bench.request)) == ((0.0, 3.0), (3.0, 6.0), (0.0, 6.0))
    assert (left.attributes or {})["error.type"] == "ServiceFailed"
    assert taken_by.status.status_code is StatusCode.UNSET
    assert (bench.request.attributes or {})["chat_router.request.switches"] == 1
    assert (bench.request.attributes or {})["gen_ai.provider.name"] == "whole"


async def test_a_reader_who_leaves_or_is_cancelled_leaves_no_error(bench: Bench) -> None:
    async with bench.router(ScriptedAdapter("only", ["Hel", Forever])) as router:
        async with await router.stream(HELLO) as reply:
            await reply.receive()
        with anyio.move_on_after(1):
            await router.complete(HELLO)

    requests = [span for span in bench.spans if span.parent is None]
    assert ["closed", "cancelled"] == [(s.attributes or {})["chat_router.request.verdict"] for s in requests]
    assert all(span.status.status_code is StatusCode.UNSET for span in bench.spans)


async def test_what_may_be_left_at_a_provider_is_told(bench: Bench) -> None:
    class Messy(ScriptedAdapter):
        async def stream(self, request: Any) -> Any:
            yield Delta(text="Hello")
            request.conditions.on_leftover(ServiceFailed("the conversation could not be deleted"))
            yield Delta(finish_reason="stop")

    async with bench.router(Messy("messy", "")) as router:
        await router.complete(HELLO)

    assert (bench.request.attributes or {})["chat_router.request.cleanup_failures"] == ("messy",)


async def test_requests_side_by_side_do_not_mix(bench: Bench) -> None:
    """Each of fifty requests, with a model of its own, keeps its attempts, times and trace to itself."""
    scripts: list[Script] = [
        [0.1 * n, ConnectFailed("no")] if n % 2 else [0.1 * n, "Hello"] for n in range(1, 51)
    ]
    first = ScriptedAdapter.each("first", scripts)
    second = ScriptedAdapter("second", [1.0, "Hello"])
    async with bench.router(first, second) as router, anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(router.complete, HELLO, f"model {number}")

    requests = {span.context.trace_id: span for span in bench.spans if span.parent is None and span.context}
    assert len({(span.attributes or {})["gen_ai.request.model"] for span in requests.values()}) == 50
    for attempt in bench.attempts:
        assert attempt.context is not None
        assert attempt.parent is not None
        request = requests[attempt.context.trace_id]
        assert request.context is not None
        assert attempt.parent.span_id == request.context.span_id
        model = (attempt.attributes or {})["gen_ai.request.model"]
        assert model == (request.attributes or {})["gen_ai.request.model"]
        assert times(request)[0] <= times(attempt)[0] <= times(attempt)[1] <= times(request)[1]


async def test_nothing_of_prompts_replies_or_services_is_told(bench: Bench) -> None:
    canary = "canary-91c4"
    refused = ScriptedAdapter("first", [ContentRefused(f"you said {canary}")])
    failing = ScriptedAdapter("second", [ServiceFailed(f"answered 500: {canary}")])
    telling = ScriptedAdapter("third", [canary, Delta(reasoning=canary), ServiceFailed(canary)])
    prompt = [{"role": "user", "content": canary}]

    async with bench.router(failing, telling, refused) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(prompt, stop=canary)
        with pytest.raises(RequestAborted):
            await router.complete(prompt, providers=["first"])

    assert len(bench.spans) == 5
    assert canary not in "".join(span.to_json() for span in bench.spans)


async def test_events_of_unknown_requests_are_ignored(bench: Bench) -> None:
    """An observer that came late, or lost the start, makes no spans and keeps nothing."""
    seen = Recorder()
    adapter = ScriptedAdapter("only", ["Hello", 1.0, ServiceFailed("no")])
    async with Router([adapter], observers=[seen], random_source=random.Random(1)) as router:
        with pytest.raises(StreamInterrupted):
            await router.complete(HELLO)
        await router.check()

    for event in seen.events:
        if not isinstance(event, RequestStarted):
            bench.observer(event)

    assert not bench.spans


async def test_requests_whose_end_never_comes_are_bounded(bench: Bench, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    bench.observer(RequestStarted("talking", ("only",), 1, None))
    bench.observer(AttemptEnded("talking", Attempt("only", 1, 1, "content", "committed")))
    for number in range(10):
        bench.observer(RequestStarted(f"{number}", ("only",), 1, None))
    bench.observer(RequestStarted("9", ("only",), 1, None))  # the same id once more

    assert "3 requests under way" in repr(bench.observer)
    assert len(bench.spans) == 2 + 8
    for number in (7, 8, 9):
        bench.observer._give_up(f"{number}")


async def test_without_a_tracer_provider_it_is_the_process_s(bench: Bench) -> None:
    """None is configured here: spans that record nothing, and no error."""
    observer = OpenTelemetryObserver()
    async with Router([ScriptedAdapter("only", "Hello")], observers=[observer]) as router:
        await router.complete(HELLO)

    assert not bench.spans


STEPS = st.lists(
    st.sampled_from(["text", Delta(reasoning="hm"), Pause(0.5), ServiceFailed, ConnectFailed, Unfinished]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=how_many(60))
@given(
    scripts=st.lists(STEPS, min_size=1, max_size=3),
    hedge=st.booleans(),
    action=st.sampled_from(["raise", "restart", "continue"]),
    limit=st.floats(0.0, 6.0),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_whatever_happens_every_span_ends_within_its_request(
    scripts: list[list[Any]], hedge: bool, action: Any, limit: float, backend: str
) -> None:
    """Failing, hedged, taken over, cancelled at any moment: one request's span, a child for each attempt."""

    async def run() -> tuple[Bench, Recorder]:
        bench, seen = Bench(), Recorder()
        adapters = [ScriptedAdapter(f"provider {n}", script) for n, script in enumerate(scripts)]
        router = Router(
            adapters,
            observers=[bench.observer, seen],
            random_source=random.Random(1),
            retry=RetryPolicy(hedge=HedgePolicy(fallback=1.0) if hedge else None),
            timeouts=Timeouts(total=30),
            on_interruption=action,
        )
        async with router:
            with anyio.move_on_after(limit):
                with suppress(RouterError):
                    await router.complete(HELLO)
        return bench, seen

    bench, seen = run_virtual(run, backend)

    assert "0 requests under way" in repr(bench.observer)
    if not seen.events:
        assert not bench.spans  # cancelled before it began
        return
    start, end = times(bench.request)
    assert len(bench.attempts) == len(seen.ledger)
    for attempt in bench.attempts:
        begun, ended = times(attempt)
        assert start - 1e-6 <= begun <= ended <= end + 1e-6
