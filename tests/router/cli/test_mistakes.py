"""What people get wrong at a command line: one line on standard error, exit code 64, nothing else."""

import pytest

from tests.depth import sampled
from tests.router.cli.command import run
from tests.router.cli.conftest import Command

URL = "http://127.0.0.1:9"
H2O = ("-p", f"h2o={URL}")

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "an unknown command": (("aks",), "did you mean 'ask'?"),
    "a command like no other": (("xyzzy",), "There are: demo, init, doctor, ask, chat"),
    "an unknown command of config": (("config", "chek"), "did you mean 'check'"),
    "no command of config": (("config",), "There are: check, show, schema"),
    "a folder as a file": (("ask", "hi", "--config", "docs"), "name the file in it, as in docs/router.toml"),
    "a device as a file": (("ask", "hi", "--config", "/proc/self/mem"), "cannot be read"),
    "a file to begin with": (("config", "check", "nowhere.toml"), "write one with: chat-router init"),
    "a folder to begin": (("init", "docs"), "chat-router init docs/router.toml"),
    "a beginning in no folder": (("init", "no-such/router.toml"), "there is no folder"),
    "a beginning where nobody may write": (("init", "/sys/router.toml"), "cannot be written"),
    "a beginning without a name": (("init", ""), "needs the name of a file"),
    "an unknown shell": (("completion", "bsh"), "did you mean 'bash'?"),
    "an unknown form of the doctor": (("doctor", "--format", "jsn"), "did you mean 'json'?"),
    "a talk with the demo and a file": (("chat", "--demo", "-c", "a.toml"), "omit --config"),
    "a talk on no backend": (("chat", *H2O, "--backend", "tri"), "did you mean 'trio'?"),
    "a talk without time": (("chat", *H2O, "--timeout", "0"), "--timeout 0"),
    "a question of several words": (("ask", "hi", "there", *H2O), "in quotes"),
    "an option of nobody": (("--backend", "trio"), "no such option: --backend"),
    "no provider": (("ask", "hi"), "name at least one provider"),
    "a provider without an address": (("ask", "hi", "-p", "h2o"), "h2o has no address"),
    "an empty address": (("ask", "hi", "-p", "h2o="), "h2o has no address"),
    "an unknown service": (("ask", "hi", "-p", f"h20={URL}"), "did you mean 'h2o'?"),
    "another service": (
        ("ask", "hi", "-p", f"llamafile={URL}"),
        "write --provider llamafile:openai=URL#MODEL",
    ),
    "a preset without its address": (("ask", "hi", "-p", "azure#gpt"), "azure=https://NAME.openai.azure.com"),
    "a preset without its key": (("ask", "hi", "-p", "groq#x"), "GROQ_API_KEY, or CHAT_ROUTER_GROQ_API_KEY"),
    "a misspelt preset": (("ask", "hi", "-p", "openruter"), "did you mean 'openrouter'?"),
    "a name of two services": (("ask", "hi", "-p", "grok"), "did you mean 'xai' or 'groq'?"),
    "one that sounds like a service": (
        ("ask", "hi", "-p", f"jura={URL}"),
        "'jura'; for an OpenAI-compatible",
    ),
    "an address without a service": (("ask", "hi", "-p", URL), "needs a service before the address"),
    "a scheme that is not http": (("ask", "hi", "-p", "h2o=ftp://a"), "must begin with http://"),
    "no key": (("ask", "hi", "-p", "openai"), "for another service with such an API give its address"),
    "an address without a scheme": (("ask", "hi", "-p", "openai=localhost:99"), "must begin with http://"),
    "an address with a query": (("ask", "hi", "-p", f"h2o={URL}/?a=1"), "query or fragment"),
    "two providers of one name": (("ask", "hi", *H2O, *H2O), "backup:h2o=URL"),
    "a name with a space": (("ask", "hi", "-p", f"a b:h2o={URL}"), "cannot be a provider's name"),
    "an empty prompt": (("ask", " ", *H2O), "the prompt is empty"),
    "nothing on standard input": (("ask", *H2O), "the prompt is empty"),
    "two prompts": (("ask", "hi", "there", *H2O), "(there)"),
    "a misspelt option": (("ask", "hi", "--temprature", "1", *H2O), "did you mean --temperature"),
    "an option without its value": (("ask", "hi", "--provider"), "requires an argument"),
    "a time that is no number": (("ask", "hi", "--timeout", "x", *H2O), "'--timeout'"),
    "a negative time": (("ask", "hi", "--timeout", "-1", *H2O), "--timeout -1"),
    "a time too short": (("ask", "hi", "--timeout", "0.1", *H2O), "--timeout 0.1"),
    "tokens that are no whole number": (("ask", "hi", "--max-tokens", "1.5", *H2O), "'--max-tokens'"),
    "a temperature that is no number": (("ask", "hi", "--temperature", "nan", *H2O), "temperature"),
    "an unknown backend": (("ask", "hi", "--backend", "tri", *H2O), "did you mean 'trio'?"),
    "no provider to check": (("health",), "name at least one provider"),
    "an unknown format": (("health", "--demo", "--format", "jsn"), "did you mean 'json'?"),
    "the demo and a provider": (("health", "--demo", *H2O), "omit --provider"),
    "no time for a probe": (("health", "--demo", "--timeout", "0"), "--timeout 0"),
    "an unknown level": (("health", "--demo", "--level", "anser"), "did you mean 'answer'?"),
    "an unknown state to fail on": (("health", "--demo", "--fail-on", "unknown"), "degraded, unhealthy"),
    "the demo and a file": (("health", "--demo", "--config", "a.toml"), "omit --config"),
    "a file that is not there": (("health", "--config", "no-such.toml"), "no-such.toml"),
    "a folder to write to": (("health", "--demo", "--output", "tests"), "is a folder"),
    "a file in no folder": (("health", "--demo", "--output", "no-such/file"), "there is no folder"),
    "a watch too fast": (("health", "--demo", "--watch", "0.1"), "--watch 0.1"),
    "a watch that is no time": (("health", "--demo", "--watch", "soon"), "(soon)"),
    "pages without a file": (("health", "--demo", "--watch", "--format", "html"), "--output"),
    "a history in no folder": (("health", "--demo", "--history", "no-such/file"), "--history"),
    "no service": (("simulate",), "name a service"),
    "a misspelt service": (("simulate", "h20"), "did you mean 'h2o'?"),
    "a misspelt service in a list": (("simulate", "h20", "--list"), "did you mean 'h2o'?"),
    "an unknown fault": (("simulate", "h2o", "--fault", "stal"), "did you mean 'stall'?"),
    "a port that is none": (("simulate", "h2o", "--port", "99999"), "--port 99999"),
    "a negative delay": (("simulate", "h2o", "--delay", "-1"), "--delay -1"),
    "a counted refusal": (
        ("simulate", "h2o", "--fault", "refuse", "--fault-times", "1"),
        "does not work with --fault refuse",
    ),
    "a fault that never strikes": (
        ("simulate", "h2o", "--fault", "429", "--fault-times", "0"),
        "--fault-times 0",
    ),
    "a wait without a fault": (("simulate", "h2o", "--retry-after", "1"), "name one with --fault"),
    "a header of two lines": (
        ("simulate", "h2o", "--fault", "429", "--retry-after", "1\n2"),
        "--retry-after",
    ),
    "a pace out of range": (("demo", "--speed", "0"), "--speed 0"),
}


PROCESSES = [name for name in list(MISTAKES)[::3] if not name.startswith("no provider")]
"""A third of them is tried on a process of its own, to save time; all on the function that it calls.

Without a provider the command looks for servers on this machine, which a process of its own would find.
"""


@pytest.mark.parametrize("mistake", sampled(PROCESSES, 0.2, "mistakes of processes"))
def test_a_mistake_is_one_line_and_exit_code_64(mistake: str) -> None:
    arguments, words = MISTAKES[mistake]
    found = run(*arguments)

    assert (found.code, found.out, found.err.count("\n")) == (64, "", 1)
    assert found.err.startswith("chat-router: ")
    assert words in found.err


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_told(mistake: str, command: Command) -> None:
    arguments, words = MISTAKES[mistake]
    found = command(*arguments)

    assert (found.code, found.out, found.err.count("\n")) == (64, "", 1)
    assert words in found.err


def test_a_password_in_an_address_is_not_repeated() -> None:
    found = run("ask", "hi", "-p", "openai=https://me:hunter2@example.org/v1")

    assert found.code == 64
    assert "CHAT_ROUTER_OPENAI_API_KEY" in found.err
    assert "hunter2" not in found.err


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CHAT_ROUTER_H2O_API_KEY", "hunter2", "h2o does not take it"),
        ("CHAT_ROUTER_H2O_COOKIE", "hunter2", "'name=value; other=value'"),
        ("CHAT_ROUTER_H2O_COOKIE", "a=hunter2\x01", "control character"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(
    variable: str, value: str, words: str, command: Command
) -> None:
    found = command("ask", "hi", *H2O, **{variable: value})

    assert (found.code, found.err.count("\n")) == (64, 1)
    assert words in found.err
    assert "hunter2" not in found.err


def test_standard_input_that_is_no_text_is_a_mistake(command: Command) -> None:
    found = command("ask", "-", *H2O, stdin=b"ab\xff")

    assert found.code == 64
    assert "not UTF-8 (at byte 2)" in found.err
