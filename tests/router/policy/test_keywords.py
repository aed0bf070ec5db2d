"""Unknown keywords of constructors are refused with what to write instead."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from adapters.scripted import ScriptedAdapter
from router import Router, SyncRouter, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCKS = "a request has several clocks; write timeouts=Timeouts(total={})"
RETRY = "a policy says when to ask again; write retry=RetryPolicy(attempts={})"


@pytest.mark.parametrize(
    ("made", "settings", "words"),
    [
        (Router, {"timeout": 30}, f"Router has no setting 'timeout': {CLOCKS.format(30)}"),
        (Router, {"timeout": None}, f"Router has no setting 'timeout': {CLOCKS.format(60)}"),
        (Router, {"retries": 3}, f"Router has no setting 'retries': {RETRY.format(3)}"),
        (SyncRouter, {"max_retries": 2}, f"SyncRouter has no setting 'max_retries': {RETRY.format(2)}"),
        (SyncRouter, {"timeout": 5.5}, f"SyncRouter has no setting 'timeout': {CLOCKS.format(5.5)}"),
        (
            Router,
            {"observer": print},
            "Router has no setting 'observer'; did you mean 'observers'? Known are",
        ),
        (Timeouts, {"first": 3}, "Timeouts has no setting 'first'; did you mean 'first_content'? Known"),
        (Timeouts, {"zzz": 3}, "Timeouts has no setting 'zzz'. Known are first_content, stall, total,"),
    ],
)
def test_an_unknown_keyword_is_refused_with_what_to_write(
    made: Callable[..., object], settings: dict[str, Any], words: str
) -> None:
    given = () if made is Timeouts else ([ScriptedAdapter("only")],)

    with pytest.raises(TypeError) as raised:
        made(*given, **settings)

    assert str(raised.value).startswith(words)


def test_a_derived_class_has_keywords_of_its_own() -> None:
    class Ours(Router):
        def __init__(self, timeout: float) -> None:
            super().__init__([ScriptedAdapter("only")], timeouts=Timeouts(total=timeout))

    class Takes(Router):
        def __init__(self, **settings: Any) -> None:
            super().__init__([ScriptedAdapter("only")], timeouts=settings["clocks"])

    assert Ours(timeout=7).timeouts.total == 7
    assert Takes(clocks=Timeouts(total=8)).timeouts.total == 8


def test_clocks_are_copied_and_pickled_as_before() -> None:
    clocks = Timeouts(total=7)

    assert copy.copy(clocks) == clocks == pickle.loads(pickle.dumps(clocks))
