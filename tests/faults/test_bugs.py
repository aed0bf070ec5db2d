"""A bug in an adapter is logged with its traceback; the keys in the frames of that traceback are not."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, ClassVar

import pytest

from adapters import Delta, ScriptedAdapter
from router import AdapterBroke, Router, StreamInterrupted
from tests.faults import words
from tests.faults.framings import KEY
from tests.faults.world import MESSAGES, PROMPT, Seen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters import ChatRequest, Outcome

pytestmark = pytest.mark.anyio


def fails_with(headers: dict[str, str]) -> Delta:
    sent = [f"{name}: {value}" for name, value in headers.items()]
    raise LookupError(f"a mistake after {len(sent)} headers")


class Broken(ScriptedAdapter):
    """Holds a key and the prompt in its frames when it breaks."""

    where: ClassVar[str] = "before"

    def __init__(self) -> None:
        super().__init__("broken", ["One", " two"])

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        headers = {"authorization": KEY}
        if self.where == "making":
            fails_with(headers)
        return self._reply(headers, request.messages[-1].text)

    async def _reply(self, headers: dict[str, str], prompt: str) -> AsyncGenerator[Delta, None]:
        if self.where == "before":
            yield fails_with(headers)
        yield Delta(text="One")
        yield fails_with({**headers, "about": prompt})

    def mark(self, outcome: Outcome) -> None:
        headers = {"authorization": KEY}
        if self.where == "marking":
            fails_with(headers)


@pytest.mark.parametrize("where", ["making", "before", "after", "marking"])
async def test_the_traceback_of_a_bug_shows_no_key(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "where", where)
    seen = Seen()
    behind = ScriptedAdapter("behind", ["Two"])
    async with Router([Broken(), behind], observers=[seen.events.append]) as router:
        try:
            await router.complete(MESSAGES)
        except StreamInterrupted as error:
            seen.error = error
    [broke, *_] = [event for event in seen.events if isinstance(event, AdapterBroke)]
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(broke.error.__traceback__)]
    shown = [*words.rendered(seen), *map(repr, frames)]

    assert "fails_with" in "".join(traceback.format_exception(broke.error))
    assert not [text for text in shown if KEY in text or PROMPT in text]
