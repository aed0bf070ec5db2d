"""What the tests of the history share: reports made by hand, and samples of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.history import Sample

if TYPE_CHECKING:
    from router.health.state import State

DAY = 86400.0
NOON = 1_750_000_000.0 // DAY * DAY + DAY / 2
"""Noon of a day in UTC."""


def entry(provider: str, state: str = "healthy", **further: Any) -> dict[str, Any]:
    """One provider of a report, as `ProviderHealth.as_dict()` has it."""
    seconds = {"samples": 3, "p50": 0.5, "p95": 1.5, "p99": 2.0}
    return {
        "provider": provider,
        "adapter": "ScriptedAdapter",
        "state": state,
        "reason": f"it is {state}",
        "evidence": "reach",
        "evidence_age": 0.0,
        "can_answer": state != "unhealthy",
        "back_in": None,
        "breaker": {"state": "closed", "permit_in": 0.0},
        "traffic": {"window": 3600, "first_content": seconds, "total": seconds},
        "probe": {"level": "reach", "working": True, "reason": "it is there", "seconds": 0.25},
        **further,
    }


def report_of(*entries: dict[str, Any], verdict: str = "healthy") -> dict[str, Any]:
    """A report, as `HealthReport.as_dict()` has it."""
    return {
        "schema": "chat-router/health/1",
        "at": None,
        "level": "reach",
        "verdict": verdict,
        "providers": list(entries),
    }


@dataclass
class Handmade:
    """A report that is nothing but its dict."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return self.report


def sample(at: float, state: State = "healthy", provider: str = "first", **further: Any) -> Sample:
    return Sample(at, provider, state, **{"reason": f"it is {state}", "verdict": "healthy", **further})
