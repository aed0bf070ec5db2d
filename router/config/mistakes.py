"""The mistakes that a pass over a file collects, each with its position, and their sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from adapters.contract.keywords import setting_meant_by
from adapters.contract.message import nearest
from adapters.contract.peer_text import PeerText
from router.config.rules import shown_number
from router.config.writing import key as written_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from adapters.contract.secret import Secret
    from router.config.rules import Rule

Where: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value; `()` is the document."""

WRONG: Final[Any] = object()
"""What reading a value returns after a mistake was recorded."""
_LONGEST: Final = 500  # characters of a constructor's sentence
_MOST: Final = 12  # keys of a list
_NEAR: Final = 0.6  # the least likeness of a name that is meant, from 0 to 1
_AS_NEAR: Final = 0.1  # names that differ by less in likeness are both named
_WORD: Final = 8  # characters; a shorter text may be a word of the sentence


@dataclass(slots=True)
class Reading:
    """One pass over a document: what values may refer to, and the mistakes found.

    Attributes:
        folder: Where relative paths begin: the file's.
        environ: The environment.
        trusted: Whether the file was named by the user, so that it may name classes and any file.
        mistakes: Position and sentence of each, in the order found.
        notes: What can be used, but should be known.
        secrets: What was read from the environment and from files, to be masked.
        home_of: Returns the table that knows a key, as a hint for one that stands in another.
    """

    folder: Path
    environ: Mapping[str, str]
    trusted: bool = True
    mistakes: list[tuple[Where, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    home_of: Callable[[str], str | None] = lambda _: None

    def masked(self, text: str, *values: object) -> str:
        """Return a foreign sentence in one line, with all secrets masked.

        Args:
            text: The sentence.
            values: What stands in the file; a text that the sentence repeats may be a secret.
        """
        for value in values:
            if isinstance(value, str) and len(value) >= _WORD:
                text = text.replace(repr(value), "'***'").replace(value, "***")
        return PeerText(self.secrets)(text, _LONGEST)


@dataclass(frozen=True, slots=True)
class Position:
    """A value's position in the pass that reads it.

    Attributes:
        reading: The pass.
        where: The keys that lead here.
    """

    reading: Reading
    where: Where = ()

    def __truediv__(self, step: str | int) -> Position:
        return Position(self.reading, (*self.where, step))

    def wrong(self, text: str) -> Any:
        """Record a mistake, and return `WRONG`."""
        self.reading.mistakes.append((self.where, text))
        return WRONG

    def checked(self, value: Any, rule: Rule | None) -> Any:
        """Return the value if the rule allows it; else record a mistake, and return `WRONG`."""
        complaint = None if rule is None else rule.complaint(value)
        if complaint is None:
            return value
        said, got, shown = complaint.removeprefix(f"{self.where[-1]} ").partition("; got ")
        _, write, corrected = shown.partition(", write ")
        # The line is named instead of what was got. What to write is only told of what cannot be a secret.
        repaired = f"; write {corrected}" if got and write else ""
        return self.wrong(self.reading.masked(said, value) + self.reading.masked(repaired))


def shown_key(where: Where) -> str:
    """Return a position as people write it: `retry.hedge.delay`, `provider 2: limits.connections`.

    Tables are counted from 1, as people count.
    """
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f" {step + 1}:"
        elif text.endswith(":"):
            text += f" {written_key(step)}"
        else:
            text += f".{written_key(step)}" if text else written_key(step)
    return text.removesuffix(":")


def found(value: object) -> str:
    """Describe what was found. The description never repeats a text: it may be a misplaced secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {shown_number(value)}"
    kinds = ((str, "text"), (dict, "a table"), (list, "an array"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "a date or time")


def no_key(kind: str, name: str, known: Collection[str], home_of: Callable[[str], str | None]) -> str:
    """Return the sentence about an unknown key, with what to write instead, if that is known.

    Args:
        kind: The class whose settings the table holds.
        name: The key.
        known: The keys that there are.
        home_of: Returns the table that a key belongs in, if one has it.
    """
    meant = setting_meant_by(kind, name, known)
    if meant is not None and meant[0] in known:
        return f"unknown key; here it is called {meant[0]}"
    if (home := home_of(name)) is not None:
        return f"unknown key; it belongs in {home}"
    if meant is None:
        return unknown_key(name, known)
    setting, is_providers = meant
    home = home_of(setting) or ("a [[provider]]" if is_providers else None)
    if home is None:
        return unknown_key(name, known)
    return f"unknown key; here it is called {setting}, and belongs in {home}"


def unknown_key(name: str, known: Collection[str]) -> str:
    """Return the sentence about an unknown key: which is nearest, or where none is near, which there are.

    It is repeated only where a known one is near: it may be a misplaced secret.
    """
    near = _near(name, known)
    if near:
        return f"unknown key {name!r}; did you mean {' or '.join(map(repr, near))}?"
    shown = [*known][:_MOST]
    more = f", and {len(known) - _MOST} more; chat-router config schema has all" if len(known) > _MOST else ""
    return f"unknown key. There are: {', '.join(shown)}{more}"


def _near(name: str, known: Collection[str]) -> list[str]:
    """Return the known names that are nearest, the best first; several where they are about as near."""
    scores = {each: SequenceMatcher(None, name, each).ratio() for each in known}
    # Of `first`, the letters are too few for `first_content`.
    scores |= {each: max(scores[each], _NEAR) for each in known if len(name) > 2 and each.startswith(name)}
    least = max(_NEAR, max(scores.values(), default=0) - _AS_NEAR)
    found = sorted((each for each in known if scores[each] >= least), key=scores.__getitem__, reverse=True)
    return found[:3]


def missing(name: str, table: Mapping[str, Any], words: str, at: Position) -> Any:
    """Record that a key is missing or misspelt, and return `WRONG`."""
    near = next((key for key in table if nearest(key, [name])), None)
    if near is not None:
        return (at / near).wrong(unknown_key(near, [name]))
    return at.wrong(f"{name} is missing; it must be {words}")


def not_among(value: str, known: Collection[str], what: str) -> str:
    """Return the sentence about an unknown name; it is repeated only where a known one is near."""
    hint = nearest(value, known)
    start = f"unknown {what} {value!r}{hint}" if hint else f"unknown {what}."
    return f"{start} There are: {', '.join(known)}"
