"""Programs of users with nothing but the address changed, each in an environment of its own; and curl."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest

from tests.depth import QUICK
from tests.router.gateway.clients import setting_up

if TYPE_CHECKING:
    from tests.router.gateway.clients.running import Running

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[4]
full_only = pytest.mark.skipif(QUICK, reason="programs of other environments run in full depth")


def run(*command: str | Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-500:]
    return done.stdout


def need(name: str) -> None:
    reason = setting_up.lack_of(name)
    if reason is not None:
        pytest.skip(reason)


@full_only
def test_openai_of_two_years_ago_behaves_as_the_newest_one(gateway: Running) -> None:
    need("openai-1.57.0")
    python = setting_up.python_of("openai-1.57.0")
    told = run(python, "-m", "tests.router.gateway.clients.programs.openai_client", gateway.url)
    rows = [json.loads(line) for line in told.splitlines()]
    assert {version for version, _, _ in rows} == {"1.57.0"} != {openai.__version__}
    assert [] == [(behaviour, outcome) for _, behaviour, outcome in rows if outcome != "ok"]
    assert len(rows) > 60


@full_only
@pytest.mark.parametrize(
    ("environment", "program"), [("langchain", "langchain_agent"), ("pydantic-ai", "pydantic_ai_agent")]
)
def test_a_program_of_a_framework(gateway: Running, environment: str, program: str) -> None:
    need(environment)
    assert run(setting_up.python_of(environment), PROGRAMS / f"{program}.py", gateway.url) == "ok\n"


@full_only
def test_the_openai_package_of_npm(gateway: Running) -> None:
    need("node")
    assert run("node", PROGRAMS / "openai_node.mjs", setting_up.FOLDER / "node", gateway.url).strip() == "ok"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_curl(gateway: Running) -> None:
    url = f"{gateway.url}/chat/completions"
    body = {"model": "echo/m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    events = run("curl", "-sSN", url, "-d", json.dumps(body)).split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    assert text == "You said: hello"
    told = run("curl", "-sS", "-w", "%{http_code}", url, "-d", "{")
    assert told.endswith("400")
    assert json.loads(told[:-3])["error"]["type"] == "invalid_request_error"
    # A stream that fails ends with an error for curl, too: the body is not whole.
    failed = subprocess.run(
        ["curl", "-sSN", url, "-d", json.dumps(body | {"model": "cut/m"})],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert failed.returncode == 18
    assert "[DONE]" not in failed.stdout
    assert '"reply_interrupted"' in failed.stdout
