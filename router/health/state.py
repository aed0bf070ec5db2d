"""In which state a provider is, from the evidence there is: one table. Pure.

    what is known, the first line that fits                             state       can answer
    1  `working` is False: a probe or a request found it so             unhealthy   no
    2  isolated by hand                                                 degraded    no
    3  held back, as it asked to be                                     degraded    no
    4  it said that it does not have its own model                      degraded    no
    5  its circuit breaker is open                                      degraded    no
    6  its circuit breaker is half-open: the next request is the trial  degraded    where the trial is free
    7  no evidence, or none of the last hour                            unknown     yes
    8  the evidence speaks against it: a failed attempt, a reply that   degraded    yes
       broke off, a probe that was turned away, a list of models
       without one that its settings name
    9  less than half of at least 4 attempts delivered                  degraded    yes
    10 the evidence speaks for it: content, or a probe                  healthy     yes

What counts in lines 3 to 6 is what stops a request for the provider's default model. Newer evidence replaces
older, but a probe that only reached the service is weaker than content (`Standing.evidence`), and the first
content of a reply does not excuse one that broke off before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from router.provider.evidence import WINDOW

if TYPE_CHECKING:
    from router.health.traffic_summary import Traffic
    from router.policy.breaker_snapshot import BreakerSnapshot
    from router.provider.evidence import Evidence

LEAST_ATTEMPTS: Final = 4
"""A share of fewer attempts says nothing."""

LEAST_RATIO: Final = 0.5
"""The share of attempts that must deliver."""

State: TypeAlias = Literal["healthy", "degraded", "unhealthy", "unknown"]
"""The state of a provider."""


class Facts(NamedTuple):
    """What `judged` looks at; see the table of the module.

    Attributes:
        working: The adapter's word.
        why: The reason of it.
        detail: The same in the words of the adapter.
        held: Why it is held back, or None where it is not.
        missing: Why it is not asked for its own model, or None where it is.
        breaker: What its breaker knows.
        evidence: What decides, or None.
        age: Of the evidence, in seconds.
        traffic: What requests showed.
    """

    working: bool | None
    why: str
    detail: str
    held: str | None
    missing: str | None
    breaker: BreakerSnapshot
    evidence: Evidence | None
    age: float | None
    traffic: Traffic


class Judgement(NamedTuple):
    """What `judged` says.

    Attributes:
        state: Of the provider.
        reason: Why, in words that may be published.
        detail: The same in the words of the adapter, or empty.
    """

    state: State
    reason: str
    detail: str = ""


def judged(facts: Facts) -> Judgement:
    """Return the state of a provider and the reason of it: the table of the module, line by line."""
    breaker, evidence, traffic = facts.breaker, facts.evidence, facts.traffic
    if facts.working is False:
        return Judgement("unhealthy", facts.why, facts.detail)
    if breaker.state == "isolated":
        return Judgement("degraded", breaker.isolation)
    if facts.held is not None:
        return Judgement("degraded", f"held back ({facts.held})")
    if facts.missing is not None:
        return Judgement("degraded", facts.missing)
    if breaker.state != "closed":
        what = "the next request is its trial" if breaker.permit_in == 0 else "not asked"
        return Judgement("degraded", f"circuit breaker {breaker.state}, {what}")
    if evidence is None or facts.age is None:
        return Judgement("unknown", facts.why, facts.detail)
    if facts.age >= WINDOW:
        return Judgement("unknown", f"nothing is known of the last hour; before that: {evidence.reason}")
    if not evidence.good:
        return Judgement("degraded", evidence.reason, evidence.detail)
    ratio, count = traffic.success_ratio, traffic.judged
    if ratio is not None and count >= LEAST_ATTEMPTS and ratio < LEAST_RATIO:
        return Judgement("degraded", f"{ratio:.0%} of {count} attempts delivered content in the last hour")
    return Judgement("healthy", evidence.reason, evidence.detail)
