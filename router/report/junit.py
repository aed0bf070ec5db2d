"""A health report as JUnit's XML, which CI systems show as a table of tests: one for each provider.

unhealthy            failure
degraded, unknown    failure with `fail_on="degraded"`; else passed, and skipped
healthy              passed
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from router.report.markup import element, written
from router.report.words import facts, phrase, summary

if TYPE_CHECKING:
    from router.health.report import HealthReport, ProviderHealth
    from router.report.markup import Element

FailOn: TypeAlias = Literal["degraded", "unhealthy"]
"""The best state that counts as a failure."""

_SUITE: Final = "chat-router health"


def as_junit(report: HealthReport, *, at: datetime | None = None, fail_on: FailOn = "degraded") -> str:
    """Return `report` as one test suite, the chain, with one test case for each provider.

    Args:
        report: The report.
        at: When it was made, with its zone.
        fail_on: Whether a provider that is degraded, or of which nothing is known, is a failure as well.
    """
    cases = [_case(entry, fail_on) for entry in report.providers]
    totals = {
        "tests": f"{len(cases)}",
        "failures": f"{sum(case.find('failure') is not None for case in cases)}",
        "errors": "0",
        "time": f"{sum(_seconds(entry) for entry in report.providers):.3f}",
    }
    known = {
        "verdict": report.verdict,
        "can_answer": f"{report.can_answer}".lower(),
        "level": report.level or "",
    }
    utc = None if at is None else at.astimezone(UTC)
    suite = element(
        "testsuite",
        element("properties", (element("property", name=name, value=value) for name, value in known.items())),
        cases,
        element("system-out", summary(report)),
        name=_SUITE,
        skipped=f"{sum(case.find('skipped') is not None for case in cases)}",
        timestamp=None if utc is None else f"{utc:%Y-%m-%dT%H:%M:%S}",
        **totals,
    )
    root = element("testsuites", suite, name=_SUITE, **totals)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written(root, "xml")}\n'


def _case(entry: ProviderHealth, fail_on: FailOn) -> Element:
    why = "; ".join(facts(entry))
    result: Element | None = None
    if entry.state == "unhealthy" or (entry.state != "healthy" and fail_on == "degraded"):
        result = element("failure", why, type=entry.state, message=phrase(entry.reason, entry) or entry.state)
    elif entry.state == "unknown":
        result = element("skipped", message=why)
    return element(
        "testcase",
        result,
        element("system-out", f"{entry.state}: {why}") if result is None else None,
        name=entry.provider,
        classname="chat_router.health",
        time=f"{_seconds(entry):.3f}",
    )


def _seconds(entry: ProviderHealth) -> float:
    return entry.probe.seconds if entry.probe is not None else 0.0
