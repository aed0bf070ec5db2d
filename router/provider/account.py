"""What one provider costs, what was spent on it today, and its budget. Pure: the time of day is passed in.

A day is one of UTC. What is known is added up; an answer whose cost is not known is counted as such, and is
in no sum. A budget stops the next request, not one under way: several that run at once may exceed it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from adapters.contract import Usage
from router.policy.limits import DAY, DayBucket
from router.policy.prices import Cost
from router.provider.limits import CHARACTERS, OF_MESSAGE, REPLY
from router.provider.record import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Adapter, ChatRequest
    from router.policy.limits import Bucket, Tally
    from router.policy.prices import Prices


_PLACES: Final = 9


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent on one provider in a day of UTC.

    Attributes:
        currency: Of the sums.
        spent: On all its answers whose cost is known, by this process.
        wasted: The part of it that brought nothing: attempts that lost a race, were refused or broke off.
        answers: That were paid for, or may have been.
        unknown: How many of them have no known cost.
        budget: What may be spent in the day, or None.
        together: What all processes spent that share the budget, as last heard; None where no budget is
            shared, and where the store is away.
    """

    currency: str
    spent: Decimal = Decimal(0)
    wasted: Decimal = Decimal(0)
    answers: int = 0
    unknown: int = 0
    budget: Decimal | None = None
    together: Decimal | None = None

    @property
    def left(self) -> Decimal | None:
        """What is left of the budget, or None where there is none."""
        return None if self.budget is None else max(Decimal(0), self.budget - self.spent)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {
            "currency": self.currency,
            "spent": float(self.spent),
            "wasted": float(self.wasted),
            "answers": self.answers,
            "unknown": self.unknown,
            "budget": None if self.budget is None else float(self.budget),
            "spent_together": None if self.together is None else float(self.together),
        }


class Account:
    """The money of one provider.

    Args:
        adapter: Whose budget and address count.
        prices: What models cost.
        utc: Returns the time of day in seconds UTC since 1970.

    Raises:
        ValueError: The budget is not in the currency of the prices.
    """

    __slots__ = ("_adapter", "_address", "_budget", "_day", "_prices", "_sums", "_tally", "_utc")

    def __init__(self, adapter: Adapter, prices: Prices, utc: Callable[[], float]) -> None:
        self._adapter = adapter
        self._prices = prices
        self._utc = utc
        self._address: str | None = getattr(adapter, "base_url", None)
        self._budget = budget_in(adapter, prices.currency)
        self._tally: Tally | None = None
        self._day = -1.0
        self._sums = Spending(prices.currency, budget=self._budget)

    def share(self, shared: Callable[[str, Bucket], Tally]) -> None:
        """Let other processes spend the same budget, where there is one.

        Args:
            shared: Returns the tally of all, for the currency and a bucket for this one.
        """
        if self._budget is not None and self._budget > 0:
            own = DayBucket(float(self._budget), self._utc)
            self._tally = shared(self._sums.currency, own)

    def cost(self, models: tuple[str | None, ...], usage: Usage | None) -> Cost | None:
        """Return what an answer costs, or None where its price or a count is not known.

        Args:
            models: Names of the model, the best one first.
            usage: What the provider counted.
        """
        return self._prices.cost(self._adapter.name, models, usage, self._address)

    def expected(self, request: ChatRequest | None) -> Decimal | None:
        """Return what an answer to `request` may cost, to compare providers; None where no price is known."""
        if request is None:
            model, characters, count, reply = self._adapter.model, 0, 1, None
        else:
            model, characters, count = (
                self._adapter.model_for(request),
                request.characters,
                len(request.messages),
            )
            reply = request.options.get("max_completion_tokens") or request.options.get("max_tokens")
        tokens = min(REPLY, reply) if isinstance(reply, int) else REPLY
        usage = Usage(int(characters / CHARACTERS) + OF_MESSAGE * count, int(tokens))
        cost = self.cost((model,), usage)
        return None if cost is None else cost.amount

    def book(self, cost: Cost | None, *, wasted: bool) -> None:
        """Add what an answer cost, known or not.

        Args:
            cost: Of the answer.
            wasted: Whether it brought nothing.
        """
        sums = self.today()
        amount = Decimal(0) if cost is None else cost.amount
        self._sums = Spending(
            sums.currency,
            sums.spent + amount,
            sums.wasted + (amount if wasted else 0),
            sums.answers + 1,
            sums.unknown + (cost is None),
            sums.budget,
        )
        if self._tally is not None:
            self._tally.add(float(amount))

    def restore(self, before: Spending) -> None:
        """Add what was spent today before this router was made."""
        sums = self.today()
        if before.currency == sums.currency:
            self._sums = Spending(
                sums.currency,
                sums.spent + before.spent,
                sums.wasted + before.wasted,
                sums.answers + before.answers,
                sums.unknown + before.unknown,
                sums.budget,
            )
            if self._tally is not None:
                self._tally.restore(float(before.spent))

    def today(self) -> Spending:
        """Return what was spent today."""
        day = self._utc() // DAY
        if day > self._day:  # a clock that goes back begins no day
            self._day = day
            self._sums = Spending(self._sums.currency, budget=self._budget)
        return self._sums

    def told(self) -> Spending:
        """Return what was spent today, by this process and by all, for the report."""
        sums = self.today()
        together = None if self._tally is None else self._tally.together()
        if together is None:
            return sums
        # What is added up in the store are binary fractions; no price has so many places.
        return replace(sums, together=max(sums.spent, Decimal(repr(round(together, _PLACES)))))

    def refusal(self) -> Refusal | None:
        """Return why nothing may be spent now, or None."""
        if self._budget is None:
            return None
        is_spent = self.today().spent >= self._budget
        if not is_spent and (self._tally is None or not self._tally.wait()):
            return None
        wait = (self._day + 1) * DAY - self._utc()
        budget = Cost(self._budget, self._sums.currency)
        spent = "spent" if is_spent else "spent by all processes together"
        return Refusal(f"its budget of {budget} for today is {spent}; asked again at midnight UTC", wait)

    def __repr__(self) -> str:
        return f"<Account of {self._adapter.name!r}: {Cost(self._sums.spent, self._sums.currency)} spent>"


def budget_in(adapter: Adapter, currency: str) -> Decimal | None:
    """Return the budget of an adapter for a day, or None where it has none.

    Raises:
        ValueError: It is in another currency.
    """
    for name, amount in adapter.budget.items():
        if name.upper() != currency:
            raise ValueError(
                f"the budget of {adapter.name!r} is in {name.upper()}, but the prices are in {currency}; "
                "give both in one currency"
            )
        return Decimal(repr(amount))
    return None
