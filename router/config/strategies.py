"""The table `[strategy]`: which one, by `kind`, and its settings."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from router.config.kinds import Choice, Kind
from router.config.place import WRONG, found, missing
from router.config.sections import Section
from router.policy import strategy

if TYPE_CHECKING:
    from router.config.kinds import Schema
    from router.config.place import Place
    from router.policy.strategy import Strategy


class StrategySection(Section):
    """The settings of one strategy, beside the key `kind`."""

    def __init__(self, made: type) -> None:
        super().__init__(made, besides=("kind",))

    def table_schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        table = super().table_schema(definitions)
        table["properties"] = {"kind": {"const": self.made.__name__.lower()}, **table["properties"]}
        table["required"] = ["kind", *table["required"]]
        return table


class StrategyTable(Kind):
    """The table `[strategy]`."""

    types = (dict,)
    words = "a table"

    @cached_property
    def kinds(self) -> dict[str, StrategySection]:
        """What can be written as `kind`: the classes of the module that order candidates."""
        classes = [
            each
            for each in vars(strategy).values()
            if isinstance(each, type) and hasattr(each, "order") and each is not strategy.Strategy
        ]
        return {each.__name__.lower(): StrategySection(each) for each in classes}

    def taken(self, value: Any, place: Place) -> Any:
        """Return the strategy, or `WRONG`."""
        kind = value.get("kind")
        choice = Choice(self.kinds, "strategy")
        if kind is None:
            return missing("kind", value, choice.words, place)
        if not isinstance(kind, str):
            return (place / "kind").wrong(f"is {found(kind)}; it must be {choice.words}")
        section = choice.read(kind, place / "kind")
        return section if section is WRONG else section.read(value, place)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"oneOf": [kind.schema(definitions) for kind in self.kinds.values()]}


def fit(chosen: Strategy, names: list[str] | None, place: Place) -> None:
    """Tell where a strategy does not fit the providers; None where not all of their names are known."""
    if not names:
        return
    try:
        chosen.check(names)
    except ValueError as error:
        place.wrong(place.reading.masked(str(error).removeprefix(f"{type(chosen).__name__}: ")))
