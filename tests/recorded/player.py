"""Plays recorded turns of real servers through an adapter, and judges what came of them.

The recordings lie outside the project: in the folder that CHAT_ROUTER_RECORDINGS names, else in
`../shared/recordings` beside it. Their player and its formats are explained in its own file, `replay.py`.

    for turn in turns("Aura"):
        played = await play(turn)
        print(turn["id"], judge(turn, played) or "as expected")

What converses is swappable: `play(turn, converse=...)` takes any function that makes a stream of deltas out
of an adapter and messages, for example one that puts a router in between.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio

import adapters
from adapters import (
    Adapter,
    AdapterError,
    ChatRequest,
    Delta,
    EmptyReply,
    FirstContentTimeout,
    Stalled,
    Truncated,
)

if TYPE_CHECKING:
    from types import ModuleType

Turn = Mapping[str, Any]
Converse = Callable[[Adapter, Sequence[Mapping[str, Any]]], AsyncGenerator[Delta, None]]

PROJECT: Final = Path(__file__).resolve().parents[2]
RECORDINGS: Final = Path(os.environ.get("CHAT_ROUTER_RECORDINGS") or PROJECT.parent / "shared" / "recordings")
ABSENT: Final = f"the recordings are not at {RECORDINGS}; name their folder in CHAT_ROUTER_RECORDINGS"
SILENCE: Final = 1.0
"""Seconds without content after which a reply counts as silent where silence is what is recorded."""
PATIENCE: Final = 5.0
"""The same where content or an end is to come, and only a slow machine can be late."""

ADAPTERS: Final = ("Aura", "H2o", "OpenAssistant", "Opchatgpts")
"""The adapters that there are recordings for."""
SETTINGS: Final[Mapping[str, str]] = {
    "model": "model",
    "cookies": "cookies",
    "key": "key",
    "page": "page",
    "bot_id": "bot_id",
}
"""An option of a turn -> the setting of the adapter that stands for it."""


@dataclass(frozen=True)
class Played:
    """What came of a turn.

    Attributes:
        outcome: How it ended.
        text: What was streamed, joined; of an error or a truncated reply too.
        final_text: The server's own final version, where it differs.
        error: Why it did not end well.
        before_content: Whether it ended without any content.
    """

    outcome: Literal["complete", "truncated", "error"]
    text: str
    final_text: str | None = None
    error: AdapterError | None = None
    before_content: bool = False

    @property
    def partial(self) -> str:
        """What was streamed before the end."""
        return self.text


@cache
def replay() -> ModuleType:
    """Return the module that serves the recordings."""
    spec = importlib.util.spec_from_file_location("chat_router_replay", RECORDINGS / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def is_here() -> bool:
    """Whether the recordings are there."""
    return (RECORDINGS / "replay.py").is_file()


@cache
def _all_turns() -> tuple[Turn, ...]:
    return tuple(replay().turns(RECORDINGS / "expected.json"))


def turns(adapter_name: str) -> Iterator[Turn]:
    """Yield the turns that an adapter can be judged by."""
    return (turn for turn in _all_turns() if turn["adapter"] == adapter_name)


def make(turn: Turn, base_url: str) -> Adapter:
    """Return a fresh adapter as the turn's user configured it."""
    settings = {SETTINGS[option]: value for option, value in turn["options"].items()}
    made: Adapter = getattr(adapters, turn["adapter"])(base_url, **settings)
    return made


@asynccontextmanager
async def served(turn: Turn) -> AsyncGenerator[Any, None]:
    """Serve the turn's recording on a loopback port while the context is open."""
    server = replay().Replay(RECORDINGS / turn["file"], turn["case"], exchanges=turn.get("exchanges"))
    server.__enter__()
    try:
        yield server
    finally:
        # It waits for its thread, which would hold up all other turns.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(server.__exit__)


def directly(adapter: Adapter, messages: Sequence[Mapping[str, Any]]) -> AsyncGenerator[Delta, None]:
    """Converse with the adapter itself, without a router."""
    return adapter.stream(ChatRequest.build(messages))


async def play(turn: Turn, adapter: Adapter | None = None, *, converse: Converse = directly) -> Played:
    """Play one turn, against its own server or through an `adapter` that knows where to turn to."""
    if adapter is not None:
        return await _converse(turn, adapter, converse)
    async with served(turn) as server:
        fresh = make(turn, server.url)
        try:
            return await _converse(turn, fresh, converse)
        finally:
            await fresh.aclose()


async def _converse(turn: Turn, adapter: Adapter, converse: Converse) -> Played:
    """Read a reply as a router does: content is the clock, the last delta is the proof."""
    texts: list[str] = []
    final_text: str | None = None
    has_content = False
    patience = _patience(turn)
    deltas = converse(adapter, turn["messages"])
    deadline = anyio.current_time() + patience
    try:
        while True:
            delta = None
            with anyio.move_on_after(deadline - anyio.current_time()) as clock:
                delta = await anext(deltas, None)
            if clock.cancelled_caught:
                raise (Stalled if has_content else FirstContentTimeout)(f"no content within {patience} s")
            if delta is None:
                raise (Truncated if has_content else EmptyReply)("the reply ended without proof or content")
            texts.append(delta.text)
            if delta.has_content:
                has_content = True
                deadline = anyio.current_time() + patience
            final_text = delta.final_text or final_text
            if delta.is_last:
                if not has_content:
                    raise EmptyReply("the reply ended without content")
                return Played("complete", "".join(texts), final_text)
    except AdapterError as error:
        outcome: Literal["truncated", "error"] = "truncated" if isinstance(error, Truncated) else "error"
        return Played(outcome, "".join(texts), final_text, error, not has_content)
    finally:
        with anyio.CancelScope(shield=True):
            await deltas.aclose()


def _patience(turn: Turn) -> float:
    silent = {"Stalled", "FirstContentTimeout"}
    expected = turn["expect"]
    return SILENCE if turn["held_open"] and silent.intersection(expected.get("errors", ())) else PATIENCE


def judge(turn: Turn, played: Played) -> str | None:
    """Return why what was played is not as expected, or None where it is."""
    expected = turn["expect"]
    misses = [_miss(each, played) for each in (expected, *expected.get("or", ()))]
    return None if None in misses else "; or ".join(miss for miss in misses if miss)


def _miss(expected: Mapping[str, Any], played: Played) -> str | None:
    if expected["outcome"] == "complete":
        if played.outcome != "complete":
            return f"expected a complete reply, got {_told(played)}"
        if {played.text, played.final_text}.isdisjoint(_each(expected, "text")):
            return f"expected the text {_short(_each(expected, 'text')[0])}, got {_short(played.text)}"
        return None
    if expected["outcome"] == "truncated":
        if played.outcome != "truncated":
            return f"expected a truncated reply, got {_told(played)}"
    else:
        classes = {kind.__name__ for kind in type(played.error).__mro__}
        if played.error is None or classes.isdisjoint(expected["errors"]):
            return f"expected {' or '.join(expected['errors'])}, got {_told(played)}"
        if played.before_content is not expected["before_content"]:
            when = "before" if expected["before_content"] else "after"
            return f"expected the error {when} content, got {_told(played)}"
    if played.partial not in _each(expected, "partial"):
        return (
            f"expected the partial text {_short(_each(expected, 'partial')[0])}, got {_short(played.partial)}"
        )
    return None


def _each(expected: Mapping[str, Any], what: str) -> list[str]:
    found: list[str] = expected.get(f"{what}s") or [expected[what]]
    return found


def _told(played: Played) -> str:
    if played.error is None:
        return f"the complete reply {_short(played.text)}"
    when = "before content" if played.before_content else f"after {_short(played.partial)}"
    return f"{type(played.error).__name__} {when} ({_short(str(played.error), 200)})"


def _short(text: str, limit: int = 80) -> str:
    return repr(text if len(text) <= limit else f"{text[:limit]}…")
