"""`chat-router chat` at a real terminal: keys, Ctrl-C, styles."""

import re

import pytest

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from tests.depth import QUICK, sampled
from tests.router.cli.conftest import Serve
from tests.router.cli.terminal import talking

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("backend", sampled(["asyncio", "trio"], 0.5, "talks"))
def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(serve: Serve, backend: str) -> None:
    simulator = serve(OpenAISimulator(text="one two three four", delay=0.05, fault="stall_after"))
    with talking("chat", "-p", f"openai={simulator.url}/v1#m", "--backend", backend) as talk:
        talk.until("> ")
        talk.type("Count.\n")
        talk.until("one")
        talk.type("\x03")
        talk.until("what came is kept")
        talk.until("> ")
        simulator.set_fault(None)
        talk.type("Go on.\n")
        talk.until("four")
        talk.until("complete after")
        talk.until("> ")
        talk.type("\x04")

        assert talk.end() == 0
        assert "broke off" not in talk.shown

    said = [message["content"] for message in simulator.requests[-1].json()["messages"]]
    assert said[0] == "Count."
    assert said[1].startswith("one")
    assert said[2] == "Go on."


@pytest.mark.skipif(QUICK, reason="a process starts")
def test_a_terminal_has_keys_for_earlier_lines_and_names_and_shows_markdown(serve: Serve) -> None:
    simulator = serve(load("aura")(text="# Title\nThis is **bold**.\n"))
    with talking("chat", "-p", f"aura={simulator.url}") as talk:
        talk.until("> ")
        talk.type("/prov\tau\t\n")
        talk.until("aura alone is asked")
        talk.until("> ")
        talk.type("Hello\\\nthere\n")
        shown = talk.until("complete after")
        talk.until("> ")
        talk.type("\x1b[A\n")  # the line before
        talk.until("complete after")
        talk.until("> ")

        assert talk.leave() == 130

    assert "\x1b[1m# Title" in shown
    assert "# Title\r\nThis is **bold**.\r\n" in ESCAPES.sub("", shown)
    posted = [request.json() for request in simulator.requests if request.method == "POST"]
    asked = [body["messages"][-1]["content"] for body in posted]
    assert asked == ["Hello\nthere", "there"]


@pytest.mark.skipif(QUICK, reason="it waits for three seconds")
def test_a_failure_at_a_terminal_is_told_and_the_conversation_goes_on(serve: Serve) -> None:
    simulator = serve(load("aura")(fault="stall"))
    with talking("chat", "-p", f"aura={simulator.url}", "--timeout", "2.8") as talk:
        talk.until("> ")
        talk.type("Hello\n")
        talk.until("waiting for aura, 2 s")
        talk.until("no provider answered")
        talk.until("> ")
        talk.type("/quit\n")

        assert talk.end() == 0
