"""The report as JSON, and the schema that is published with it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from router.health.report import SCHEMA, HealthReport, ProviderHealth
from router.report import as_json, schema
from tests.router.report.reports import NOW, REPORTS, usual


def strict(node: Any) -> Any:
    """Return a schema that allows no field that it does not describe."""
    if isinstance(node, dict):
        found = {name: strict(each) for name, each in node.items()}
        return {**found, "additionalProperties": False} if isinstance(node.get("properties"), dict) else found
    return [strict(each) for each in node] if isinstance(node, list) else node


VALIDATOR = Draft202012Validator(strict(schema()), format_checker=FormatChecker())


def test_the_schema_is_one_and_describes_every_field():
    Draft202012Validator.check_schema(schema())

    def undescribed(node: Any, path: str) -> list[str]:
        found = []
        for name, each in node.get("properties", {}).items():
            if not {"description", "$ref", "const"} & each.keys():
                found.append(f"{path}.{name}")
            found += undescribed(each, f"{path}.{name}")
        return found

    assert schema()["properties"]["schema"]["const"] == SCHEMA
    assert not undescribed(schema(), "") + undescribed(schema()["$defs"]["provider"], "provider")


@given(REPORTS)
def test_every_report_is_valid_and_nothing_in_it_is_undescribed(report):
    VALIDATOR.validate(json.loads(as_json(report, at=NOW)))


def test_a_usual_report_is_valid_with_and_without_its_time():
    VALIDATOR.validate(json.loads(as_json(usual(), at=NOW)))
    VALIDATOR.validate(json.loads(as_json(usual())))


@pytest.mark.parametrize(
    ("field", "value"), [("verdict", "fine"), ("schema", "other"), ("can_answer", None), ("providers", {})]
)
def test_the_schema_refuses_what_is_wrong(field, value):
    found = json.loads(as_json(usual()))
    found[field] = value

    with pytest.raises(ValidationError):
        VALIDATOR.validate(found)


def test_the_schema_refuses_what_is_missing():
    whole = json.loads(as_json(usual()))
    for field in whole:
        found = copy.deepcopy(whole)
        del found[field]
        with pytest.raises(ValidationError):
            VALIDATOR.validate(found)


def test_readers_may_be_sent_fields_that_they_do_not_know():
    found = json.loads(as_json(usual()))
    found["providers"][0]["new"] = 1

    Draft202012Validator(schema()).validate(found)


@given(REPORTS)
def test_json_is_ascii_and_holds_no_half_of_a_sign(report):
    text = as_json(report)

    assert text.isascii()
    assert json.loads(text) == json.loads(json.dumps(json.loads(text)).encode().decode())
    json.dumps(json.loads(text), ensure_ascii=False).encode()


def test_json_is_the_report():
    report = HealthReport((ProviderHealth("x", reason="Größe 👍"),))

    assert json.loads(as_json(report)) == report.as_dict()
    assert "\n" not in as_json(report, indent=None)
