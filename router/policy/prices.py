"""What an answer costs: a table of prices, exact decimals, and None where something is not known. Pure.

A token of the messages is paid once: as read from the cache, as written to it, or as input; one of the reply
as reasoning or as output. `Usage` keeps OpenAI's meaning, so the counts of the parts are within the whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from adapters.contract.keywords import KnownKeywords
from adapters.contract.message import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from adapters.contract import Usage

ANY_MODEL: Final = "*"
"""Stands in a table of prices for every model that it does not name."""
_PER_MILLION: Final = -6


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of money.

    Attributes:
        amount: Exact.
        currency: In capitals, as `USD`.
    """

    amount: Decimal
    currency: str = "USD"

    def __add__(self, other: Cost) -> Cost:
        """Return both together.

        Raises:
            ValueError: They are of different currencies.
        """
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Cost(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"


@dataclass(frozen=True, slots=True)
class Price(KnownKeywords):
    """What a model costs; numbers of tokens are in millions.

    Attributes:
        input: A million tokens of messages.
        output: A million tokens of the reply.
        cached_input: Those of the messages that came from the provider's cache; as `input` by default.
        cache_write: Those of the messages that went into its cache; as `input` by default.
        reasoning: Those of the reply that are reasoning; as `output` by default.
        per_request: One answer, whatever its length.

    Raises:
        ValueError: A number is negative or not finite.
    """

    input: Decimal | float | None = None
    output: Decimal | float | None = None
    cached_input: Decimal | float | None = None
    cache_write: Decimal | float | None = None
    reasoning: Decimal | float | None = None
    per_request: Decimal | float | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                object.__setattr__(self, each.name, _exact(each.name, value))

    @property
    def is_whole(self) -> bool:
        """Whether it says what an answer costs: by tokens in and out, or by the request alone."""
        if self.input is None and self.output is None:
            return self.per_request is not None
        return self.input is not None and self.output is not None

    def amount(self, usage: Usage | None) -> Decimal | None:
        """Return what these tokens cost, or None where a count that has a price is not known."""
        total = Decimal(self.per_request or 0)
        if self.input is None or self.output is None:
            return total
        free = not (self.input or self.cached_input or self.cache_write or self.output or self.reasoning)
        if free:
            return total
        if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        prompt, reply = usage.prompt_tokens, usage.completion_tokens
        cached = min(usage.cached_tokens or 0, prompt)
        written = min(usage.cache_write_tokens or 0, prompt - cached)
        thought = min(usage.reasoning_tokens or 0, reply)
        read = self.input if self.cached_input is None else self.cached_input
        write = self.input if self.cache_write is None else self.cache_write
        think = self.output if self.reasoning is None else self.reasoning
        tokens = (
            (prompt - cached - written) * Decimal(self.input)
            + cached * Decimal(read)
            + written * Decimal(write)
            + (reply - thought) * Decimal(self.output)
            + thought * Decimal(think)
        )
        return total + tokens.scaleb(_PER_MILLION)


def _exact(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"Price({name}={value!r}): it must be a number")
    if not 0 <= value < math.inf:
        raise ValueError(f"Price({name}={value!r}): it must be 0 or more, and finite")
    return value if isinstance(value, Decimal) else Decimal(repr(value))  # 0.15 is 0.15, as it was written


@dataclass(frozen=True)
class Prices(KnownKeywords):
    """What the providers of a router cost.

        Prices({"openai": {"gpt-4o-mini": Price(0.15, 0.60, cached_input=0.075)}, "home": {"*": Price(0, 0)}})

    A price is looked for by the name of the model that answered, then by that of the one asked for, both the
    provider's own, then by `*`.

    Args:
        table: Provider -> model -> price.
        currency: Of all of them; three letters.
        bundled: Whether to look up what the table lacks in the data of genai-prices (the extra `prices`), by
            the address of the service, in US dollars. The data is that of its installed version: nothing is
            loaded from the network.
        known_as: Provider -> its id at genai-prices, where its address does not tell.

    Raises:
        ValueError: The currency is none; a price lacks input or output; or prices are bundled and the
            currency is not the dollar.
        TypeError: The table has another shape.
        ImportError: genai-prices is wanted and not installed.
    """

    table: Mapping[str, Mapping[str, Price]] = field(default_factory=dict)
    currency: str = "USD"
    bundled: bool = False
    known_as: Mapping[str, str] = field(default_factory=dict)
    _look_up: Callable[[str, str, Usage], Decimal | None] | None = field(
        init=False, default=None, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        currency = self.currency
        if not (
            isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isalpha()
        ):
            raise ValueError(f"Prices(currency={currency!r}): give its three letters, as 'USD'")
        object.__setattr__(self, "currency", currency.upper())
        for name, models in self.table.items():
            if not isinstance(models, Mapping):
                raise TypeError(f"Prices: {name!r} has no table; write {{{name!r}: {{'*': Price(…)}}}}")
            for model, price in models.items():
                if not isinstance(price, Price):
                    raise TypeError(f"Prices: {name!r}, {model!r} is {price!r}; pass a Price(…)")
                if not price.is_whole:
                    raise ValueError(
                        f"Prices: {name!r}, {model!r} needs input and output, 0 for what costs nothing, "
                        "or per_request alone"
                    )
        object.__setattr__(self, "table", {name: dict(each) for name, each in self.table.items()})
        if self.bundled:
            if self.currency != "USD":
                raise ValueError(f"Prices(bundled=True): its prices are in USD, not in {self.currency}")
            # Imported here, before any event loop runs: it takes a third of a second.
            from router.policy.bundled_prices import look_up

            object.__setattr__(self, "_look_up", look_up)
        elif self.known_as:
            raise ValueError("Prices(known_as=…) needs bundled=True")

    def check(self, names: Collection[str]) -> None:
        """Look whether all providers in the table exist.

        Raises:
            ValueError: There is no provider of a name.
        """
        for name in (*self.table, *self.known_as):
            if name not in names:
                hint = nearest(name, names) or "."
                raise ValueError(
                    f"Prices: no provider is called {name!r}{hint} There are: {', '.join(names)}"
                )

    def cost(
        self, provider: str, models: tuple[str | None, ...], usage: Usage | None, address: str | None = None
    ) -> Cost | None:
        """Return what an answer costs, or None where its price or a count is not known.

        Args:
            provider: Who answered.
            models: Names of the model, the best one first.
            usage: What the provider counted.
            address: Of the service, for bundled prices.
        """
        table = self.table.get(provider)
        if table is not None:
            for model in (*models, ANY_MODEL):
                price = None if model is None else table.get(model)
                if price is not None:
                    amount = price.amount(usage)
                    return None if amount is None else Cost(amount, self.currency)
        if self._look_up is not None and usage is not None:
            where = self.known_as.get(provider) or address
            for model in models:
                if where is not None and model is not None:
                    amount = self._look_up(where, model, usage)
                    if amount is not None:
                        return Cost(amount, self.currency)
        return None
