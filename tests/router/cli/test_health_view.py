"""What a person sees while providers are checked: on a terminal in memory, in time that passes at once."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from adapters.contract import ProbeResult
from adapters.scripted import ScriptedAdapter
from router import ProbeEnded, Router
from router.cli.health_view import Progress, Screen
from router.cli.inspection import Inspection, health
from tests.virtual_time import anyio_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from router import Observer

__all__ = ["anyio_backend"]

pytestmark = pytest.mark.anyio


class Terminal(io.StringIO):
    """A terminal that remembers everything that was written to it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_terminal_that_can_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@asynccontextmanager
async def chain(observers: Sequence[Observer]) -> AsyncGenerator[Router, None]:
    async with Router(
        [ScriptedAdapter("one", "Hello"), ScriptedAdapter("two", "Hello")], observers=observers
    ) as router:
        yield router


async def test_probes_are_shown_as_they_end_and_are_gone_afterwards():
    terminal = Terminal()
    progress = Progress(terminal)
    with progress.over(["one", "two"]):
        progress(ProbeEnded("one", ProbeResult(True, "one: it lists its models", seconds=0.1)))
        progress(ProbeEnded("two", ProbeResult(False, "no\x1b[5m way", seconds=2.0)))
    progress(ProbeEnded("one", ProbeResult(None, "too late")))
    shown = terminal.getvalue()

    assert "working: it lists its models" in shown
    assert "not working: no\N{REPLACEMENT CHARACTER}[5m way" in shown
    assert "too late" not in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


async def test_a_file_gets_no_progress_at_all():
    file = io.StringIO()
    progress = Progress(file)
    with progress.over(["one"]):
        progress(ProbeEnded("one", ProbeResult(True, "fine")))

    assert file.getvalue() == ""


async def test_the_screen_follows_probes_and_rests_between_checks():
    terminal = Terminal()
    progress = Progress(io.StringIO())
    async with chain([progress]) as router:
        with Screen(terminal, router, progress, wanted=True) as screen:
            assert screen.live
            before = len(terminal.getvalue())
            report = await router.check("answer")
            during = terminal.getvalue()[before:]
            screen.rest(report, 60)
    shown = terminal.getvalue()

    assert during.count("probing; press Ctrl-C to stop") == 2
    assert "checked at " in shown
    assert "next check is in 60 s; press Ctrl-C to stop" in shown


@pytest.mark.parametrize("wanted", [True, False])
async def test_where_there_is_no_terminal_there_is_no_screen(wanted):
    stream = io.StringIO() if wanted else Terminal()
    progress = Progress(stream)
    async with chain([progress]) as router:
        with Screen(stream, router, progress, wanted=wanted) as screen:
            assert not screen.live
            screen.rest(router.health(), 60)

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("form", "checks", "words"),
    [("table", 4, "all is well: 2 healthy\n"), ("json", 4, '"verdict": "healthy"')],
)
async def test_a_watch_checks_again_and_again(form, checks, words, capsys):
    with anyio.move_on_after(95):
        await health(chain, Inspection(form, "answer", watch=30))

    assert capsys.readouterr().out.count(words) == checks


async def test_a_watch_goes_on_where_its_file_cannot_be_written(capsys, tmp_path: Path):
    folder = tmp_path / "gone"
    with anyio.move_on_after(35):
        await health(chain, Inspection("markdown", "answer", output=folder / "file", watch=30))
    out, err = capsys.readouterr()

    assert out.count("all is well") == 2
    assert err.count("the report cannot be written to ") == 2
