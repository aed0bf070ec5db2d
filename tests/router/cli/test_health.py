"""`chat-router health`: the report of one check, in every form, and an exit code that a monitor can use."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from router.cli.chain import chain_of
from router.cli.inspection import Inspection, health, history_of
from router.history import HistoryFile
from tests.router.cli.command import run
from tests.router.cli.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.router.cli.conftest import Command, Serve


def test_the_demo_is_degraded(backend: str, command: Command) -> None:
    found = command("health", "--demo", "--backend", backend)

    assert (found.code, found.err) == (1, "")
    assert "open_assistant  unhealthy" in found.out
    assert "h2o             healthy" in found.out
    assert found.out.splitlines()[-1].startswith("the chain can answer: ")


def test_a_terminal_gets_the_same_in_colours_and_probes_as_they_end() -> None:
    shown = on_terminal("health", "--demo", columns=60)

    assert shown.code == 1
    assert "\x1b[31munhealthy\x1b[0m" in shown.out
    assert "connection" in shown.out
    assert "probing" in shown.err
    assert re.search(r"h2o .*working: ", shown.err)
    assert shown.err.count("\x1b[?25l") == shown.err.count("\x1b[?25h") == 1  # the cursor is given back


def test_a_plain_terminal_gets_no_moving_picture() -> None:
    shown = on_terminal("health", "--demo", columns=60, TERM="dumb")

    assert shown.err == ""
    assert "\x1b" not in shown.out


def test_json_is_the_report_with_its_time() -> None:
    found = run("health", "--demo", "--format", "json")
    report = json.loads(found.out)

    assert (found.code, report["verdict"], report["can_answer"]) == (1, "degraded", True)
    assert report["providers"][0]["provider"] == "open_assistant"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}\+00:00", report["at"])


def test_every_form_can_be_read(backend: str, command: Command) -> None:
    def out(form: str) -> str:
        found = command("health", "--demo", "--format", form, "--backend", backend)

        assert (found.code, found.err) == (1, "")
        return found.out

    assert len(ET.fromstring(out("junit").encode()).findall("testsuite/testcase")) == 6
    assert "| h2o | 🟢 healthy |" in out("markdown")
    assert out("html").startswith("<!doctype html>")
    assert "chat_router_health_can_answer" in {
        f.name for f in text_string_to_metric_families(out("prometheus"))
    }


def test_what_is_a_failure_in_junit_follows_fail_on(command: Command) -> None:
    def failures(*options: str) -> str | None:
        found = command("health", "--demo", "--format", "junit", *options)
        return ET.fromstring(found.out.encode()).get("failures")

    assert (failures(), failures("--fail-on", "unhealthy")) == ("3", "1")


def test_all_well_is_exit_code_0(backend: str, serve: Serve, command: Command) -> None:
    one, other = serve(load("h2o")()), serve(OpenAISimulator(api_key="sk-hunter2"))

    chain = ("-p", f"h2o={one.url}", "-p", f"openai={other.url}/v1")
    secret = {"CHAT_ROUTER_OPENAI_API_KEY": "sk-hunter2"}
    found = command("health", *chain, "--timeout", "3", "--backend", backend, **secret)

    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines()[-1] == "all is well: 2 healthy"
    assert (one.turns, other.turns) == (0, 0)


def test_a_chain_that_cannot_answer_is_exit_code_2(serve: Serve) -> None:
    one, other = serve(load("h2o")(fault="refuse")), serve(OpenAISimulator(api_key="other"))

    found = run("health", "-p", f"h2o={one.url}", "-p", f"openai={other.url}/v1", "--level", "answer")

    assert found.code == 2
    assert found.out.splitlines()[-1] == "the chain cannot answer: 2 unhealthy"


def test_a_level_that_asks_costs_one_turn_each(serve: Serve, command: Command) -> None:
    one = serve(load("h2o")())

    found = command("health", "-p", f"h2o={one.url}", "--level", "answer", "--format", "json")

    assert (found.code, json.loads(found.out)["level"], one.turns) == (0, "answer", 1)


def test_the_chain_of_a_file_is_checked(serve: Serve, command: Command, tmp_path: Path) -> None:
    config = tmp_path / "chain.toml"
    tables = (
        f'[[provider]]\nadapter = "h2o"\nname = "{n}"\nbase_url = "{serve(load("h2o")()).url}"' for n in "ab"
    )
    config.write_text("\n".join(tables), encoding="utf-8")
    found = command("health", "--config", str(config), "--format", "json", "--timeout", "3")
    chosen = command("health", "--config", str(config), "-p", "b", "--format", "json")

    assert [entry["provider"] for entry in json.loads(found.out)["providers"]] == ["a", "b"]
    assert [entry["provider"] for entry in json.loads(chosen.out)["providers"]] == ["b"]


def test_the_usual_file_of_this_folder_is_found(
    serve: Serve, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(load("h2o")()).url
    (tmp_path / "router.toml").write_text(f'[[provider]]\nadapter = "h2o"\nbase_url = "{url}"\n')
    monkeypatch.chdir(tmp_path)

    assert command("health").out.splitlines()[-1] == "all is well: 1 healthy"


def test_a_history_keeps_each_report_and_fills_the_page(command: Command, tmp_path: Path) -> None:
    kept = str(tmp_path / "health.db")
    for _ in range(3):
        found = command("health", "--demo", "--history", kept, "--format", "html")

    assert len(HistoryFile(kept).newest("h2o", 9)) == 3
    assert ">Up and down<" in found.out


@pytest.mark.anyio
async def test_a_history_that_breaks_meanwhile_costs_the_strips_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "health.db"
    history = history_of(str(kept))
    kept.write_bytes(b"no database at all" * 100)
    code = await health(chain_of((), None, demo=True), Inspection("html", history=history))
    out, err = capsys.readouterr()

    assert (code, err.count("\n")) == (1, 1)
    assert "is not a SQLite database" in err
    assert out.startswith("<!doctype html>")
    assert ">Up and down<" not in out


def test_a_history_that_cannot_be_begun_is_a_mistake(command: Command, tmp_path: Path) -> None:
    mistake = command("health", "--demo", "--history", str(tmp_path))

    assert (mistake.code, mistake.err.count("\n")) == (64, 1)
    assert "--history: " in mistake.err
