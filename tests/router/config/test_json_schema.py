"""The schema that editors use is what the validation says, and is shipped with the package."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters import catalogue
from router.config import schema, schema_text
from tests.router.cli.command import run
from tests.router.config.good import GOOD

SHIPPED = files("router").joinpath("config.schema.json")
VALIDATOR = jsonschema.Draft7Validator(schema())
H2O = {"adapter": "h2o", "base_url": "http://127.0.0.1:1"}


def test_the_shipped_schema_is_that_of_the_code() -> None:
    """After a change of a constructor: python -m router config schema > router/config.schema.json"""
    assert schema_text() == SHIPPED.read_text(encoding="utf-8")


def test_the_command_prints_it() -> None:
    found = run("config", "schema")

    assert (found.code, found.out, found.err) == (0, SHIPPED.read_text(encoding="utf-8"), "")


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json.loads(schema_text()))


def test_the_good_file_is_valid() -> None:
    VALIDATOR.validate(tomllib.loads(GOOD))


@pytest.mark.parametrize("name", sorted(catalogue.BUILT_IN))
def test_each_adapter_can_stand_in_a_file(name: str) -> None:
    VALIDATOR.validate({"provider": [{"adapter": name, "base_url": "http://127.0.0.1:1"}]})


@pytest.mark.parametrize(
    "table",
    [
        {"provider": [{"adapter": "theirs", "whatever": [1, {"a": "b"}]}]},
        {"provider": [{"adapter": "package.module:Class", "name": "theirs"}]},
        {"provider": [{**H2O, "headers": {"x-title": {"plain": "mine"}, "x-key": {"file": "a"}}}]},
        {"provider": [{"adapter": "openai"}, {"adapter": "groq", "model": "m"}, {"adapter": "Open-Router"}]},
        {"provider": [H2O], "breaker": {"ratio": False, "consecutive": 3}},
        {"provider": [H2O], "strategy": {"kind": "fastest", "explore": 0.5}},
        {"provider": [H2O], "retry": {"hedge": {}, "budget": {"capacity": 0}}},
    ],
)
def test_a_right_document_is_valid(table: dict[str, Any]) -> None:
    VALIDATOR.validate(table)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"provider": []},
        {"provider": H2O},
        {"provider": [{"name": "a"}]},
        {"provider": [{"adapter": "openai", "base_url": 1}]},
        {"provider": [{"adapter": "groq", "roles": {"developer": "boss"}}]},
        {"provider": [{"adapter": "groq", "capabilities": {"tool": True}}]},
        {"provider": [{"adapter": "groq", "refusals": []}]},
        {"provider": [{**H2O, "token_limit": 3}]},
        {"provider": [{**H2O, "connect_timeout": "5s"}]},
        {"provider": [{**H2O, "headers": {"x": "literal"}}]},
        {"provider": [{**H2O, "cookies": {"x": {"env": "no name"}}}]},
        {"provider": [{**H2O, "cookies": {"x": {"env": "A", "file": "b"}}}]},
        {"provider": [{"adapter": "aura", "key": {"plain": "a"}}]},
        {"provider": [{**H2O, "transport": "x"}]},
        {"provider": [H2O], "timeouts": {"stal": 1}},
        {"provider": [H2O], "timeouts": {"stall": False}},
        {"provider": [H2O], "retry": {"attempts": 1.5}},
        {"provider": [H2O], "retry": {"dispositions": {"Busy": "ignore"}}},
        {"provider": [H2O], "retry": {"dispositions": {"NoError": "retry"}}},
        {"provider": [H2O], "strategy": {"kind": "weighted"}},
        {"provider": [H2O], "strategy": {"kind": "priority", "explore": 1}},
        {"provider": [H2O], "interruption": {"action": "stop"}},
        {"provider": [H2O], "logging": {}},
    ],
)
def test_a_wrong_document_is_not(table: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(table)


def test_every_setting_says_what_it_is() -> None:
    """Editors show the descriptions; they are those of the docstrings."""
    silent = [
        f"{name}.{key}"
        for name, definition in schema()["definitions"].items()
        for key, setting in definition.get("properties", {}).items()
        if key not in ("adapter", "kind") and "description" not in setting and name != "OtherAdapter"
    ]

    assert not silent


def test_no_secret_has_a_default() -> None:
    definitions = schema()["definitions"]

    assert "default" not in definitions["Aura"]["properties"]["key"]
    assert definitions["Opchatgpts"]["properties"]["page"]["default"] == "/"
    assert definitions["Timeouts"]["properties"]["stall"]["default"] == 30.0


def test_the_schema_lies_beside_the_code() -> None:
    assert Path(str(SHIPPED)).parent.name == "router"
