"""The report in Prometheus's text format, read back by Prometheus's own parser."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from router.health.report import HealthReport, ProviderHealth, RetryAllowance
from router.report import as_prometheus
from router.report.prometheus import distinct
from router.report.words import clean
from tests.router.report.reports import REPORTS, usual

PREFIX = "chat_router_health_"


def parsed(report: HealthReport) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return name and labels -> value; each must be there once, below its HELP and TYPE."""
    found = {}
    for family in text_string_to_metric_families(as_prometheus(report)):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            assert sample.name == family.name
            key = (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


@given(REPORTS)
def test_any_report_is_read_back(report):
    found = parsed(report)
    taken: set[str] = set()

    for entry in report.providers:
        name = distinct(clean(entry.provider), taken)
        taken.add(name)
        who = ("provider", name)
        assert found["provider_state", frozenset({who, ("state", entry.state)})] == 1
        assert found["provider_can_answer", frozenset({who})] == entry.can_answer
    assert found["can_answer", frozenset()] == report.can_answer
    assert all(math.isfinite(value) for value in found.values())


def test_names_that_differ_in_what_cannot_be_seen_alone_are_told_apart():
    report = HealthReport((ProviderHealth("a\x00"), ProviderHealth("a\x01"), ProviderHealth("a\x02")))
    names = {dict(pairs)["provider"] for name, pairs in parsed(report) if name == "provider_state"}

    assert names == {"a�", "a� (2)", "a� (3)"}


@given(REPORTS)
def test_exactly_one_state_of_each_kind_holds(report):
    sums: dict[tuple[str, str | None], float] = {}
    for family in text_string_to_metric_families(as_prometheus(report)):
        if family.name.endswith(("_state", "_verdict")):
            for sample in family.samples:
                key = (family.name, sample.labels.get("provider"))
                sums[key] = sums.get(key, 0) + sample.value

    assert set(sums.values()) == {1}


def test_a_usual_report_has_few_labels_and_all_its_numbers():
    found = parsed(usual())
    labels = {name for _, pairs in found for name, _ in pairs}

    assert labels == {"provider", "state", "verdict", "outcome", "percentile"}
    assert found["provider_success_ratio", frozenset({("provider", "h2o")})] == pytest.approx(
        130 / 132, abs=1e-6
    )
    assert (
        found["provider_first_content_seconds", frozenset({("provider", "h2o"), ("percentile", "95")})]
        == 1.31
    )


def test_what_is_not_known_is_left_out():
    names = {name for name, _ in parsed(HealthReport((ProviderHealth("one"),)))}

    assert "provider_success_ratio" not in names
    assert "provider_probe_seconds" not in names


def test_a_budget_without_a_limit_is_left_out():
    report = HealthReport((ProviderHealth("one"),), None, RetryAllowance(math.inf, math.inf))

    assert "retry_budget_left" not in {name for name, _ in parsed(report)}


def test_without_its_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ImportError, match=r"pip install '.\[prometheus\]'"):
        as_prometheus(usual())


def test_the_library_is_loaded_when_a_report_is_written_and_not_before():
    code = "import router.report, sys; print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout == "False\n"
