"""`chat-router health`: the report of one check, and an exit code that a monitor can use."""

import json

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from tests.cli.command import run
from tests.cli.conftest import Command, Serve
from tests.cli.terminal import on_terminal


def test_the_demo_is_degraded(backend: str, command: Command) -> None:
    found = command("health", "--demo", "--backend", backend)

    assert (found.code, found.err) == (1, "")
    assert "open_assistant  unhealthy" in found.out
    assert "h2o             healthy" in found.out
    assert found.out.splitlines()[-1].startswith("the chain can answer: ")


def test_a_terminal_gets_the_same_in_colours() -> None:
    shown = on_terminal("health", "--demo", columns=60)

    assert shown.code == 1
    assert "\x1b[31munhealthy\x1b[0m" in shown.out
    assert "connection" in shown.out


def test_json_is_the_report() -> None:
    found = run("health", "--demo", "--format", "json")
    report = json.loads(found.out)

    assert (found.code, report["verdict"], report["can_answer"]) == (1, "degraded", True)
    assert report["providers"][0]["provider"] == "open_assistant"


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

    found = run("health", "-p", f"h2o={one.url}", "-p", f"openai={other.url}/v1")

    assert found.code == 2
    assert found.out.splitlines()[-1] == "the chain cannot answer: 2 unhealthy"
