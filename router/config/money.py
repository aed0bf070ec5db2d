"""Whether prices, budgets and the strategy of a file fit one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.config.mistakes import WRONG
from router.policy.strategy import Cheapest
from router.provider.account import budget_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Adapter
    from router.config.mistakes import Position
    from router.policy.prices import Prices


def fit(
    prices: Prices | None,
    strategy: object,
    providers: Sequence[Adapter],
    names: list[str] | None,
    at: Position,
) -> None:
    """Record where prices name no provider, where they are missing, or are in another currency.

    Args:
        prices: Of the file, where it has some.
        strategy: Of the file, where it has one.
        providers: Its adapters, with `WRONG` for each that has mistakes.
        names: Of all of them, where they are known.
        at: The file.
    """
    if prices is None and isinstance(strategy, Cheapest):
        (at / "strategy").wrong("is cheapest, which compares prices; write a table [prices]")
    if prices is not None and names:
        try:
            prices.check(names)
        except ValueError as error:
            (at / "prices").wrong(at.reading.masked(str(error)))
    for number, adapter in enumerate(providers):
        if adapter is WRONG or not adapter.budget:
            continue
        where = at / "provider" / number / "budget"
        if prices is None:
            where.wrong("needs prices to count what is spent; write a table [prices]")
            continue
        try:
            budget_in(adapter, prices.currency)
        except ValueError as error:
            where.wrong(str(error))
