"""Which faults were tried, and which of them ended as promised on every backend that they were tried on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tally:
    """Counts faults."""

    def __init__(self) -> None:
        self.tried: dict[str, bool] = {}
        self.rows: set[str] = set()

    @contextmanager
    def kept(self, fault: str, row: str) -> Iterator[None]:
        """Count `fault`: as promised where the block does not raise."""
        before = self.tried.get(fault, True)
        self.tried[fault] = False
        self.rows.add(row)
        yield
        self.tried[fault] = before

    @property
    def line(self) -> str:
        return f"{sum(self.tried.values())} of {len(self.tried)} faults as promised"


TALLY: Final = Tally()
