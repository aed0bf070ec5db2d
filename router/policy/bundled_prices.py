"""Prices from the data of genai-prices, which is imported with this module. Nothing asks the network.

A price is looked for by the address of the service or by its id there, never by the model's name alone: the
same model costs something else elsewhere.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

try:
    import genai_prices
except ImportError as error:
    raise ImportError(
        "Prices(bundled=True) needs the package genai-prices, which is not installed; "
        "install it with: pip install '.[prices]' in chat-router's folder"
    ) from error

if TYPE_CHECKING:
    from decimal import Decimal

    from adapters.contract import Usage

_NONE: Final = genai_prices.Usage(input_tokens=0, output_tokens=0)

with suppress(LookupError):  # the data is read at the first look-up, which takes 40 ms: now, not in a request
    genai_prices.calc_price(_NONE, "gpt-4o", provider_id="openai")


def look_up(where: str, model: str, usage: Usage) -> Decimal | None:
    """Return what these tokens cost in US dollars, or None where price or count is not known.

    Args:
        where: The address of the service, or its id at genai-prices.
        model: The service's own name of the model.
        usage: What the provider counted.
    """
    if usage.prompt_tokens is None or usage.completion_tokens is None or not _knows(where, model):
        return None
    counts = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        found = genai_prices.calc_price(counts, model, **_place(where))
    except (LookupError, ValueError):  # counts that contradict one another, or have no price
        return None
    return found.total_price


@lru_cache(maxsize=512)
def _knows(where: str, model: str) -> bool:
    try:
        genai_prices.calc_price(_NONE, model, **_place(where))
    except (LookupError, ValueError):
        return False
    return True


def _place(where: str) -> dict[str, Any]:
    return {"provider_api_url": where} if "://" in where else {"provider_id": where}
