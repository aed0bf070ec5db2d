"""What a circuit breaker knows at one moment, for reports. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adapters.contract.reader import reader

BreakerState = Literal["closed", "open", "half-open", "isolated"]


@dataclass(frozen=True, slots=True)
class BreakerSnapshot:
    """What a breaker knows at one moment, for reports.

    Attributes:
        state: closed, open, half-open or isolated.
        failures_in_a_row: One after the other since the last success; see the rules of the module.
        calls: Calls in the window.
        failures: Those of them that failed.
        slow: Those of them that delivered too late.
        permit_in: Seconds until a permit may be given: 0 for now, None while isolated.
        repetitions: Trials that failed since it opened.
        window: Seconds of the window.
        elsewhere: Whether it was isolated in another process.
    """

    state: BreakerState
    failures_in_a_row: int
    calls: int
    failures: int
    slow: int
    permit_in: float | None
    repetitions: int
    window: float = 60.0
    elsewhere: bool = False

    @property
    def isolation(self) -> str:
        """Why it is isolated, and what ends that."""
        where = " in another process" if self.elsewhere else ""
        return f"isolated by hand{where}; {reader().reset()} brings it back"
