"""Values are written as people would write them."""

import datetime
from types import MappingProxyType
from typing import Any

import pytest

from router.config import writing


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (5, "5"),
        (5.0, "5"),
        (0.25, "0.25"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
        ("text", '"text"'),
        ('"\\\n\x7f\u202e\U000e0001é', '"\\"\\\\\\n\\u007f\\u202e\\U000e0001é"'),
        ([1, "a"], '[1, "a"]'),
        ((), "[]"),
        ({"b", "a"}, '["a", "b"]'),
        ({}, "{}"),
        ({"a-b": 1, "c d": {}}, '{ a-b = 1, "c d" = {} }'),
        (MappingProxyType({"a": 1}), "{ a = 1 }"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
    ],
)
def test_a_value_is_written(value: Any, written: str) -> None:
    assert written == writing.value(value)


@pytest.mark.parametrize("value", [None, object(), b"a", [None]])
def test_what_toml_has_not_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match="TOML has no"):
        writing.value(value)
