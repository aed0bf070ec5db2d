"""Reports to render: one of a usual day, and any that hypothesis can think of, hostile texts included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from hypothesis import strategies as st

from adapters.contract import ProbeResult
from adapters.contract.errors import ConnectFailed, FirstContentTimeout, RateLimited
from router.events import Attempt, RequestEnded
from router.health.report import (
    HealthReport,
    LastError,
    ProbeAllowance,
    ProviderHealth,
    RetryAllowance,
    State,
)
from router.health.traffic_summary import AttemptCounts, Percentiles, ReplyCounts, Traffic
from router.history import Sample
from router.policy.breaker_snapshot import BreakerSnapshot, BreakerState
from router.report import RequestShown, Waterfall

NOW: Final = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)
LONG: Final = "aura-with-a-name-that-fits-no-column.example"
MODELS: Final = tuple(f"model-{number}" for number in range(40))

HOSTILE: Final = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "a]]>b<!--c-->&amp;&#60;",
    "pipe | `tick` **bold** [a](javascript:b) ~~c~~",
    "\n## heading\n| a | b |\n|---|---|\n",
    "\x00\x07\x1b[31mred\x1b[0m\x9b31m\x7f",
    "\u202egnp.exe\u2066\u2028\u2029\ufeff",
    "\ud800lone\udfff \ufffe\uffff",
    'a="b",c=\'d\' \\ {e="f"} # HELP x',
    "@everyone #1 GH-2 www.example.org http://example.org a@b.cd :smile: $x$",
    "  \t\r\n  ",
    "[bold]no[/bold] [link=x]y[/]",
)
TEXTS: Final = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(), max_size=30),  # surrogates and controls as well
    st.text("|\\`*_[]<>#@:/w.&\n\"'{}= a1", max_size=30),
)
NAMES: Final = TEXTS.filter(lambda text: bool(text.strip()))
SECONDS: Final = st.floats(0, 1e7)
MAYBE: Final = st.none() | SECONDS
COUNTS: Final = st.integers(0, 10**6)
STATES: Final = st.sampled_from(get_args(State))


@st.composite
def percentiles(draw: st.DrawFn) -> Percentiles:
    times = draw(st.lists(st.floats(0, 1e5), max_size=5))
    return Percentiles.of(times)


TRAFFIC: Final = st.builds(
    Traffic,
    attempts=st.builds(AttemptCounts, COUNTS, COUNTS, COUNTS, COUNTS),
    replies=st.builds(ReplyCounts, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    success_ratio=st.none() | st.floats(0, 1),
    first_content=percentiles(),
    total=percentiles(),
)
PROBES: Final = st.builds(
    ProbeResult, st.sampled_from([True, False, None]), TEXTS, st.just("reach"), seconds=SECONDS
)
BREAKERS: Final = st.builds(
    BreakerSnapshot, st.sampled_from(get_args(BreakerState)), COUNTS, COUNTS, COUNTS, COUNTS, MAYBE, COUNTS
)


def providers(names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[ProviderHealth]:
    """Any provider; texts and names may be hostile."""
    return st.builds(
        ProviderHealth,
        provider=names,
        adapter=TEXTS,
        state=STATES,
        reason=TEXTS,
        detail=TEXTS,
        evidence=st.sampled_from(["traffic", "reach", "answer", "none"]),
        evidence_age=MAYBE,
        can_answer=st.booleans(),
        back_in=MAYBE,
        generation=st.none() | TEXTS,
        models=st.lists(TEXTS, max_size=3).map(tuple),
        breaker=BREAKERS,
        traffic=TRAFFIC,
        last_error=st.none() | st.builds(LastError, TEXTS, TEXTS, SECONDS, TEXTS),
        last_success_age=MAYBE,
        probe=st.none() | PROBES,
        probe_budget=st.builds(ProbeAllowance, COUNTS, SECONDS),
    )


REPORTS: Final = st.builds(
    HealthReport,
    st.lists(providers(), min_size=1, max_size=4, unique_by=lambda entry: entry.provider).map(tuple),
    st.none() | st.just("reach"),
    st.builds(RetryAllowance, SECONDS, SECONDS | st.just(float("inf"))),
)


def usual() -> HealthReport:
    """Return the report of a day on which one provider is down, and one asks to be left alone."""
    return HealthReport(
        (_h2o(), _aura(), _open_assistant(), ProviderHealth("chat_anywhere"), _openai()), "reach"
    )


def _h2o() -> ProviderHealth:
    return ProviderHealth(
        "h2o",
        "H2o",
        "healthy",
        "content came",
        evidence="traffic",
        evidence_age=3.2,
        generation="G5",
        models=("small", "large"),
        traffic=Traffic(
            attempts=AttemptCounts(committed=130, failed=2, cancelled=1),
            replies=ReplyCounts(complete=128, truncated=2),
            success_ratio=130 / 132,
            first_content=Percentiles(130, 0.42, 1.31, 2.4),
            total=Percentiles(128, 3.1, 8.0, 12.0),
        ),
        last_success_age=3.2,
        last_error=LastError("FirstContentTimeout", "no content came in time", 1220.0),
        probe=ProbeResult(True, "it lists its models", seconds=0.121),
        probe_budget=ProbeAllowance(4, 4.0),
    )


def _aura() -> ProviderHealth:
    return ProviderHealth(
        LONG,
        "Aura",
        "degraded",
        "held back: RateLimited",
        can_answer=False,
        back_in=27.3,
        evidence="traffic",
        evidence_age=12.0,
        breaker=BreakerSnapshot("closed", 1, 50, 14, 2, 0.0, 0),
        traffic=Traffic(
            attempts=AttemptCounts(committed=36, failed=14, skipped=8),
            replies=ReplyCounts(complete=36),
            success_ratio=0.72,
            first_content=Percentiles(36, 0.9, 2.31, 4.4),
        ),
        last_error=LastError("RateLimited", "the service asks to be left alone for a while", 12.0),
    )


def _open_assistant() -> ProviderHealth:
    return ProviderHealth(
        "open_assistant",
        "OpenAssistant",
        "unhealthy",
        "key, cookie or session is missing, wrong or expired",
        can_answer=False,
        evidence="reach",
        evidence_age=1.0,
        breaker=BreakerSnapshot("open", 5, 12, 9, 0, 21.4, 2),
        traffic=Traffic(attempts=AttemptCounts(failed=9, skipped=40), success_ratio=0.0),
        last_error=LastError("AuthenticationFailed", "key, cookie or session is missing", 332.0),
        probe=ProbeResult(False, "the session is not accepted", seconds=0.081),
    )


def _openai() -> ProviderHealth:
    return ProviderHealth(
        "openai",
        "OpenAICompatible",
        "healthy",
        "content came",
        evidence="traffic",
        evidence_age=62.0,
        models=MODELS,
        traffic=Traffic(
            attempts=AttemptCounts(committed=17),
            replies=ReplyCounts(complete=17),
            success_ratio=1.0,
            first_content=Percentiles(17, 0.21, 0.3, 0.31),
        ),
        last_success_age=62.0,
    )


def history() -> list[Sample]:
    """Return a week of samples, one each hour, with outages and a gap."""
    rows = []
    for hour in range(7 * 24):
        at = (NOW - timedelta(hours=7 * 24 - hour)).timestamp()
        if 100 <= hour < 110:
            continue
        rows.append(Sample(at, "h2o", "unhealthy" if hour in (30, 31, 120) else "healthy"))
        rows.append(Sample(at, LONG, "degraded" if hour % 20 < 4 else "healthy"))
        rows.append(Sample(at, "open_assistant", "healthy" if hour < 130 else "unhealthy"))
    return rows


def requests() -> tuple[RequestShown, ...]:
    """Return three requests: answered at once, answered by the fourth, and not answered at all."""
    waterfall = Waterfall(clock=lambda: NOW)
    refused, late, limited = ConnectFailed("x"), FirstContentTimeout("x"), RateLimited("x")
    first = Attempt("h2o", 1, 1, "content", "committed", None, "", 0.01, 0.42)
    waterfall(RequestEnded("1", "complete", "h2o", None, (first,), 0.43, 3.2, 9, 200))
    chain = (
        Attempt("h2o", 1, 1, "waiting", "failed", refused, "refused", 0.0, 0.01),
        Attempt(LONG, 2, 1, "selection", "skipped", limited, "held back", 0.01, 0.0),
        Attempt("open_assistant", 3, 1, "waiting", "failed", late, "late", 0.011, 1.0),
        Attempt("openai", 4, 1, "content", "committed", None, "", 1.012, 0.21),
    )
    waterfall(RequestEnded("2", "complete", "openai", None, chain, 1.23, 2.9, 9, 200))
    waterfall(RequestEnded("3", "failed", None, None, chain[:3], None, 1.02, 0, 0))
    return waterfall.requests
