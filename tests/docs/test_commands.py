"""Each command line of docs/operate/runbook.md and docs/guides/ci.md runs, and each symptom is a real one."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import pytest
import yaml
from anyio.from_thread import start_blocking_portal

from adapters import Capabilities, OpenAICompatible, ScriptedAdapter
from adapters.simulators.openai import OpenAISimulator
from router import BreakerPolicy, RetryPolicy, Router, RouterError, Timeouts
from router.cli.app import run
from router.gateway import GatewaySettings, app
from tests.depth import QUICK, sampled
from tests.docs.pages import ROOT, blocks, read
from tests.docs.serving import serving
from tests.router.cli.command import KEYS, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNBOOK: Final = "docs/operate/runbook.md"
LINES: Final = [
    line.strip()
    for block in blocks("sh")
    if block.page == RUNBOOK
    for line in block.text.splitlines()
    if line.strip()
]
WORKFLOW: Final = next(yaml.safe_load(b.text) for b in blocks("yaml") if b.page == "docs/guides/ci.md")
HELLO: Final = [{"role": "user", "content": "Hello"}]
ADMIN: Final = "a-key-of-the-operators"
FILE: Final = """
[[provider]]
adapter = "openai"
name = "first"
base_url = "{first}/v1"
api_key = {{ env = "OPENAI_API_KEY" }}
model = "small"

[[provider]]
adapter = "openai"
name = "second"
base_url = "{second}/v1"
model = "small"
"""


@pytest.fixture(scope="module")
def chain() -> Iterator[str]:
    """The text of a file with two providers that serve."""
    with start_blocking_portal() as portal, ExitStack() as stack:
        first, second = (
            stack.enter_context(portal.wrap_async_context_manager(OpenAISimulator(models=["small"])))
            for _ in "ab"
        )
        yield FILE.format(first=first.url, second=second.url)


@pytest.fixture
def folder(chain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the file."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "router.toml").write_text(chain, encoding="utf-8")
    return tmp_path


def command(line: str) -> int:
    """Run a line that begins with `chat-router` in this process; return its exit code."""
    return run(shlex.split(line)[1:])


@pytest.mark.parametrize(
    "line",
    sampled(
        [line for line in LINES if line.startswith("chat-router ") and " simulate openai" not in line],
        0.4,
        "the commands of the runbook",
        lambda line: line.split()[1],
    ),
)
def test_a_command_of_the_runbook_runs(line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "health.db" in line:
        assert command("chat-router health --config router.toml --history health.db") == 0

    capsys.readouterr()
    assert command(line) == 0
    printed = capsys.readouterr().out
    assert printed
    if "config show" in line:
        assert "base_url" in printed
        assert "sk-of-the-tests" not in printed


@pytest.mark.skipif(QUICK, reason="processes of their own run in full depth")
@pytest.mark.parametrize("line", [line for line in LINES if " simulate openai" in line])
def test_a_simulator_of_the_runbook_starts(line: str) -> None:
    arguments = shlex.split(re.sub(r"--port \d+", "--port 0", line))[1:]
    with subprocess.Popen(
        [sys.executable, "-m", "router", *arguments], stdout=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        finally:
            process.terminate()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_calls_of_the_gateway_are_answered() -> None:
    calls = [line for line in LINES if line.startswith("curl ")]
    router = Router([ScriptedAdapter("first"), ScriptedAdapter("second")], observers=[])
    with serving(app(router, GatewaySettings(admin_key=ADMIN))) as url:
        told = [
            subprocess.run(
                ["sh", "-c", line.replace("http://127.0.0.1:8000", url)],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
                env={**environment(), "ADMIN_KEY": ADMIN},
            ).stdout
            for line in calls
        ]

    assert '"action":"reset"' in told[0]
    assert '"action":"probe","state":"healthy"' in told[1]
    assert told[2] == "200\n"
    assert '"providers"' in told[3]
    assert '"action":"isolate"' in told[4]
    assert '"action":"reset"' in told[5]


def test_what_is_left_runs_in_a_shell() -> None:
    left = [line for line in LINES if not line.startswith(("chat-router ", "curl "))]
    assert left == ["ulimit -n"]
    assert subprocess.run(["sh", "-c", left[0]], capture_output=True, check=True).stdout


FAULTS: Final = {
    "Nobody answers": "500",
    "Refused keys": "401",
    "Too many requests": "429",
    "Held back": "held",
    "Slow first words": "stall",
    "Replies break off": "cut",
    "Pages instead of answers": "html",
    "Empty replies": "empty",
    "No such model": "model",
    "Requests are too long": "long",
    "Only the reserve answers": "breaker",
    "This machine is the cause": "local",
}
"""Symptom -> what causes it: a fault of a simulator, or one of `_caused`."""


def _symptoms() -> dict[str, str]:
    """Return the quoted message of each symptom that has one."""
    sections = re.split(r"^## ", read(RUNBOOK), flags=re.MULTILINE)[1:]
    found = {
        section.partition("\n")[0]: re.search(r"^    (\S.*)$", section, re.MULTILINE) for section in sections
    }
    return {title: message[1] for title, message in found.items() if message is not None}


async def _caused(fault: str) -> str:
    """Return what a user sees of a fault, with the ledger."""
    models = ("other",) if fault == "model" else ()
    script: dict[str, Any] = (
        {"fault": fault} if fault[0].isdigit() or fault in ("stall", "cut", "html", "empty") else {}
    )
    if fault == "held":
        script = {"fault": "429", "retry_after": "40"}
    async with OpenAISimulator(models=models, **script) as simulator:
        first = OpenAICompatible(f"{simulator.url}/v1", name="first", model="small")
        clocks = Timeouts(first_content=0.2 if fault == "stall" else 20, total=60)
        breaker, times = None, 1
        if fault == "long":
            first.capabilities = Capabilities(context_tokens=1)
        if fault == "breaker":
            simulator.set_fault("500")
            breaker, times = BreakerPolicy(consecutive=1), 2
        if fault == "held":
            times = 2
        async with Router([first], retry=RetryPolicy(attempts=1), timeouts=clocks, breaker=breaker) as router:
            text = "Hello " * 50 if fault == "long" else "Hello"
            for _ in range(times):
                with pytest.raises(RouterError) as failed:
                    await router.complete([{"role": "user", "content": text}])
            return str(failed.value)


@pytest.mark.anyio
@pytest.mark.parametrize(("symptom", "fault"), [each for each in FAULTS.items() if each[1] != "local"])
async def test_a_symptom_is_seen(symptom: str, fault: str) -> None:
    assert _symptoms()[symptom] in await _caused(fault)


def test_every_symptom_with_a_message_is_caused_here() -> None:
    assert set(_symptoms()) == set(FAULTS)
    assert "\n| `LocalFailure` |" in read("docs/reference/errors.md")


def test_the_workflow_checks_the_chain(folder: Path) -> None:
    steps = WORKFLOW["jobs"]["health"]["steps"]
    lines = [step["run"] for step in steps if step.get("run", "").startswith("chat-router ")]

    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"wheels/chat_router-{version}-py3-none-any.whl" in read("docs/guides/ci.md")
    assert [command(line) for line in lines] == [0, 0, 0]
    assert len(ET.parse(folder / "health.xml").findall(".//testcase")) == 2
    assert (folder / "summary.md").read_text(encoding="utf-8").count("\n|") > 2
    assert {step["with"]["path"] for step in steps if "upload" in step.get("uses", "")} == {"health.xml"}


@pytest.mark.parametrize(
    ("bad", "further", "code"),
    [(0, "", 0), (1, "", 1), (1, " --fail-on unhealthy", 0), (2, "", 2), (0, " --nonsense", 64)],
)
def test_the_exit_codes_are_those_of_the_page(
    bad: int, further: str, code: int, folder: Path, chain: str
) -> None:
    text = re.sub(r"http://127.0.0.1:\d+", "http://127.0.0.1:9", chain, count=bad) if bad else chain
    (folder / "router.toml").write_text(text, encoding="utf-8")

    assert command(f"chat-router health --config router.toml{further}") == code
    assert f"\n| {code} |" in read("docs/guides/ci.md")
