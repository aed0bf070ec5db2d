"""The text of a reply as a value of the caller's type."""

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest

from router.reply.parsing import parsed


@dataclass
class City:
    name: str
    people: int = 0


class Struct(msgspec.Struct):
    name: str


class Typed(TypedDict):
    name: str


class Model:
    """As a pydantic model looks from outside."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def model_validate_json(cls, text: str) -> "Model":
        if text == "{}":
            raise ValueError("1 validation error")
        return cls(text)


TEXT = '{"name": "Bonn"}'


@pytest.mark.parametrize("text", [TEXT, f"  {TEXT}\n", f"```json\n{TEXT}\n```", f"```\n{TEXT}```"])
def test_json_is_the_type_asked_for_with_or_without_a_fence(text):
    assert City("Bonn") == parsed(text, City)
    assert Struct("Bonn") == parsed(text, Struct)
    assert {"name": "Bonn"} == parsed(text, Typed) == parsed(text, dict)
    assert TEXT == parsed(text, Model).text.strip()


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("Bonn", City, "the reply is not City in JSON: JSON is malformed"),
        (
            "{}",
            City,
            "missing required field `name`; read `text` for what came, or ask with response_format=City",
        ),
        ('{"name": 3}', City, r"Expected `str`, got `int` - at `\$.name`"),
        ("{}", Model, "the reply is not Model in JSON: 1 validation error"),
        ("", dict, "the reply is not dict in JSON"),
        ("[" * 100_000, list, "the reply is not list in JSON"),
    ],
)
def test_what_is_not_of_the_type_says_where(text: str, kind: Any, words: str):
    with pytest.raises(ValueError, match=words):
        parsed(text, kind)


def test_what_is_no_type_is_a_type_error():
    wrong: Any = 5

    with pytest.raises(TypeError, match="5 is no type that JSON can be decoded into"):
        parsed("{}", wrong)
