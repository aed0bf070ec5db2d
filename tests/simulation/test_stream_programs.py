"""The stream object against a model: random programs of reading, leaving, cancelling, closing, dropping.

A program is a list of steps. It runs on both backends; a step that makes no sense where it stands is skipped
by the model and the driver alike. After each step the stream and the model have to agree.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import ConnectionLost, ScriptedAdapter, ServiceFailed
from adapters.contract.delta import Delta
from adapters.scripted import Step, Unfinished
from router import ReplyStream, StreamInterrupted, Timeouts
from tests.depth import how_many
from tests.router.recording import HELLO, Recorder, router_of
from tests.virtual_time import BACKENDS, run_virtual

if TYPE_CHECKING:
    from router import Router

Move = Literal["receive", "read aside", "read twice", "wait", "close", "cancel", "drop", "close the router"]
MOVES: Final[tuple[Move, ...]] = (
    *("receive", "receive", "read aside", "read aside", "read twice", "wait"),
    *("close", "cancel", "drop", "close the router"),
)
ENDINGS: Final[dict[str, list[Step]]] = {
    "complete": [],
    "truncated": [Unfinished],
    "failed": [ServiceFailed],
    "lost": [ConnectionLost],
    "refused": [Delta(finish_reason="content_filter")],
}
STEPS: Final = 30
_run: Final = {"programs": 0, "steps": 0}


class Model:
    """What a stream owes: its texts in order, a second apart, and one ending."""

    def __init__(self, texts: str, ending: str) -> None:
        self.left = list(texts)
        self.ending = "truncated" if ending == "lost" else ending
        self.proof_owed = ending in ("complete", "refused")  # it comes as a delta without text
        self.first = True  # the first content was read before the commit
        self.verdict: str | None = None
        self.reading = False
        self.text = ""

    @property
    def at_once(self) -> bool:
        """Whether the next `receive()` returns without waiting for the provider."""
        proved = not self.left and not self.proof_owed and self.ending in ("complete", "refused")
        return self.verdict is not None or self.first or proved

    def receive(self) -> str:
        """Return what a `receive()` comes to."""
        self.reading = self.first = False
        if self.verdict is not None:
            return "end" if self.verdict == "complete" else "closed"
        if self.left:
            self.text += self.left[0]
            return f"text {self.left.pop(0)}"
        if self.proof_owed:
            self.proof_owed = False
            return "text "
        self.verdict = self.ending
        return "end" if self.verdict == "complete" else f"interrupted {self.verdict}"

    def leave(self, verdict: str) -> None:
        """End before the end, unless the proof of it was delivered."""
        if self.verdict is None:
            proved = not self.left and not self.proof_owed and self.ending in ("complete", "refused")
            self.verdict = self.ending if proved else verdict
        self.reading = False


@dataclass
class Reader:
    """A `receive()` in a task of its own."""

    scope: anyio.CancelScope
    came: str = ""


async def received(stream: ReplyStream) -> str:
    try:
        return f"text {await stream.receive()}"
    except anyio.EndOfStream:
        return "end"
    except anyio.ClosedResourceError:
        return "closed"
    except anyio.BusyResourceError:
        return "busy"
    except StreamInterrupted as error:
        return f"interrupted {error.verdict}"


class Driver:
    """Does the steps to a stream, and what they mean to the model.

    No frame that sleeps holds the stream: with trio on Python 3.13 such a frame outlives its call.
    """

    def __init__(self, router: Router, stream: ReplyStream, model: Model, tasks: anyio.abc.TaskGroup) -> None:
        self.router = router
        self.stream: ReplyStream | None = stream
        self.model = model
        self.tasks = tasks
        self.reader: Reader | None = None

    async def do(self, move: Move) -> None:
        if move == "drop" and not self.model.reading and self.model.verdict is None:
            await self._drop()
        model = self.model
        if self.stream is None:
            return
        match move:
            case "receive" if not model.reading:
                assert await received(self.stream) == model.receive()
            case "read aside" if not model.reading:
                await self._read_aside()
            case "read twice" if model.reading:
                assert await received(self.stream) == "busy"
            case "wait":
                await anyio.sleep(1.5)
                if model.reading and self.reader is not None:
                    assert self.reader.came == model.receive()
            case "close" | "close the router":
                await (self.stream if move == "close" else self.router).aclose()
                await self._reader_gets("closed")
                model.leave("closed")
            case "cancel" if model.reading and self.reader is not None:
                self.reader.scope.cancel()
                await self._reader_gets("cancelled")
                model.leave("cancelled")

    async def _read_aside(self) -> None:
        self.reader = reader = Reader(anyio.CancelScope())
        self.model.reading = True

        async def read() -> None:
            with reader.scope:
                assert self.stream is not None
                reader.came = await received(self.stream)
            reader.came = reader.came or "cancelled"

        self.tasks.start_soon(read)
        await anyio.sleep(0.1)
        if self.model.at_once:
            assert reader.came == self.model.receive()
        else:
            assert not reader.came

    async def _reader_gets(self, what: str) -> None:
        await anyio.sleep(0.01)
        if self.model.reading:
            assert self.reader is not None
            assert self.reader.came == what

    async def _drop(self) -> None:
        """Forget the stream: it warns, and its record says closed."""
        self.reader = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.stream = None
            said = [str(warning.message) for warning in caught]
            caught.clear()  # a warning holds its source; trio warns again when that is gone
            await anyio.sleep(0.01)
        assert any("dropped without being closed" in text for text in said)
        self.model.leave("closed")


async def run_program(texts: str, ending: str, moves: list[Move]) -> None:
    script: list[Step] = []
    for text in texts:
        script += [text, 1.0]
    seen, model = Recorder(), Model(texts, ending)
    adapter = ScriptedAdapter("one", [*script, *ENDINGS[ending]])
    router = router_of(adapter, seen=seen, timeouts=Timeouts(total=10_000))
    async with router, anyio.create_task_group() as tasks:
        driver = Driver(router, await router.stream(HELLO), model, tasks)
        for move in moves:
            await driver.do(move)
            ends = seen.events[-1:] if model.verdict is not None else []
            assert [type(event).__name__ for event in ends] == ["RequestEnded"] * len(ends)
            if driver.stream is not None:
                assert driver.stream.verdict == model.verdict
        tasks.cancel_scope.cancel()
    if driver.reader is not None and model.reading:
        model.leave("cancelled")
    model.leave("closed")
    assert (seen.end.verdict, seen.end.characters) == (model.verdict, len(model.text))
    assert adapter.opened == 1
    assert driver.stream is None or not adapter.leftovers


@settings(max_examples=how_many(500), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text("xyz", min_size=1, max_size=4),
    st.sampled_from(sorted(ENDINGS)),
    st.lists(st.sampled_from(MOVES), min_size=4, max_size=STEPS),
)
def check_programs(texts, ending, moves):
    for backend in BACKENDS:
        run_virtual(run_program, backend, texts, ending, moves)
        _run["programs"] += 1
        _run["steps"] += len(moves)


def test_whatever_is_done_to_a_stream_it_does_what_the_model_says(record_property):
    check_programs()
    record_property(
        "summary",
        f"stream object: {_run['programs']} programs with {_run['steps']} steps agree with the model",
    )
