"""The rows of a history: what one report or one probe said of one provider. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from router.health.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from adapters.contract import ProbeResult

STATES: Final[tuple[State, ...]] = get_args(State)
_LONGEST: Final = 120  # characters of a reason
_OURS: Final = re.compile(r"(?:(?:held back|circuit breaker [a-z-]+|[^:]*; before that): )*")
_PEER: Final = re.compile(r":(?=\s|\Z)")
_ADDRESS: Final = re.compile(r"[\w+.-]+://\S*|\bwww\.\S+")


class Sample(NamedTuple):
    """What one report said of one provider; one row.

    Attributes:
        at: When the report was made, in seconds UTC since 1970.
        provider: The provider's name.
        state: healthy, degraded, unhealthy or unknown.
        reason: Why, up to the words of a peer; see `brief`.
        evidence: What the state rests on: traffic, reach, answer or none.
        level: How far the report probed: reach, answer, or None where it did not.
        probe_seconds: How long the probe took, where there was one.
        first_content_p50: The median wait for the first content in the report's window, in seconds.
        first_content_p95: The same for 95 of 100 replies.
        breaker: The state of the circuit breaker.
        verdict: Of the whole chain: healthy, degraded or unhealthy.
    """

    at: float
    provider: str
    state: State
    reason: str = ""
    evidence: str = "none"
    level: str | None = None
    probe_seconds: float | None = None
    first_content_p50: float | None = None
    first_content_p95: float | None = None
    breaker: str | None = None
    verdict: str = "unknown"


class ProbeSample(NamedTuple):
    """What one probe found; one row.

    Attributes:
        at: When it ended, in seconds UTC since 1970.
        provider: The provider's name.
        working: True, False, or None where it could not tell.
        reason: Why, up to the words of a peer; see `brief`.
        level: reach or answer.
        seconds: How long it took.
    """

    at: float
    provider: str
    working: bool | None
    reason: str
    level: str
    seconds: float


def samples_of(report: Mapping[str, Any], at: float) -> tuple[Sample, ...]:
    """Return the rows of a report.

    Args:
        report: As `HealthReport.as_dict()` has it.
        at: When it was made, in seconds UTC since 1970.
    """
    verdict, level = str(report["verdict"]), report.get("level")
    return tuple(_sample(entry, at, verdict, level) for entry in report["providers"])


def _sample(entry: Mapping[str, Any], at: float, verdict: str, level: str | None) -> Sample:
    name = str(entry["provider"])
    first = (entry.get("traffic") or {}).get("first_content") or {}
    return Sample(
        at=at,
        provider=name,
        state=state_of(entry["state"]),
        reason=brief(str(entry.get("reason") or ""), name),
        evidence=str(entry.get("evidence") or "none"),
        level=level,
        probe_seconds=_number((entry.get("probe") or {}).get("seconds")),
        first_content_p50=_number(first.get("p50")),
        first_content_p95=_number(first.get("p95")),
        breaker=(entry.get("breaker") or {}).get("state"),
        verdict=verdict,
    )


def probe_sample(provider: str, result: ProbeResult, at: float) -> ProbeSample:
    """Return the row of a probe that ended `at`, in seconds UTC since 1970."""
    reason = brief(result.reason, provider)
    return ProbeSample(at, provider, result.working, reason, result.level, _number(result.seconds) or 0.0)


def state_of(word: object) -> State:
    """Return `word` if it is a state, else unknown."""
    return word if word in STATES else "unknown"


def brief(reason: str, provider: str = "") -> str:
    """Return a reason in one line, without what a peer said and without addresses.

    Adapters quote a peer behind a colon, and what a peer says may be a page, or the prompt itself. A report
    is read once; a file stays. So a reason is kept up to its first colon that is not of the router's own
    making.

    Args:
        reason: As a report has it.
        provider: The name that it may begin with.
    """
    text = " ".join(reason.split()).removeprefix(f"{provider}: ")
    ours = _OURS.match(text)
    start = ours.end() if ours is not None else 0
    text = _ADDRESS.sub("(an address)", text[:start] + _PEER.split(text[start:], maxsplit=1)[0])
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def by_provider(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Return the samples of each provider, the oldest first; providers in order of appearance.

    Args:
        samples: In any order.
    """
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.provider, []).append(sample)
    for rows in found.values():
        rows.sort(key=lambda row: row.at)
    return found


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
