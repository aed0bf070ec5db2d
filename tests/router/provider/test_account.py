"""The budget of a provider, alone and with other processes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.scripted import ScriptedAdapter
from router import Price, Prices
from router.policy.limits import DAY
from router.policy.prices import Cost
from router.provider.account import Account, Spending

if TYPE_CHECKING:
    from router.policy.limits import Bucket


class Tally:
    """What several processes spent."""

    def __init__(self, limit: float) -> None:
        self.limit, self.sum, self.before = limit, 0.0, 0.0
        self.heard: float | None = None

    def add(self, amount: float) -> None:
        self.sum += amount

    def restore(self, amount: float) -> None:
        self.before += amount

    def wait(self) -> float:
        return 60.0 if self.sum >= self.limit else 0.0

    def together(self) -> float | None:
        return self.heard


def account(budget: float | None = 1.0) -> tuple[Account, list[Tally]]:
    adapter = ScriptedAdapter("it", "text")
    if budget is not None:
        adapter.budget = {"usd": budget}
    made = Account(adapter, Prices({"it": {"*": Price(per_request=0.25)}}), lambda: 10 * DAY + 60)
    tallies: list[Tally] = []

    def shared(currency: str, own: Bucket) -> Tally:
        assert "USD" == currency
        tallies.append(Tally(own.limit))
        return tallies[-1]

    made.share(shared)
    return made, tallies


def test_a_shared_budget_is_spent_by_all() -> None:
    made, (tally,) = account()
    made.book(Cost(Decimal("0.25"), "USD"), wasted=False)
    made.book(None, wasted=True)
    assert 0.25 == tally.sum
    assert made.refusal() is None

    tally.add(0.75)  # another process
    refusal = made.refusal()
    assert refusal is not None
    assert "spent by all processes together" in refusal.reason
    assert DAY - 60 == refusal.back_in


def test_the_report_tells_what_this_process_and_all_together_spent() -> None:
    made, (tally,) = account()
    made.book(Cost(Decimal("0.25"), "USD"), wasted=False)
    assert made.told().together is None
    assert made.told().as_dict()["spent_together"] is None

    tally.heard = 0.1 + 0.2  # what others spent is known, of this process not all yet
    assert (Decimal("0.25"), Decimal("0.3")) == (made.told().spent, made.told().together)
    tally.heard = 0.2
    assert made.told().together == Decimal("0.25")
    assert account(None)[0].told().together is None


def test_what_was_spent_before_is_told_as_such() -> None:
    made, (tally,) = account()
    made.restore(Spending("USD", Decimal("0.5")))

    assert (0.0, 0.5) == (tally.sum, tally.before)


def test_without_a_budget_nothing_is_shared() -> None:
    assert [] == account(None)[1]
