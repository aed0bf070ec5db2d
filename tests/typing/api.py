"""The public API as a user types it: never executed, only checked by mypy.

A line that ends in `# type: ignore[…]` must be an error: where it is none, mypy says so.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, assert_type

from anyio.abc import ObjectReceiveStream  # noqa: TC002 - as a user writes it

from adapters import (
    Adapter,
    AdapterError,
    Capabilities,
    ChatRequest,
    ContentRefused,
    Delta,
    Message,
    ProbeResult,
    ServiceFailed,
    Usage,
)
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from router import (
    AllProvidersFailed,
    Attempt,
    Disposition,
    Event,
    HealthReport,
    Monitor,
    ProviderHealth,
    Reply,
    ReplyStream,
    RequestAborted,
    RequestEnded,
    RetryPolicy,
    Router,
    RouterError,
    StreamInterrupted,
    Timeouts,
    ToolCall,
    Verdict,
)
from router.health.state import State
from router.history import Day, History, Outage, Sample, outages, strip, uptime
from router.observers import OpenTelemetryObserver, PrometheusObserver
from router.report import RequestShown, Waterfall, as_html, as_json, as_junit, as_markdown, as_prometheus


class Echo(Adapter):
    """An adapter as its author writes it."""

    capabilities = Capabilities(models=frozenset({"big"}), context_size=1000)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        assert_type(request.messages[0], Message)
        yield Delta(text=request.messages[-1].text)
        yield Delta(finish_reason="stop", usage=Usage(total_tokens=3))


def observer(event: Event) -> None:
    if isinstance(event, RequestEnded):
        assert_type(event.verdict, Verdict)
        assert_type(event.attempts, tuple[Attempt, ...])


async def make() -> Router:
    adapters = [Echo(), ScriptedAdapter("second", ["Hel", 0.5, ServiceFailed, Forever, Unfinished])]
    router = Router(adapters)
    router = Router(
        (Echo(),),
        timeouts=Timeouts(first_content=5, total=60.0),
        retry=RetryPolicy(attempts=3, stay=2, dispositions={ContentRefused: Disposition.FAILOVER}),
        observers=[observer],
    )
    assert_type(router.providers, tuple[str, ...])
    Router([Echo], timeouts=Timeouts())  # type: ignore[list-item]
    Router([Echo()], timeouts=30)  # type: ignore[arg-type]
    Router([Echo()], observers=[lambda: None])  # type: ignore[list-item, misc]
    Router([Echo()], history=History("health.db"), observers=[PrometheusObserver(), OpenTelemetryObserver()])
    Router([Echo()], history="health.db")  # type: ignore[arg-type]
    assert_type(Router.from_config("router.toml", environ={"A": "b"}, history=History("health.db")), Router)
    Router.from_config(3)  # type: ignore[arg-type]
    Router.from_config("router.toml", {})  # type: ignore[call-arg]
    Timeouts(first="5")  # type: ignore[call-arg]
    return router


async def ask(router: Router, history: Sequence[Mapping[str, Any]], kept: list[Message]) -> None:
    async with router as entered:
        assert_type(entered, Router)
    async with await router.stream([{"role": "user", "content": "Hello"}]) as reply:
        assert_type(reply, ReplyStream)
        async for delta in reply:
            assert_type(delta, Delta)
            assert_type(delta.text, str)
        assert_type(await reply.receive(), Delta)
        assert_type(await reply.read_text(), str)
        assert_type(await reply.collect(), Reply)
        assert_type(reply.provider, str)
        assert_type(reply.verdict, Verdict | None)
        assert_type(reply.usage, Usage | None)
        assert_type(reply.attempts, tuple[Attempt, ...])
        stream: ObjectReceiveStream[Delta] = reply
        await stream.aclose()
    async with router.stream([{"role": "user", "content": "Hello"}], temperature=0.5) as reply:
        assert_type(reply, ReplyStream)
    async with router.complete(history):  # type: ignore[attr-defined]
        pass
    whole = await router.complete(history, "big", providers=["echo"], temperature=0.5, max_tokens=7)
    assert_type(whole.text, str)
    assert_type(whole.tool_calls, tuple[ToolCall, ...])
    assert_type(whole.final_text, str | None)
    await router.complete(kept, timeouts=Timeouts(), extra={"echo": {"mood": "kind"}})
    await router.stream("Hello")  # type: ignore[arg-type]
    await router.stream(history, 7)  # type: ignore[arg-type]
    await router.stream(history, "big", ["echo"])  # type: ignore[call-arg]
    async for _ in router.stream(history):  # type: ignore[attr-defined]
        pass


async def fail(router: Router) -> None:
    try:
        await router.complete([{"role": "user", "content": "Hello"}])
    except StreamInterrupted as error:
        assert_type(error.partial, str)
        assert_type(error.provider, str)
        assert_type(error.verdict, Verdict)
    except AllProvidersFailed as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.causes, tuple[AdapterError, ...])
    except RequestAborted as error:
        cause = error.__cause__
        if isinstance(cause, AdapterError):
            assert_type(cause.status, int | None)
    except RouterError as error:
        assert_type(error.attempts, tuple[Attempt, ...])


async def look(router: Router) -> dict[str, Any]:
    report = await router.check()
    assert_type(report, HealthReport)
    assert_type(router.health().providers, tuple[ProviderHealth, ...])
    assert_type(report.providers[0].probe, ProbeResult | None)
    assert_type(report.ok, bool)
    assert_type((await router.check("answer")).through, tuple[str, ...])
    async with router.monitor(interval=10, level="answer", jitter=0.1, on_report=print) as monitor:
        assert_type(monitor, Monitor)
        assert_type(monitor.report, HealthReport)
    return report.as_dict()


def look_back(history: History) -> None:
    rows = history.file.samples("echo", since=0, until=1e10)
    assert_type(rows, list[Sample])
    assert_type(uptime(rows, 0, 1e10), list[Day])
    assert_type(outages(rows), list[Outage])
    assert_type(strip(rows, 0, 1e10, buckets=24), list[State])


def publish(report: HealthReport, waterfall: Waterfall, history: History) -> None:
    rows = history.file.samples("echo", since=0, until=1e10)
    assert_type(waterfall.requests, tuple[RequestShown, ...])
    assert_type(as_html(report, history=rows, requests=waterfall.requests), str)
    assert_type(as_junit(report, fail_on="unhealthy"), str)
    as_junit(report, fail_on="unknown")  # type: ignore[arg-type]
    assert_type([as_json(report), as_markdown(report), as_prometheus(report)], list[str])
