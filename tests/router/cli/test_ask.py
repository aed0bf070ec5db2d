"""`chat-router ask`: the text and nothing else on standard output, the rest on standard error."""

import json
import re

import pytest

from adapters.simulators import load
from adapters.simulators.openai import OpenAISimulator
from adapters.simulators.server import Simulator
from router.cli import app
from router.cli.simulate import MODELS, SESSIONS
from tests.depth import sampled
from tests.router.cli.command import run
from tests.router.cli.conftest import Command, Serve
from tests.router.cli.terminal import Output, on_terminal

TOKENS = {f"CHAT_ROUTER_{name.upper()}_SESSION_TOKEN": value for name, value in SESSIONS.items()}
SERVICES = ("aura", "chat_anywhere", "h2o", "open_assistant", "openai", "opchatgpts")


def provider(simulator: Simulator, label: str = "") -> tuple[str, str]:
    prefix, model = ("/v1", "#m") if simulator.service == "openai" else ("", "")
    return ("-p", f"{label}{simulator.service}={simulator.url}{prefix}{model}")


def sick(serve: Serve) -> tuple[str, str]:
    return provider(serve(load("aura")(fault="500")))


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_can_be_asked(service: str, backend: str, serve: Serve, command: Command) -> None:
    simulator = serve(load(service)(text="You said: {prompt}"))

    found = command("ask", "Grüße 🎈", *provider(simulator), "--backend", backend, **TOKENS)

    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("You said:")
    assert "Grüße 🎈" in found.out
    assert simulator.unknown == []


@pytest.mark.parametrize("service", sampled(SERVICES, 0.3, "processes that ask"))
def test_every_service_can_be_asked_by_a_process(service: str, serve: Serve) -> None:
    simulator = serve(load(service)(text="Hello.\nGrüße 🎈"))

    variables = {"CHAT_ROUTER_LAST_SESSION_TOKEN": SESSIONS[service]} if service in SESSIONS else {}
    found = run("ask", "Hi", *sick(serve), *provider(simulator, "last:"), LC_ALL="C.UTF-8", **variables)

    assert (found.code, found.out, found.err) == (0, "Hello.\nGrüße 🎈\n", "")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_prompt_comes_from_standard_input(
    arguments: tuple[str, ...], serve: Serve, command: Command
) -> None:
    simulator = serve(load("chat_anywhere")(text="{prompt}!"))

    found = command("ask", *arguments, *provider(simulator), stdin="\ufeffGrüße\nzwei".encode())

    assert found.out == "Grüße\nzwei!\n"


def test_options_reach_the_service(serve: Serve, command: Command) -> None:
    simulator = serve(OpenAISimulator(api_key="sk-hunter2"))

    options = ("--system", "Be brief", "--model", "big", "--temperature", "0.5", "--max-tokens", "7")
    secret = {"CHAT_ROUTER_BACKUP_2_API_KEY": "sk-hunter2"}
    found = command("ask", "Hi", *options, *provider(simulator, "backup-2:"), "-v", **secret)
    body = simulator.requests[-1].json()

    assert found.code == 0
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("big", 0.5, 7)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "backup-2: committed" in found.err
    assert "hunter2" not in found.err


def test_a_cookie_reaches_the_service(serve: Serve, command: Command) -> None:
    simulator = serve(load("aura")())

    command("ask", "Hi", *provider(simulator), CHAT_ROUTER_AURA_COOKIE="one=1; two=2")

    assert simulator.requests[-1].header("cookie") == "one=1; two=2"


def test_verbose_tells_each_attempt_on_standard_error(backend: str, serve: Serve, command: Command) -> None:
    well = provider(serve(load("chat_anywhere")(text="Fine.")))

    found = command("ask", "Hi", *sick(serve), *well, "-v", "--max-tokens", "5", "--backend", backend)

    assert found.out == "Fine.\n"
    assert "1. aura: asked; first content due within" in found.err
    assert "1. aura: failed after" in found.err
    assert "2. chat_anywhere: committed after" in found.err
    assert "does not take max_tokens" in found.err
    assert "complete after" in found.err


def test_a_second_round_is_told(serve: Serve, command: Command) -> None:
    simulator = serve(load("aura")(fault="500", fault_times=1, text="Fine."))

    found = command("ask", "Hi", *provider(simulator), "-v")

    assert (found.code, found.out) == (0, "Fine.\n")
    assert "no provider answered in round 1" in found.err


def test_where_nobody_answers_the_ledger_is_printed(backend: str, serve: Serve, command: Command) -> None:
    one, other = serve(load("aura")(fault="refuse")), serve(load("openai")(fault="401"))

    found = command("ask", "Hi", *provider(one), *provider(other), "--backend", backend)

    assert (found.code, found.out) == (1, "")
    assert "chat-router: no provider answered" in found.err
    assert "aura: failed after" in found.err
    assert "AuthenticationFailed" in found.err


def test_where_a_model_is_missing_the_command_says_how_to_name_one(serve: Serve, command: Command) -> None:
    simulator = serve(load("openai")())
    address = f"openai={simulator.url}/v1"

    found = command("ask", "Hi", "--provider", address)

    assert (found.code, found.out) == (1, "")
    assert "--model NAME" in found.err
    assert "SERVICE=URL#MODEL" in found.err
    assert command("ask", "Hi", "--provider", f"{address}#{MODELS['openai']}").code == 0
    assert command("ask", "Hi", "--provider", address, "--model", MODELS["openai"]).code == 0


def test_a_reply_that_breaks_off_is_printed_and_exits_3(backend: str, serve: Serve, command: Command) -> None:
    simulator = serve(load("openai")(text="one two three four", fault="cut"))

    found = command("ask", "Hi", *provider(simulator), "--backend", backend)

    assert (found.code, found.out) == (3, "one two\n")
    assert found.err.startswith("chat-router: the reply of openai broke off after 7 characters (truncated;")


def test_a_conversation_that_stays_behind_is_told(serve: Serve, command: Command) -> None:
    simulator = serve(load("h2o")(text="Fine.", fault="delete_500"))

    found = command("ask", "Hi", *provider(simulator))

    assert (found.code, found.out) == (0, "Fine.\n")
    assert "chat-router: h2o: clean-up failed; a conversation may remain there" in found.err


def test_the_time_for_the_whole_can_be_set(serve: Serve, command: Command) -> None:
    found = command("ask", "Hi", *provider(serve(load("openai")(fault="stall"))), "--timeout", "0.6")

    assert found.code == 1
    assert "FirstContentTimeout" in found.err


def test_json_is_one_object_with_the_ledger(backend: str, serve: Serve, command: Command) -> None:
    well = provider(serve(OpenAISimulator(text="Grüße", models=["m"])))

    found = command("ask", "Hi", *sick(serve), *well, "--json", "--backend", backend)
    reply = json.loads(found.out)

    assert (found.code, found.err) == (0, "")
    assert (reply["verdict"], reply["text"], reply["provider"]) == ("complete", "Grüße", "openai")
    assert [attempt["outcome"] for attempt in reply["attempts"]] == ["failed", "committed"]
    assert reply["error"] is None


@pytest.mark.parametrize(
    ("fault", "code", "verdict", "text", "error"),
    [("cut", 3, "truncated", "one two", "StreamInterrupted"), ("401", 1, "failed", "", "AllProvidersFailed")],
)
def test_json_is_one_object_where_it_fails_too(
    fault: str, code: int, verdict: str, text: str, error: str, serve: Serve, command: Command
) -> None:
    simulator = serve(load("openai")(text="one two three four", fault=fault))

    found = command("ask", "Hi", *provider(simulator), "--json")
    reply = json.loads(found.out)

    assert (found.code, reply["verdict"], reply["text"]) == (code, verdict, text)
    assert reply["error"]["type"] == error
    assert len(reply["attempts"]) == 1


def test_a_terminal_gets_no_escape_sequence_of_a_service_and_a_pipe_gets_the_text(serve: Serve) -> None:
    text = "red \x1b[31mfish\x1b]0;title\x07"
    simulator = serve(load("chat_anywhere")(text=text))

    piped = run("ask", "Hi", *provider(simulator))
    shown = on_terminal("ask", "Hi", *provider(simulator))

    assert piped.out == text + "\n"
    assert shown.out == "red �[31mfish�]0;title�\n"
    assert shown.err.startswith("chat-router: chat_anywhere")
    assert "complete after" in shown.err


def test_json_on_a_terminal_is_the_same_object_without_control_characters(serve: Serve) -> None:
    """JSON allows DEL, C1 and the characters that turn the direction of text; a terminal obeys them."""
    text = "red \x1b[31m \x7f \x9b31m \u202edrow\u2066 ü"
    simulator = serve(load("chat_anywhere")(text=text))

    piped = run("ask", "Hi", "--json", *provider(simulator))
    shown = on_terminal("ask", "Hi", "--json", *provider(simulator))

    assert "\x9b31m \u202edrow" in piped.out
    assert not set(shown.out) & set("\x1b\x7f\x9b\u202e\u2066")
    assert "ü" in shown.out
    assert json.loads(shown.out)["text"] == json.loads(piped.out)["text"] == text


def test_on_a_terminal_the_line_about_the_end_stands_alone(
    serve: Serve, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = serve(load("aura")(text="Hello."))
    command("--version")  # with the environment of its tests
    terminal = Output()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr("sys.stderr", terminal)

    assert app.run(["ask", "Hi", *provider(simulator)]) == 0
    assert re.fullmatch(r"Hello\.\nchat-router: aura, complete after .*, 1 attempt\n", terminal.getvalue())


def test_what_to_do_is_told_as_options_and_variables(serve: Serve, command: Command) -> None:
    simulator = serve(OpenAISimulator(api_key="sk-hunter2"))
    keyless = command("ask", "Hi", *provider(simulator, "my-own:"))
    late = command("ask", "Hi", *provider(serve(OpenAISimulator(fault="stall"))), "--timeout", "0.6")

    assert "no key was sent; set CHAT_ROUTER_MY_OWN_API_KEY; with a file also write api_key = " in keyless.err
    assert "where the service is only slow, raise --timeout)" in late.err
    for found in (keyless, late):
        assert found.code == 1
        for code in ("pass ", "Router.", "Timeouts."):
            assert code not in found.err


def test_an_unknown_model_is_told_with_how_to_list_models(serve: Serve, command: Command) -> None:
    simulator = serve(OpenAISimulator(models=["small"]))
    found = command("ask", "Hi", "-p", f"openai={simulator.url}/v1#gpt-9")
    head = found.err.splitlines()[0]

    assert found.code == 1
    assert "'openai' does not have the model that is asked for; name another one: chat-router health " in head
    assert "try again" not in head
