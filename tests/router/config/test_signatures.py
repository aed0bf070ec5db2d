"""What a value may be is read from annotations, in every way in which they are written."""

import enum
import typing
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Any, ForwardRef, Literal

import pytest

from adapters import AdapterError, Busy, Secret
from adapters.http import HTTPSettings, Limits
from router import BreakerPolicy, Fastest, HedgePolicy, Interruption, RetryPolicy, Timeouts, Weighted
from router.config.mistakes import WRONG, Position, Reading
from router.config.sections import NOTHING
from router.config.signatures import described, kind_of, parameters_of
from router.config.value_kinds import Unwritable
from router.policy.budget import RetryBudget


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def read(hint: Any, value: Any, name: str = "a") -> Any:
    """Return what comes of a value, or the sentence about it."""
    reading = Reading(Path(), {"A": "a-secret"})
    found = kind_of(hint, name).read(value, Position(reading, (name,)))
    if found is not WRONG:
        assert not reading.mistakes
        return found
    ((_, text),) = reading.mistakes
    return text


@pytest.mark.parametrize(
    ("hint", "value", "found"),
    [
        (bool, True, True),
        (bool, 1, "is the number 1; it must be true or false"),
        (int, 3, 3),
        (int, True, "is true; it must be a whole number"),
        (int, 3.0, "is the number 3.0; it must be a whole number"),
        (float, 3, 3.0),
        (float, False, "is false; it must be a number"),
        (float | None, False, None),
        (float | None, True, "is true; it must be a number, or false for none"),
        (typing.Union[int, None], 3.5, "is the number 3.5; it must be a whole number, or false for none"),  # noqa: UP007 - as others write it
        (str, "a", "a"),
        (str, [], "is an array; it must be text"),
        (str | None, "a", "a"),
        (str | None, False, "is false; it must be text"),
        (Annotated[int, "a note"], 1, 1),
        (Literal["a", "b"], "b", "b"),
        (Literal["a", "b"], 1, "is the number 1; it must be one of a, b"),
        (Colour, "red", Colour.RED),
        (Colour, "rad", "unknown a 'rad'; did you mean 'red'? There are: red, blue"),
        (Sequence[int], [1, 2], (1, 2)),
        (list[int], [1], [1]),
        (tuple[str, ...], ["a"], ("a",)),
        (AbstractSet[str], ["a", "a"], frozenset({"a"})),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": [1]}, {"a": [1]}),
        (Mapping, {"a": 1}, {"a": 1}),
        (type, "a", "cannot be given in a file; make this router in Python instead"),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (Mapping[str, int], {"a": "b"}, "is text; it must be a whole number, without quotes"),
        (Mapping[type[AdapterError], int], {"Busy": 1}, {Busy: 1}),
        (int | str, 1, 1),
        (int | str, "a", "a"),
        (int | str, 1.5, "is the number 1.5; it must be a whole number or text"),
        (int | bytes, 1, 1),
        (int | Any, "x", "x"),
        (bytes, "a", "cannot be given in a file; make this router in Python instead"),
        (bytes | None, "a", "cannot be given in a file; make this router in Python instead"),
        (Any, {"a": [1]}, {"a": [1]}),
        (NOTHING, 1, 1),
        (Secret, {"env": "A"}, Secret("a-secret")),
        (str | Secret | None, {"env": "A"}, Secret("a-secret")),
        (Secret, 3, 'is the number 3; it must be { env = "NAME" } for an environment variable, or '
         '{ file = "path" } for a file'),
    ],
)  # fmt: skip
def test_an_annotation_says_what_a_value_may_be(hint: Any, value: Any, found: Any) -> None:
    assert found == read(hint, value)


@pytest.mark.parametrize("name", ["api_key", "key", "token", "session_token", "password", "client_secret"])
def test_a_text_with_the_name_of_a_secret_is_one(name: str) -> None:
    assert read(str, {"env": "A"}, name) == "a-secret"
    assert read(str | None, {"env": "A"}, name) == "a-secret"
    assert "must not stand in this file" in read(str, "hunter2", name)
    assert "must not stand in this file" in read(NOTHING, "hunter2", name)


@pytest.mark.parametrize("name", ["keyword", "token_limit", "monkey", "secretary", "page"])
def test_another_text_is_none(name: str) -> None:
    assert read(str, "plain", name) == "plain"


@pytest.mark.parametrize("hint", ["int", "no such thing", "1 / 0", ForwardRef("int")])
def test_an_annotation_may_be_a_text(hint: Any) -> None:
    def constructor(self: Any, setting) -> None:
        pass

    constructor.__annotations__["setting"] = hint
    made = type("Made", (), {"__init__": constructor})
    (parameter,) = parameters_of(made)[0].values()
    found = parameter.kind.read("a", Position(Reading(Path(), {}), ("setting",)))

    assert (found is WRONG) is (hint in ("int", ForwardRef("int")))


@pytest.mark.parametrize(
    "kind",
    [Timeouts, RetryPolicy, RetryBudget, HedgePolicy, BreakerPolicy, Interruption, Fastest, Weighted, Limits],
)
def test_every_setting_of_a_policy_can_be_written_and_is_described(kind: type) -> None:
    """A setting of a type that no file can hold would be lost without a word."""
    found, is_open = parameters_of(kind)

    assert not is_open
    assert not [name for name, each in found.items() if isinstance(each.kind, Unwritable)]
    assert not [name for name, each in found.items() if not each.text]


def test_all_settings_of_http_but_the_transport_can_be_written() -> None:
    found, _ = parameters_of(typing.cast("type", _Configured))

    assert set(HTTPSettings.__annotations__) <= set(found)
    assert ["transport"] == [name for name, each in found.items() if isinstance(each.kind, Unwritable)]


class _Configured:
    def __init__(self, **settings: typing.Unpack[HTTPSettings]) -> None: ...


def test_descriptions_are_those_of_the_docstring() -> None:
    class Described:
        """What it is.

        Args:
            one: In one line.
            two: In two lines,
                of which `this` is the second.

        Raises:
            ValueError: No setting.
        """

    assert described(Described) == {
        "one": "In one line.",
        "two": "In two lines, of which this is the second.",
    }
