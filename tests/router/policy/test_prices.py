"""What an answer costs: exact, each token once, and None where something is not known."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Usage
from router import Cost, Price, Prices

COUNTS = st.integers(0, 10**7)


def wrong(setting: str, value: Any) -> dict[str, Any]:
    """What a type checker refuses."""
    return {setting: value}


RATES = st.decimals(0, 1000, places=4)


def test_each_token_is_paid_once_by_what_it_is() -> None:
    price = Price(3, 15, cached_input=0.3, cache_write=3.75, reasoning=20, per_request=0.01)
    usage = Usage(1000, 200, 1200, cached_tokens=400, reasoning_tokens=50, cache_write_tokens=100)
    millionths = 500 * 3 + 400 * Decimal("0.3") + 100 * Decimal("3.75") + 150 * 15 + 50 * 20

    assert price.amount(usage) == Decimal("0.01") + millionths / 10**6


def test_numbers_are_as_they_were_written() -> None:
    assert Price(0.15, 0.6).amount(Usage(1, 0)) == Decimal("0.00000015")
    assert str(Cost(Decimal("0.00000015"))) == "0.00000015 USD"
    assert Cost(Decimal("0.1")) + Cost(Decimal("0.2")) == Cost(Decimal("0.3"))
    with pytest.raises(ValueError, match="cannot be added"):
        Cost(Decimal(1), "USD") + Cost(Decimal(1), "EUR")


@given(rate=RATES, prompt=COUNTS, reply=COUNTS, cached=COUNTS, written=COUNTS, thought=COUNTS)
def test_with_one_rate_for_all_only_the_tokens_count(rate, prompt, reply, cached, written, thought) -> None:
    """Also where a provider counts more in the parts than in the whole."""
    usage = Usage(prompt, reply, None, cached, thought, written)

    assert Price(rate, rate).amount(usage) == rate * (prompt + reply) / 10**6


@pytest.mark.parametrize("usage", [None, Usage(), Usage(5), Usage(None, 5), Usage(total_tokens=9)])
def test_what_was_not_counted_has_no_cost_unless_it_is_free(usage) -> None:
    assert Price(1, 1).amount(usage) is None
    assert Price(0, 0, per_request=2).amount(usage) == 2
    assert Price(per_request=2).amount(usage) == 2


def test_the_model_that_answered_comes_before_the_one_asked_for_and_any() -> None:
    prices = Prices({"a": {"new": Price(1, 1), "asked": Price(2, 2), "*": Price(3, 3)}, "b": {}})
    usage = Usage(10**6, 0)

    def cost(provider: str, *models: str | None) -> Cost | None:
        return prices.cost(provider, models, usage)

    assert cost("a", "new", "asked") == Cost(Decimal(1))
    assert cost("a", "newer", "asked") == Cost(Decimal(2))
    assert cost("a", None, None) == Cost(Decimal(3))
    assert cost("b", "new") is None
    assert cost("c", "new") is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Price(input=-1), "0 or more"),
        (lambda: Price(input=float("nan")), "0 or more"),
        (lambda: Price(**wrong("input", "3")), "must be a number"),
        (lambda: Prices({"a": {"m": Price(input=3)}}), "needs input and output"),
        (lambda: Prices({"a": {"m": Price()}}), "needs input and output"),
        (lambda: Prices(**wrong("table", {"a": Price(1, 1)})), "has no table"),
        (lambda: Prices(**wrong("table", {"a": {"m": 3}})), "pass a Price"),
        (lambda: Prices(currency="dollar"), "three letters"),
        (lambda: Prices(currency="EUR", bundled=True), "in USD"),
        (lambda: Prices(known_as={"a": "openai"}), "bundled=True"),
    ],
)
def test_what_cannot_be_a_price_is_told(make, words) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_bundled_prices_go_by_the_address_and_never_by_the_name_alone() -> None:
    pytest.importorskip("genai_prices")
    prices = Prices({"own": {"*": Price(1, 1)}}, bundled=True, known_as={"named": "openai"})
    usage = Usage(1000, 100, cached_tokens=400)

    def cost(provider: str, model: str | None, address: str | None) -> Cost | None:
        return prices.cost(provider, (model,), usage, address)

    there = cost("any", "gpt-4o-mini", "https://api.openai.com/v1")
    assert there is not None
    assert there.amount > 0
    assert cost("named", "gpt-4o-mini", "http://127.0.0.1:1") == there
    assert cost("any", "gpt-4o-mini", "http://127.0.0.1:1/v1") is None
    assert cost("any", "gpt-4o-mini", None) is None
    assert cost("any", "no-such-model", "https://api.openai.com/v1") is None
    assert cost("own", "gpt-4o-mini", "https://api.openai.com/v1") == Cost(Decimal("0.0011"))
