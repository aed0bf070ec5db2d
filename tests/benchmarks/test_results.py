"""Records, tables, plots and the README that is made of them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import cases, goals, plots, readme, records, tables
from benchmarks.figures import Measured
from benchmarks.peers import CHAINS, PEERS
from benchmarks.subjects.__main__ import SUBJECTS

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {
    "day": "2026-11-27", "python": "CPython 3.11", "system": "Linux", "processor": "one", "cores": 2,
    "load_before": 0.1,
}  # fmt: skip
EVERY = (
    *cases.REPLIES, *cases.MANY, *cases.FAILOVER, *cases.STREAMS, *cases.SIZES, *cases.HISTORIES,
    *cases.PROVIDERS, *cases.REQUESTS,
)  # fmt: skip


def run(case: cases.Case, factor: float, number: int) -> dict[str, Any]:
    return {
        "cpu": factor * (1e-3 + number * 1e-5 + case.messages * 1e-6),
        "wall": 0.5,
        "first": factor * 1e-4,
        "first_p99": math.nan if case.fails == 0 else factor * 2e-4,
        "peak": 40.0,
        "wakeups": 3.25,
        "replies": case.replies,
        "wrong": 0,
        "errors": {},
        "at": {str(mark): 1e-3 for mark in case.marks},
    }


def measurements(ours: float = 0.3) -> list[Measured]:
    subjects = {"httpx": 1.0, "limit": 0.3, "ours": ours, "ours, trio": ours}
    return [
        Measured(case.name, subject, tuple(run(case, factor, number) for number in range(3)), 0.1)
        for case in EVERY
        for subject, factor in subjects.items()
        if not case.only or subject in case.only
    ]


def bench_record(ours: float = 0.3) -> dict[str, Any]:
    reading = {
        "lines": [{"where": "a.py:1", "blocks": 1, "bytes": 60.0}],
        "collections": 0.1,
        "peak_kib": 9.0,
    }
    return {
        "machine": MACHINE,
        "versions": {"httpx": "0.28"},
        "imports": {"router": [0.09, 0.08]},
        "garbage": {"kept": reading, "dropped": reading},
        "seconds": 100.0,
        "measured": records.as_json(measurements(ours)),
    }


def soak_record() -> dict[str, Any]:
    sample = {"time": 1.0, "requests": 100, "memory": 40.0, "cpu": 1e-3, "first": 1e-3}
    judged = {"name": "tasks", "low": 1.0, "median": 2.0, "high": 3.0, "growth": 9.0, "allowed": 3.0}
    return {
        "machine": MACHINE, "versions": {}, "seconds": 60, "rate": 10, "backend": "trio",
        "counts": {"whole": 600}, "failures": {"RateLimited": 3}, "judged": [judged], "samples": [sample] * 3,
    }  # fmt: skip


def test_names_of_cases_are_unique_as_everything_is_found_by_them() -> None:
    names = [case.name for case in EVERY]
    assert len(names) == len(set(names))


def test_every_peer_is_a_subject() -> None:
    assert set(PEERS) <= set(SUBJECTS)
    assert CHAINS < set(PEERS)


def test_a_record_is_kept_as_it_is_and_each_measurement_is_one_line(tmp_path: Path) -> None:
    record = bench_record()
    records.save("bench", record, tmp_path)
    again = records.load("bench", tmp_path)

    assert again is not None
    assert repr(record) == repr(again)
    assert repr(records.from_json(record["measured"])) == repr(records.from_json(again["measured"]))
    lines = (tmp_path / "bench.json").read_text().splitlines()
    assert len(measurements()) == sum('"case"' in line for line in lines)
    assert records.load("nobody", tmp_path) is None


def test_the_readme_of_the_project_has_a_place_for_everything_and_stays_as_it_is(tmp_path: Path) -> None:
    copy = tmp_path / "README.md"
    text = readme.README.read_text()
    copy.write_text(text)
    peers = {**bench_record(), "packages": {"g4f": "g4f 1"}, "missing": {"litellm": "no wheel"}}
    for name, record in (("bench", bench_record()), ("peers", peers), ("soak", soak_record())):
        records.save(name, record, tmp_path)
    readme.update(copy, tmp_path)
    filled = copy.read_text()
    readme.update(copy, tmp_path)

    assert filled == copy.read_text(), "filling in twice is filling in once"
    assert text.partition("<!-- begin")[0] == filled.partition("<!-- begin")[0]
    assert text.rpartition("end: soak -->")[2] == filled.rpartition("end: soak -->")[2]
    assert "- litellm could not be installed: no wheel" in filled
    assert "**grows**" in filled
    links = {part.partition(")")[0] for part in filled.split("](results/")[1:]}
    assert links == {file.name for file in tmp_path.glob("*.svg")}
    for file in tmp_path.glob("*.svg"):
        ElementTree.parse(file)


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(LookupError, match="begin: goals"):
        readme.replaced("# Nothing", "goals", "text")


def test_a_goal_that_is_missed_is_called_so() -> None:
    good = goals.table(measurements(), bench_record())
    bad = goals.table(measurements(ours=2.0), bench_record())

    assert "| 0.4 | 0.30 (0.30–0.30) | reached |" in good
    assert "| 0.4 | 2.00 (2.00–2.00) | **missed** |" in bad
    assert "not measured" not in good
    assert len(goals.GOALS) == goals.table([], {}).count("not measured")


def test_a_table_shows_ratios_ranges_errors_and_what_is_wrong() -> None:
    case = cases.REPLIES[0]
    broken = {**run(case, 0.5, 0), "wrong": 2, "errors": {"TimeoutError": 2}}
    found = [
        Measured(case.name, "httpx", (run(case, 1.0, 0),), 0.25),
        Measured(case.name, "x", (broken,), 0.1),
    ]
    table = tables.cases(found, [case.name, "another"])

    row = "| httpx | **1.00** (1.00–1.00) | 1 ms (1 ms–1 ms) | 500 ms | 100 µs / 200 µs | 40 MiB "
    assert row + "| 0 of 40 | 3.2 | 25% |" in table
    assert "| 2 of 40 (TimeoutError) |" in table


def test_bars_have_numbers_and_those_of_the_router_a_pattern() -> None:
    svg = plots.bars(
        "CPU <x>",
        [
            plots.Bar("a", "ours", 0.5, ours=True),
            plots.Bar("a", "httpx", 1.0, ours=False),
            plots.Bar("a", "slow & long", 30.0, ours=False),
        ],
    )
    root = ElementTree.fromstring(svg)
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]

    assert {"0.50", "1.00", "30.00 »", "slow & long"} <= set(texts)
    assert 1 == svg.count('fill="url(#ours)"')


def test_curves_differ_by_dashes_and_markers_and_are_named() -> None:
    lines = [plots.Line(name, [(1, 1.0 + n), (10, 2.0), (1000, 30.0)]) for n, name in enumerate("abc")]
    svg = plots.curves("t", "x", "y", lines)
    root = ElementTree.fromstring(svg)
    dashes = {each.get("stroke-dasharray") for each in root.iter() if each.tag.endswith("polyline")}
    named = [each for each in root.iter() if each.tag.endswith("text") and each.text in {"a", "b", "c"}]

    assert 3 == len(dashes)
    assert 3 == len({each.get("y") for each in named}), "names do not lie on each other"


def test_a_curve_of_one_point_can_be_drawn() -> None:
    ElementTree.fromstring(plots.curves("t", "x", "y", [plots.Line("a", [(5, 7.0)])]))
