"""The table `[strategy]`: which one, by `kind`, and its settings."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from router.config.mistakes import WRONG, found, missing
from router.config.signatures import section_of
from router.config.value_kinds import Choice, Kind
from router.policy import strategy

if TYPE_CHECKING:
    from router.config.mistakes import Position
    from router.config.sections import Section
    from router.config.value_kinds import Schema
    from router.policy.strategy import Strategy


class StrategyTable(Kind):
    """The table `[strategy]`."""

    types = (dict,)
    words = "a table"

    @cached_property
    def kinds(self) -> dict[str, Section]:
        """The values of `kind`: the classes of `router.policy.strategy` that order candidates."""
        classes = [
            each
            for each in vars(strategy).values()
            if isinstance(each, type) and hasattr(each, "order") and each is not strategy.Strategy
        ]
        names = {each.__name__.lower(): each for each in classes}
        return {name: replace(section_of(each), tag=("kind", name)) for name, each in names.items()}

    def taken(self, value: Any, at: Position) -> Any:
        """Return the strategy, or `WRONG`."""
        kind = value.get("kind")
        choice = Choice(self.kinds, "strategy")
        if kind is None:
            return missing("kind", value, choice.words, at)
        if not isinstance(kind, str):
            return (at / "kind").wrong(f"is {found(kind)}; it must be {choice.words}")
        section = choice.read(kind, at / "kind")
        return section if section is WRONG else section.read(value, at)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"oneOf": [kind.schema(definitions) for kind in self.kinds.values()]}


def fit(chosen: Strategy, names: list[str] | None, at: Position) -> None:
    """Record that a strategy does not fit the providers; skip this where a name is unknown."""
    if not names:
        return
    try:
        chosen.check(names)
    except ValueError as error:
        at.wrong(at.reading.masked(str(error)))
