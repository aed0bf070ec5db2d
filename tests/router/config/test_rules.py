"""The table of rules says what the constructors say, and names nothing that does not exist."""

import math
from typing import Any

import pytest

import adapters
import adapters.http
import router
import router.policy.gateway
import router.replicas
from adapters import catalogue
from router.config.rules import ORDERED, RULES, Check, Form, Range
from router.config.signatures import parameters_of
from router.policy.budget import RetryBudget

REQUIRED: dict[str, dict[str, Any]] = {
    "OpenAICompatible": {"base_url": "http://127.0.0.1:1"},
    "ClientKey": {"name": "team", "key": "a-key-of-a-team"},
}
BASES = ("Adapter", "HTTPAdapter", "HTTPSettings", "OpenAISettings")


def class_of(name: str) -> type:
    if name == "RetryBudget":
        return RetryBudget
    found: type = next(
        getattr(room, name)
        for room in (router, router.replicas, adapters, adapters.http, router.policy.gateway)
        if hasattr(room, name)
    )
    return found


RANGES = [
    (name, setting, rule)
    for name, rules in RULES.items()
    for setting, rule in rules.items()
    if isinstance(rule, Range) and name not in BASES and (name, setting) != ("Weighted", "weights")
]


@pytest.mark.parametrize("name", [name for name in RULES if name not in BASES])
def test_a_rule_is_about_a_setting_that_there_is(name: str) -> None:
    found, _ = parameters_of(class_of(name))

    assert set(RULES[name]) <= set(found)
    assert set(ORDERED.get(name, ())) <= set(found)


@pytest.mark.parametrize(("name", "setting", "rule"), RANGES, ids=lambda each: str(each)[:20])
def test_a_range_is_that_of_the_constructor(name: str, setting: str, rule: Range) -> None:
    whole = parameters_of(class_of(name))[0][setting].kind.words.startswith("a whole")
    values: list[float] = [-1, 0, 1, 5, 6, 10**12]
    values += [] if whole else [math.nan, -math.inf, 0.05, 0.5, 0.95, math.inf]
    for value in values:
        settings = {**REQUIRED.get(name, {}), setting: value}
        if setting in (pair := tuple(ORDERED.get(name, ()))):  # which is another rule
            settings = {pair[0]: 1 if whole else 1e-300, pair[1]: 5 if whole else 1e300} | settings
        try:
            class_of(name)(**settings)
        except (TypeError, ValueError):
            taken = False
        else:
            taken = True

        assert taken is (rule.complaint(value) is None), value


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Range(0, above=True, unit="seconds"), "more than 0 seconds"),
        (Range(0, 1, above=True), "more than 0 and at most 1"),
        (Range(0, 1, below=True), "at least 0 and less than 1"),
        (Range(0, below=True), "at least 0 and finite"),
        (Range(1, 5), "from 1 to 5"),
        (Range(1, also=(0,)), "0, or at least 1"),
        (Range(0.5, unit="seconds", note=": why"), "at least 0.5 seconds: why"),
    ],
)
def test_a_range_has_words(rule: Range, words: str) -> None:
    assert rule.words == words


def test_every_adapter_has_the_rules_of_all_adapters() -> None:
    for name in catalogue.BUILT_IN:
        found, _ = parameters_of(catalogue.load(name))
        assert {"name", "base_url", "headers", "cookies", "connect_timeout"} <= set(found)
        assert getattr(found["base_url"].kind, "rule", None) == RULES["HTTPAdapter"]["base_url"]


def test_a_rule_of_another_kind_has_no_bounds_in_the_schema() -> None:
    assert Check(len).schema() == {}
    assert Form("a+", "write a").complaint("b") == "write a"
    assert Form("a+", "write a").complaint("aa") is None
