"""The report as JUnit's XML, against the rules of the schemas that CI systems read it by."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.health.report import HealthReport, ProviderHealth
from router.report import as_junit
from router.report.words import clean
from tests.router.report.reports import NOW, REPORTS, usual

# What Jenkins's junit-10.xsd and the older schema of Ant both allow: attributes that must be there,
# attributes that may be, and children in their order.
RULES: Final = {
    "testsuites": ({"name"}, {"tests", "failures", "errors", "time"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time"},
        {"skipped", "timestamp"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set[str](), set[str](), ["property"]),
    "property": ({"name", "value"}, set[str](), []),
    "testcase": ({"name", "classname", "time"}, set[str](), ["skipped", "error", "failure", "system-out"]),
    "failure": ({"type"}, {"message"}, []),
    "skipped": (set[str](), {"message"}, []),
    "system-out": (set[str](), set[str](), []),
}
NUMBER: Final = re.compile(r"\d+")
SECONDS: Final = re.compile(r"\d+\.\d{3}")


def check(node: ET.Element) -> None:
    must, may, children = RULES[node.tag]
    names = set(node.keys())
    assert must <= names <= must | may, node.tag
    for name in names & {"tests", "failures", "errors", "skipped"}:
        assert NUMBER.fullmatch(node.attrib[name])
    if "time" in names:
        assert SECONDS.fullmatch(node.attrib["time"])
    if "timestamp" in names:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", node.attrib["timestamp"])
    order = [children.index(child.tag) for child in node]
    assert order == sorted(order), node.tag
    for child in node:
        check(child)


@given(REPORTS, st.sampled_from(["degraded", "unhealthy"]))
def test_any_report_is_xml_by_the_rules_with_the_right_sums(report, fail_on):
    root = ET.fromstring(as_junit(report, at=NOW, fail_on=fail_on).encode())
    check(root)
    (suite,) = root
    cases = suite.findall("testcase")

    assert [clean(entry.provider) for entry in report.providers] == [case.get("name") for case in cases]
    assert suite.get("tests") == root.get("tests") == str(len(cases))
    assert suite.get("failures") == root.get("failures") == str(len(suite.findall("testcase/failure")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


@pytest.mark.parametrize(
    ("state", "fail_on", "result"),
    [
        ("healthy", "degraded", None),
        ("healthy", "unhealthy", None),
        ("degraded", "degraded", "failure"),
        ("degraded", "unhealthy", None),
        ("unknown", "degraded", "failure"),
        ("unknown", "unhealthy", "skipped"),
        ("unhealthy", "degraded", "failure"),
        ("unhealthy", "unhealthy", "failure"),
    ],
)
def test_what_is_a_failure_follows_fail_on(state, fail_on, result):
    report = HealthReport((ProviderHealth("one", state=state, reason="because"),))
    (case,) = ET.fromstring(as_junit(report, fail_on=fail_on).encode()).iter("testcase")

    assert [child.tag for child in case if child.tag != "system-out"] == ([result] if result else [])
    if result == "failure":
        (failure,) = case

        assert (failure.get("type"), failure.get("message")) == (state, "because")


def test_a_usual_report_tells_the_chain_s_verdict():
    root = ET.fromstring(as_junit(usual(), at=NOW).encode())
    properties = {each.get("name"): each.get("value") for each in root.iter("property")}

    assert properties == {"verdict": "degraded", "can_answer": "true", "level": "reach"}
    assert root[0].get("timestamp") == "2026-03-01T12:00:03"
    assert root.findtext("testsuite/system-out") == (
        "the chain can answer: 2 healthy, 1 degraded, 1 unhealthy, 1 unknown"
    )
