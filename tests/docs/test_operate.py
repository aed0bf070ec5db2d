"""The alerts, the dashboard and the tables of a ledger name what is really there."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final, get_args

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from adapters import Delta, ScriptedAdapter, Usage
from adapters.contract import errors
from router import Attempt, Price, Prices, Router, Verdict
from router.events import AttemptOutcome, Phase
from router.gateway import GatewaySettings, app
from router.policy.breaker_snapshot import BreakerState
from router.report.words import STATES
from tests.docs.pages import read
from tests.servers.places import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load(read("docs/operate/alerts.rules.yml"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: Final[dict[str, Any]] = json.loads(read("docs/operate/grafana.json"))
KEY: Final = "a-key-of-the-operators"
PROMETHEUS_OWN: Final = {"le", "instance", "job"}
VALUES: Final[dict[str, set[str]]] = {
    "verdict": set(get_args(Verdict)),
    "outcome": set(get_args(AttemptOutcome)),
    "error": {name for name, kind in vars(errors).items() if isinstance(kind, type)},
    "state": {*STATES, *get_args(BreakerState)},
}
"""Label -> the values that it may have; labels that are not here have names as values."""


PROMTOOL: Final = shutil.which("promtool", path=f"{place_of('prometheus') / 'usr' / 'bin'}:{os.defpath}")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool (of Prometheus) is not on this machine; run: make servers"
)


def _expressions() -> Iterator[tuple[str, str]]:
    """Each expression, and what it is of."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def _shown() -> Iterator[tuple[str, str, str]]:
    """Each expression with the text that shows its labels, and what it is of."""
    for rule in RULES:
        said = " ".join(rule["annotations"].values())
        yield rule["alert"], rule["expr"], " ".join(re.findall(r"\$labels\.(\w+)", said))
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield (
                panel["title"],
                target["expr"],
                " ".join(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])),
            )


async def _exposed() -> dict[str, set[str]]:
    """Return what a gateway exposes after everything happened once: name of a sample -> its labels."""
    counted = Delta(usage=Usage(3, 4, 7), finish_reason="stop")
    half = ScriptedAdapter("half", ["The ", errors.ConnectionLost("cut")])
    bug = ScriptedAdapter("bug", [ZeroDivisionError("a bug")])
    whole = ScriptedAdapter("whole", ["answer", counted], cleanup_seconds=1, cleanup_timeout=0.0)
    whole.budget = {"usd": 5}
    whole.requests_per_minute = 60
    prices = Prices({"whole": {"*": Price(per_request=0.1)}, "half": {"*": Price(per_request=0.1)}})
    router = Router([bug, half, whole], prices=prices, on_interruption="restart", observers=[])
    async with router:
        application = app(router, GatewaySettings(admin_key=KEY))
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            for providers in (["bug", "whole"], ["half", "whole"]):
                await router.complete([{"role": "user", "content": "Hello"}], providers=providers)
            await router.check()
            text = (await client.get("/metrics", headers={"authorization": f"Bearer {KEY}"})).text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.anyio
async def test_every_expression_names_metrics_and_labels_that_are_exposed() -> None:
    exposed = await _exposed()
    for title, expression, shown in _shown():
        metrics = re.findall(r"(chat_router_\w+)(?:\{([^}]*)\})?", expression)
        assert metrics, title
        labels = set(PROMETHEUS_OWN)
        for name, filters in metrics:
            assert name in exposed, (title, name)
            labels |= exposed[name]
            assert set(re.findall(r"(\w+)[=!]", filters)) <= exposed[name], (title, name)
        for grouped in re.findall(r"(?:by|on|ignoring) \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", grouped)) <= labels, (title, grouped)
        assert set(shown.split()) <= labels, (title, shown)


def test_every_value_of_a_label_is_one() -> None:
    for title, expression in _expressions():
        for label, values in re.findall(r'(\w+)[=!]~?"([^"$]*)"', expression):
            assert set(values.split("|")) <= VALUES[label], (title, label, values)


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    panels = [
        {"record": "panel", "expr": re.sub(r"\$__rate_interval", "5m", expression).replace("$provider", ".*")}
        for title, expression in _expressions()
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": panels}]}), encoding="utf-8")
    rules = tmp_path / "alerts.rules.yml"
    rules.write_text(read("docs/operate/alerts.rules.yml"), encoding="utf-8")
    for each in (file, rules):
        promtool("check", "rules", each)


@needs_promtool
def test_each_alert_fires_when_it_should_and_none_when_all_is_well(tmp_path: Path) -> None:
    for page in ("docs/operate/alerts.rules.yml", "tests/docs/alerts.test.yml"):
        (tmp_path / page.rpartition("/")[2]).write_text(read(page), encoding="utf-8")

    promtool("test", "rules", tmp_path / "alerts.test.yml")


def test_the_test_of_the_alerts_knows_them_all() -> None:
    fired = re.findall(r'alertname="(\w+)"', read("tests/docs/alerts.test.yml"))
    assert fired == [rule["alert"] for rule in RULES]


def test_every_alert_is_on_the_page_and_leads_to_a_heading_of_the_runbook() -> None:
    page = read("docs/operate/alerts.md")
    headings = re.findall(r"^## (.+)$", read("docs/operate/runbook.md"), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert [rule["alert"] for rule in RULES] == re.findall(r"^\| `(ChatRouter\w+)`", page, re.MULTILINE)
    for rule in RULES:
        if "runbook" in rule["annotations"]:
            file, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert file == "docs/operate/runbook.md"
            assert anchor in anchors, rule["alert"]


def test_the_panels_stand_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def _names(page: str, heading: str) -> set[str]:
    """Return what stands in backquotes in the first column of the table below a heading."""
    section = read(page).partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_tables_of_a_ledger_are_whole() -> None:
    page = "docs/operate/ledger.md"
    assert _names(page, "The outcomes") == set(get_args(AttemptOutcome))
    fields = {each.name for each in dataclasses.fields(Attempt)}
    assert _names(page, "The fields") | {"provider", "outcome"} == fields
    assert all(f"`{phase}`" in read(page) for phase in get_args(Phase))
