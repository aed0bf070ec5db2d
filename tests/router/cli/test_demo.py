"""`chat-router demo`: what a stranger runs first, and it checks itself."""

import re
import sys

import pytest

from router import RetryPolicy, Router
from router.cli.demo import Demonstration
from router.cli.demo_providers import DemoService, RunningServices, run_services, services
from router.cli.demo_screen import DemoScreen
from router.cli.exits import FAILED, OK
from router.cli.output import console_for
from tests.depth import sampled
from tests.router.cli.command import Ended, run
from tests.router.cli.conftest import Command
from tests.router.cli.terminal import on_terminal

FAST = ("demo", "--speed", "20")
ESCAPE = "\x1b"


def test_it_runs_on_both_backends(backend: str, command: Command) -> None:
    check(command(*FAST, "--backend", backend, "--prompt", "Why [red] so?"))


def test_it_runs_without_a_terminal() -> None:
    check(run(*FAST, "--prompt", "Why [red] so?"))


def check(found: Ended) -> None:
    assert (found.code, found.err) == (0, "")
    assert ESCAPE not in found.out
    assert "\r" not in found.out
    assert max(map(len, found.out.splitlines())) <= 80
    for error in ("ConnectFailed", "RateLimited", "FirstContentTimeout", "EmptyReply"):
        assert f"✗ {error}" in found.out
    assert "✓ answers after" in found.out
    assert "Why [red] so?" in found.out
    assert "✗ StreamInterrupted: truncated" in found.out
    assert re.search(r"· opchatgpts +skipped", found.out)
    assert "✓ Everything went as it should" in found.out


def test_a_terminal_gets_colours_and_no_movement_of_the_cursor() -> None:
    shown = on_terminal(*FAST)

    assert shown.code == 0
    sequences = set(re.findall(r"\x1b\[[0-9;?]*([A-Za-z])", shown.out))
    assert sequences == {"m"}


PLAIN = [(60, {"NO_COLOR": "1"}), (56, {"TERM": "dumb"})]


@pytest.mark.parametrize(("columns", "variables"), sampled(PLAIN, 0.5, "plain terminals"))
def test_a_narrow_terminal_without_colours_gets_plain_text(columns: int, variables: dict[str, str]) -> None:
    shown = on_terminal(*FAST, columns=columns, **variables)

    assert shown.code == 0
    assert ESCAPE not in shown.out
    assert "✓ Everything went as it should" in shown.out
    assert max(map(len, shown.out.splitlines())) <= columns


def test_an_encoding_without_the_signs_gets_simple_ones() -> None:
    found = run(*FAST, PYTHONIOENCODING="ascii")

    assert found.code == 0
    assert found.out.isascii()
    assert "x ConnectFailed" in found.out
    assert "-- 1. One question ---" in found.out


def test_a_surprise_is_told_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    demonstration = Demonstration(
        RunningServices(services("Why?"), 0.0), DemoScreen(console_for(sys.stdout)), "Why?", 0.0
    )

    assert demonstration.verdict(1.0) == OK

    demonstration._expect("a", "b")

    assert demonstration.verdict(1.0) == FAILED
    assert "expected 'b', but saw 'a'" in capsys.readouterr().out


@pytest.mark.anyio
async def test_a_chain_that_cannot_answer_is_told_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [DemoService("aura", "500", "fails")]
    async with (
        run_services(wanted) as running,
        Router(running.adapters, retry=RetryPolicy(attempts=1)) as router,
    ):
        demonstration = Demonstration(running, DemoScreen(console_for(sys.stdout)), "Why?", 0.0)
        await demonstration.run(router)

    assert demonstration.verdict(1.0) == FAILED
    assert "no provider answered" in capsys.readouterr().out
