"""Frozen dataclasses that are quick to make behave as the usual ones do."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from adapters.contract.frozen import quickly_made


@dataclass(frozen=True, slots=True)
class Usual:
    """A usual one."""

    name: str
    number: int = 7
    found: list[str] = field(default_factory=list)


@quickly_made
@dataclass(frozen=True, slots=True)
class Quick:
    """The same, quickly made."""

    name: str
    number: int = 7
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Further(Quick):
    """A class after it, with a field more."""

    more: int = 1


@pytest.mark.parametrize(
    ("given", "named"),
    [(("a",), {}), (("a", 1), {}), (("a",), {"found": ["x"]}), ((), {"name": "a", "number": 2})],
)
def test_it_takes_what_the_usual_one_takes(given: tuple[str], named: dict[str, int]) -> None:
    assert asdict(Usual(*given, **named)) == asdict(Quick(*given, **named))  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize(("given", "named"), [((), {}), (("a", 1, [], 4), {}), (("a",), {"wrong": 1})])
def test_it_refuses_what_the_usual_one_refuses(given: tuple[str], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Usual(*given, **named)  # type: ignore[arg-type] # on purpose
    with pytest.raises(TypeError):
        Quick(*given, **named)  # type: ignore[arg-type] # on purpose


def test_nothing_can_be_written_to_it() -> None:
    made = Quick("a")

    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc] # on purpose
    with pytest.raises(FrozenInstanceError):
        del made.name


def test_a_default_that_is_made_is_made_for_each() -> None:
    assert Quick("a").found is not Quick("a").found


def test_it_is_compared_hashed_copied_replaced_and_shown_as_usual() -> None:
    made = Quick("a", 3)

    assert made == Quick("a", 3) != Quick("a", 4)
    assert (
        made
        == copy.deepcopy(made)
        == pickle.loads(pickle.dumps(made))
        == replace(replace(made, number=1), number=3)
    )
    assert repr(Usual("a", 3)).removeprefix("Usual") == repr(made).removeprefix("Quick")
    assert [each.name for each in fields(Usual)] == [each.name for each in fields(made)]
    assert inspect.signature(Usual) == inspect.signature(Quick)


def test_a_class_after_it_is_made_as_usual() -> None:
    made = Further("a", more=2)

    assert type(made) is Further
    assert (made.name, made.number, made.found, made.more) == ("a", 7, [], 2)
    with pytest.raises(FrozenInstanceError):
        made.more = 3  # type: ignore[misc] # on purpose
