"""What the checks found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the contract, and whether the adapter keeps it.

    Attributes:
        name: The rule, as a phrase.
        passed: Whether the adapter keeps it.
        detail: What happened instead, where it does not.
    """

    name: str
    passed: bool
    detail: str = ""

    def __str__(self) -> str:
        mark = "ok    " if self.passed else "FAILED"
        return f"{mark} {self.name}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """All checks of one adapter; `str(report)` is a line for each.

    Attributes:
        adapter: The name of the adapter's class.
        checks: The checks, in the order in which they ran.
        unchecked: How many more there are, left out because of one that failed.
    """

    adapter: str
    checks: tuple[Check, ...]
    unchecked: int = 0

    @property
    def ok(self) -> bool:
        """Whether the adapter keeps all rules."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))


class ConformanceError(AssertionError):
    """An adapter breaks the contract. The text lists every check that failed.

    Args:
        report: What was found.
    """

    def __init__(self, report: ConformanceReport) -> None:
        failed = "\n  ".join(f"{check.name}: {check.detail}" for check in report.failed)
        super().__init__(
            f"{report.adapter} breaks {len(report.failed)} of {len(report.checks)} rules of the contract:"
            f"\n  {failed}"
            + (f"\n  {report.unchecked} more could not be checked" if report.unchecked else "")
        )
        self.report = report
