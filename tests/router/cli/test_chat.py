"""`chat-router chat` through a pipe: each line is a message or a command, replies go to standard output."""

import json
from pathlib import Path

import pytest

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from router.cli.chat.conversation import Conversation, Turn
from tests.router.cli.conftest import Command, Serve


def said(simulator: OpenAISimulator, number: int = -1) -> list[tuple[str, str]]:
    messages = simulator.requests[number].json()["messages"]
    return [(message["role"], message["content"]) for message in messages]


def openai(simulator: OpenAISimulator) -> tuple[str, ...]:
    return ("-p", f"openai={simulator.url}/v1#m")


def test_a_conversation_through_a_pipe_on_both_backends(serve: Serve, command: Command, backend: str) -> None:
    simulator = OpenAISimulator(text="You said: {prompt}")
    serve(simulator)
    stdin = 'Grüße\n\n"""\nzwei\nZeilen\n"""\ndrei\\\nvier'.encode()
    found = command("chat", *openai(simulator), "--system", "Be brief", "--backend", backend, stdin=stdin)

    assert (found.code, found.err) == (0, "")
    assert "You said: " in found.out
    assert "\x1b" not in found.out
    assert said(simulator)[:2] == [("system", "Be brief"), ("user", "Grüße")]
    questions = [text for role, text in said(simulator) if role == "user"]
    assert questions == ["Grüße", "zwei\nZeilen", "drei\nvier"]
    assert [role for role, _ in said(simulator)][2::2] == ["assistant", "assistant"]


def test_a_provider_is_pinned_and_the_question_asked_again(serve: Serve, command: Command) -> None:
    first, second = serve(load("aura")(text="First.")), serve(load("h2o")(text="Second."))
    chain = ("-p", f"aura={first.url}", "-p", f"h2o={second.url}")
    stdin = b"Hi\n/provider h2o\n/retry\n/provider\n/history\n/provider -\n/provider auro\n/quit\nnever\n"
    found = command("chat", *chain, stdin=stdin)

    assert found.code == 0
    assert found.out.splitlines()[0] == "First."
    assert found.out.splitlines()[2:6] == ["Second.", "h2o alone", "1. you: Hi", "   h2o: Second."]
    assert found.err == "there is no provider 'auro'; did you mean 'aura'? There are: aura, h2o\n"


def test_a_failure_is_told_and_the_conversation_goes_on(serve: Serve, command: Command) -> None:
    simulator = OpenAISimulator(text="All is well.")
    serve(simulator)
    chain = ("-p", "h2o=http://127.0.0.1:9", *openai(simulator))
    stdin = b"/provider h2o\nHi\n/ledger\n/history\n/provider openai\n/retry\n"
    found = command("chat", *chain, stdin=stdin)

    assert found.code == 1  # one was not answered
    assert found.out.endswith("All is well.\n")
    assert "1. h2o: failed" in found.out
    assert "   unanswered" in found.out
    assert "h2o: failed" in found.err
    assert said(simulator) == [("user", "Hi")]


def test_what_came_of_a_reply_that_broke_off_is_kept(serve: Serve, command: Command, tmp_path: Path) -> None:
    simulator = OpenAISimulator(text="one two three four five", fault="cut", fault_times=1)
    serve(simulator)
    file = tmp_path / "talk.md"
    stdin = f"Count\n/save {file}\nGo on\n".encode()
    found = command("chat", *openai(simulator), stdin=stdin)

    assert found.code == 3
    assert "the reply of openai broke off after" in found.err
    assert found.out.startswith("one")
    assert said(simulator)[1][1].startswith("one")
    assert "## Openai, broken off\n\none" in file.read_text()


def test_a_conversation_is_saved_and_no_file_lost(serve: Serve, command: Command, tmp_path: Path) -> None:
    simulator = OpenAISimulator(text="Fine.")
    serve(simulator)
    page, messages = tmp_path / "a.md", tmp_path / "a.json"
    saves = [
        f"/save {page}",
        f"/save {page}",
        f"/save {page} --force",
        f"/save {messages}",
        "/save",
        "/save /sys/x",
    ]
    stdin = "\n".join(["/system Be kind", "Hi", *saves])
    found = command("chat", *openai(simulator), stdin=stdin.encode())

    assert page.read_text() == "# Conversation\n\nSystem: Be kind\n\n## You\n\nHi\n\n## Openai\n\nFine.\n"
    assert json.loads(messages.read_text())[-1] == {"role": "assistant", "content": "Fine."}
    there, nameless, forbidden = found.err.splitlines()
    assert there.endswith(f"/save {page} --force")
    assert nameless == "/save needs the name of a file, as in: /save talk.md"
    assert forbidden.startswith("/sys/x cannot be written: ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/retry", "nothing was asked yet"),
        ("/porvider", "did you mean '/provider'?"),
        ("/xyzzy", "/help lists them"),
    ],
)
def test_a_wrong_command_is_told(line: str, words: str, command: Command) -> None:
    found = command(
        "chat", "-p", "h2o=http://127.0.0.1:9", stdin=f"{line}\n/help\n/system\n/system -\n".encode()
    )

    assert (found.code, found.err.count("\n")) == (0, 1)
    assert words in found.err
    assert "/ledger" in found.out


def test_the_demo_can_be_talked_to(command: Command) -> None:
    found = command("chat", "--demo", stdin=b"Hello\n/ledger\n")

    assert found.code == 0
    assert "open_assistant: failed" in found.out


def test_standard_input_that_is_no_text_is_a_mistake(command: Command) -> None:
    found = command("chat", "-p", "h2o=http://127.0.0.1:9", stdin=b"ab\xff\n")

    assert (found.code, found.err.count("\n")) == (64, 1)
    assert "not UTF-8" in found.err


def test_an_unanswered_question_is_not_sent_along() -> None:
    conversation = Conversation("S", [Turn("a"), Turn("b", "half", "stopped", "h2o")])

    assert [each["content"] for each in conversation.messages("c")] == ["S", "b", "half", "c"]
    assert conversation.turns[1].mark == "h2o, stopped"
    assert conversation.drop_last() == "b"
