"""In which state a provider is: each line of the table, and that the first one that fits decides."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, get_args

import pytest

from router.health.state import LEAST_ATTEMPTS, Facts, judged
from router.health.traffic_summary import Traffic
from router.policy.breaker_snapshot import BreakerSnapshot, BreakerState
from router.provider.evidence import WINDOW, Evidence

if TYPE_CHECKING:
    from router.health.state import State

GOOD: Final = Evidence("traffic", 0, True, "it answered")
BAD: Final = Evidence("traffic", 0, False, "the last attempt failed", "refused")
FEW: Final = Traffic(success_ratio=0.0, judged=LEAST_ATTEMPTS - 1)
SICK: Final = Traffic(success_ratio=0.25, judged=LEAST_ATTEMPTS)
HALF: Final = Traffic(success_ratio=0.5, judged=LEAST_ATTEMPTS)


def breaker(state: BreakerState = "closed", permit_in: float | None = 0.0) -> BreakerSnapshot:
    return BreakerSnapshot(state, 0, 0, 0, 0, permit_in, 0)


def facts(
    working: bool | None = True,
    held: str | None = None,
    guard: BreakerSnapshot | None = None,
    evidence: Evidence | None = GOOD,
    age: float = 1.0,
    traffic: Traffic | None = None,
    missing: str | None = None,
) -> Facts:
    return Facts(
        working, "why", "in its words", held, missing, guard or breaker(), evidence, age, traffic or Traffic()
    )


@pytest.mark.parametrize(
    ("known", "state", "reason", "detail"),
    [
        (facts(False), "unhealthy", "why", "in its words"),
        (
            facts(guard=breaker("isolated", None)),
            "degraded",
            "isolated by hand; Router.reset() brings it back",
            "",
        ),
        (facts(held="RateLimited"), "degraded", "held back (RateLimited)", ""),
        (facts(missing="said lately that it lacks it"), "degraded", "said lately that it lacks it", ""),
        (facts(guard=breaker("open", 9)), "degraded", "circuit breaker open, not asked", ""),
        (
            facts(guard=breaker("half-open")),
            "degraded",
            "circuit breaker half-open, the next request is its trial",
            "",
        ),
        (facts(guard=breaker("half-open", 5)), "degraded", "circuit breaker half-open, not asked", ""),
        (facts(None, evidence=None), "unknown", "why", "in its words"),
        (
            facts(age=WINDOW),
            "unknown",
            "nothing is known of the last hour; before that: it answered",
            "",
        ),
        (facts(None, evidence=BAD), "degraded", "the last attempt failed", "refused"),
        (
            facts(traffic=SICK),
            "degraded",
            "25% of 4 attempts delivered content in the last hour",
            "",
        ),
        (facts(traffic=FEW), "healthy", "it answered", ""),
        (facts(traffic=HALF), "healthy", "it answered", ""),
        (facts(), "healthy", "it answered", ""),
        (facts(None), "healthy", "it answered", ""),
    ],
)
def test_each_line_of_the_table(known: Facts, state: State, reason: str, detail: str):
    assert (state, reason, detail) == tuple(judged(known))


def test_the_first_line_that_fits_decides():
    """All combinations, against the table as a list of conditions."""
    rows = (
        (lambda f: f.working is False, "unhealthy"),
        (lambda f: f.breaker.state == "isolated", "degraded"),
        (lambda f: f.held is not None, "degraded"),
        (lambda f: f.missing is not None, "degraded"),
        (lambda f: f.breaker.state in ("open", "half-open"), "degraded"),
        (lambda f: f.evidence is None or f.age >= WINDOW, "unknown"),
        (lambda f: not f.evidence.good, "degraded"),
        (lambda f: f.traffic.judged >= 4 and f.traffic.success_ratio < 0.5, "degraded"),
        (lambda f: True, "healthy"),
    )
    combinations = itertools.product(
        (True, False, None),
        (None, "RateLimited"),
        [breaker(state) for state in get_args(BreakerState)],
        (None, GOOD, BAD),
        (0.0, WINDOW - 1, WINDOW),
        (Traffic(), FEW, SICK, HALF),
        (None, "said lately that it lacks it"),
    )
    for combination in combinations:
        known = facts(*combination)

        assert next(state for fits, state in rows if fits(known)) == judged(known).state
