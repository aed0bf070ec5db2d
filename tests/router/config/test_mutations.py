"""Every key of a good file is deleted, misspelt and given a value of every other type.

What comes of it is right, or one mistake, told at its position; and the schema for editors agrees.
"""

import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from router.config import schema
from tests.depth import sampled
from tests.router.config.good import GOOD, Where, at, bent, document, dump, mistakes, places, read

PLACES = list(places(document()))
KEYS = [where for where in PLACES if isinstance(where[-1], str)]
FREE = ("models", "headers", "cookies", "weights", "budget", "table", "first")
"""Tables whose keys are the user's own."""
FIXED = [where for where in KEYS if where[-2:-1] == () or where[-2] not in FREE]
CANARY = "hunter2-pasted-into-the-wrong-position"
VALUES: list[Any] = [True, False, 1, -1, 0.5, float("nan"), CANARY, [], [1], {}, {"x": 1}, datetime.date.min]
VALIDATOR = jsonschema.Draft7Validator(schema())


def named(where: Where) -> str:
    return ".".join(str(step) for step in where)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).file == str(tmp_path / "router.toml")
    assert not mistakes(tmp_path, dump(document()))
    assert VALIDATOR.is_valid(document())


@pytest.mark.parametrize("where", PLACES, ids=named)
def test_a_missing_key_is_its_default_or_one_mistake(where: Where, tmp_path: Path) -> None:
    table = bent(where)
    found = mistakes(tmp_path, dump(table))

    assert len(found) <= 1
    if not found:
        assert VALIDATOR.is_valid(table)


@pytest.mark.parametrize("where", FIXED, ids=named)
def test_a_misspelt_key_is_one_mistake_that_names_the_right_one(where: Where, tmp_path: Path) -> None:
    name = str(where[-1])
    table = bent(where, name="modles" if name == "models" else name[:-1])
    found = mistakes(tmp_path, dump(table))

    assert len(found) == 1
    assert name in found[0].text
    assert not VALIDATOR.is_valid(table)


BENT = sampled(
    [(where, value) for where in PLACES for value in VALUES],
    0.2,
    "values of another type",
    lambda pair: named(pair[0]),
)
"""In `quick` each place has at least one of the wrong values."""


@pytest.mark.parametrize(
    ("where", "value"), BENT, ids=lambda part: named(part) if isinstance(part, tuple) else str(part)
)
def test_a_value_of_another_type_is_one_mistake_at_its_place(
    where: Where, value: Any, tmp_path: Path
) -> None:
    table = bent(where, value=value)
    found = mistakes(tmp_path, dump(table))

    most = 1 if where != ("gateway", "keys", 0) or not isinstance(value, dict) else len(value) + 2
    assert len(found) <= most, [str(mistake) for mistake in found]  # a key lacks its name, and itself
    for mistake in found:
        is_told = where[-1] in ("name", "file")  # by what things are called they are found
        assert is_told or CANARY not in mistake.text
        assert mistake.line is not None or where == ("provider",)
    if not found:
        assert VALIDATOR.is_valid(table), list(VALIDATOR.iter_errors(table))
    elif "it must be" in found[0].text and type(value) is not type(at(document(), where)):
        in_range = isinstance(value, int | float) and isinstance(at(document(), where), int | float)
        assert in_range or not VALIDATOR.is_valid(table)


@pytest.mark.parametrize("where", FIXED, ids=named)
def test_several_mistakes_are_told_at_once(where: Where, tmp_path: Path) -> None:
    table = bent(where, value=datetime.date.min)
    table["strateggy"] = 1
    found = mistakes(tmp_path, dump(table))

    assert len(found) == 2
    assert "strateggy" == found[-1].key
