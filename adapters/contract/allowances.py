"""What an application allows itself at a provider: requests, tokens and money. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from adapters.contract.message import EMPTY

COUNTS: Final = ("concurrency", "daily_requests", "requests_per_minute", "tokens_per_minute")
"""The settings that are whole numbers."""


def count_of(setting: str, value: object) -> int | None:
    """Return a limit that is a whole number, or None for no limit.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{setting} is {value!r}; pass a whole number, or None for no limit")
    if value < 1:
        raise ValueError(f"{setting} is {value!r}; it must be at least 1, or None for no limit")
    return value


def budget_of(value: object) -> Mapping[str, float]:
    """Return a budget for a day: one currency, as `usd`, and its amount; empty for none.

    Raises:
        TypeError: It is no mapping of a currency to a number.
        ValueError: It names several currencies, or the amount is not above 0 and finite.
    """
    if value is None or value == {}:
        return EMPTY
    if not isinstance(value, Mapping):
        raise TypeError(f"budget is {type(value).__name__}; pass a currency and an amount, as {{'usd': 5}}")
    if len(value) != 1:
        raise ValueError("budget names several currencies; give one, that of the prices, as {'usd': 5}")
    ((currency, amount),) = value.items()
    if not isinstance(currency, str) or not currency.isalpha():
        raise TypeError(f"budget names the currency {currency!r}; give its letters, as {{'usd': 5}}")
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        raise TypeError(f"budget is {amount!r} {currency}; the amount must be a number")
    if not 0 < amount < math.inf:
        raise ValueError(f"budget is {amount!r} {currency}; it must be more than 0, and finite")
    return MappingProxyType({currency.lower(): amount})
