"""What was spent, day by day, as a history keeps it: sums for each provider and currency."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from router.events import CostBooked

UNIT: Final = 12
"""Decimal places that are kept."""
_DAY: Final = 86400
_MOST: Final = 2**62


class DayCosts(NamedTuple):
    """What was spent on one provider in a day of UTC.

    Attributes:
        day: Days since 1970.
        provider: Its name.
        currency: Of the amounts; empty where there were no prices.
        spent: In units of 10**-12.
        wasted: The part of it that brought nothing.
        answers: That were paid for, or may have been.
        unknown: How many of them have no known cost.
        prompt_tokens: Of messages, where the provider counted.
        completion_tokens: Of replies, where it did.
    """

    day: int
    provider: str
    currency: str
    spent: int = 0
    wasted: int = 0
    answers: int = 0
    unknown: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @classmethod
    def of(cls, event: CostBooked, at: float) -> DayCosts:
        """Return the sums that one answer adds.

        Args:
            event: Of the answer.
            at: When, in seconds UTC since 1970.
        """
        cost, usage = event.cost, event.usage
        amount = 0 if cost is None else min(_MOST, int(cost.amount.scaleb(UNIT)))
        return cls(
            int(at // _DAY),
            event.provider,
            "" if cost is None else cost.currency,
            amount,
            amount if event.wasted else 0,
            1,
            int(cost is None),
            0 if usage is None else usage.prompt_tokens or 0,
            0 if usage is None else usage.completion_tokens or 0,
        )

    def plus(self, other: DayCosts) -> DayCosts:
        """Return both together; they are of the same day, provider and currency."""
        sums = (mine + its for mine, its in zip(self[3:], other[3:], strict=True))
        return DayCosts(self.day, self.provider, self.currency, *sums)

    @property
    def date(self) -> date:
        """The day."""
        return datetime.fromtimestamp(self.day * _DAY, UTC).date()

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; amounts as numbers of the currency."""
        return {
            "day": self.date.isoformat(),
            "currency": self.currency or None,
            "spent": float(amount(self.spent)),
            "wasted": float(amount(self.wasted)),
            "answers": self.answers,
            "unknown": self.unknown,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }


def amount(units: int) -> Decimal:
    """Return an amount of the currency."""
    return Decimal(units).scaleb(-UNIT)


_COLUMNS: Final = ", ".join(DayCosts._fields)
_SUMS: Final = ", ".join(f"{name} = {name} + excluded.{name}" for name in DayCosts._fields[3:])
# The names of columns are those of the fields, none of which comes from outside.
ADD: Final = f"""INSERT INTO costs ({_COLUMNS}) VALUES ({", ".join("?" * len(DayCosts._fields))})
    ON CONFLICT (day, provider, currency) DO UPDATE SET {_SUMS}"""
SELECT: Final = f"SELECT {_COLUMNS} FROM costs WHERE day BETWEEN ? AND ? ORDER BY day, provider, currency"
