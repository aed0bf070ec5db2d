"""From two seconds on, a line on a terminal says for whom the command waits; on virtual time."""

import anyio
import pytest

from router.cli.waiting import Waiting
from router.events import AttemptStarted, WaitStarted
from tests.router.cli.terminal import Output
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
ERASED = "\r\x1b[K"


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Output:
    found = Output()
    monkeypatch.setattr("sys.stderr", found)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return found


async def test_the_line_comes_after_two_seconds_and_goes_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    waiting = Waiting()
    waiting(AttemptStarted("r", "h2o", 1, 1, 9.0))
    async with waiting.over():
        await anyio.sleep(1.9)
        assert terminal.getvalue() == ""

        await anyio.sleep(1.2)
        assert terminal.getvalue() == f"{ERASED}waiting for h2o, 2 s{ERASED}waiting for h2o, 3 s"

        waiting(WaitStarted("r", 1, 2.0))
        await anyio.sleep(1)
        assert "waiting for the next round" in terminal.getvalue()

        waiting.end()
        await anyio.sleep(9)
    assert terminal.getvalue().endswith(ERASED)
    assert terminal.getvalue().count(ERASED) == 4


async def test_an_error_comes_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)

    async def failing() -> None:
        async with Waiting().over():
            await anyio.sleep(3)
            raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        await failing()

    assert terminal.getvalue().endswith(ERASED)


async def test_nothing_is_written_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    async with Waiting().over():
        await anyio.sleep(5)

    assert capsys.readouterr().err == ""
