"""A router that runs already: another observer is told of it, and one provider alone is probed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.scripted import ScriptedAdapter
from router import Router, SyncRouter
from router.events import ProbeEnded, RequestEnded, RequestStarted
from router.history import History

if TYPE_CHECKING:
    from pathlib import Path

    from router.events import Event

pytestmark = pytest.mark.anyio
HELLO = [{"role": "user", "content": "hi"}]


def router(**settings: Any) -> Router:
    return Router([ScriptedAdapter("one", "x"), ScriptedAdapter("two", "y")], observers=[], **settings)


async def test_a_late_observer_is_told_of_what_happens_from_then_on() -> None:
    late: list[Event] = []
    async with router() as asked:
        await asked.complete(HELLO)
        async with asked.stream(HELLO):
            asked.observe(late.append)
        await asked.complete(HELLO)

    assert [type(each) for each in late if isinstance(each, RequestEnded | RequestStarted)] == [
        RequestEnded,
        RequestStarted,
        RequestEnded,
    ]


async def test_an_observer_that_cannot_be_called_is_refused() -> None:
    async def never(event: Event) -> None: ...

    async with router() as asked:
        with pytest.raises(TypeError, match="would never run"):
            asked.observe(never)  # type: ignore[arg-type] # that is the mistake


async def test_only_the_providers_that_are_named_are_probed() -> None:
    seen: list[Event] = []
    async with router() as asked:
        asked.observe(seen.append)
        report = await asked.check(providers=["two"])
        with pytest.raises(ValueError, match="three"):
            await asked.check(providers=["three"])

    assert [each.provider for each in seen if isinstance(each, ProbeEnded)] == ["two"]
    assert [each.provider for each in report.providers] == ["one", "two"]


async def test_the_history_that_was_given_can_be_read(tmp_path: Path) -> None:
    history = History(tmp_path / "health.db")
    async with router(history=history) as keeping, router() as forgetting:
        assert keeping.history is history
        assert forgetting.history is None


def test_the_blocking_router_has_the_same() -> None:
    late: list[Event] = []
    with SyncRouter([ScriptedAdapter("one", "x")], observers=[]) as asked:
        asked.observe(late.append)
        asked.complete(HELLO)

        assert asked.history is None
    assert late
