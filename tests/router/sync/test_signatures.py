"""The blocking classes offer what the asynchronous ones offer, parameter by parameter."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from router import Monitor, ReplyStream, Router, SyncMonitor, SyncReplyStream, SyncRouter
from router.sync.signatures import sections_of

OTHERWISE = {"aclose": "close"}
WITHOUT = {
    ReplyStream: {"receive", "receive_ready", "close_by", "extra_attributes", "extra"},  # `next(reply)`
    Router: {"take_over"},  # of a gateway that reads its file anew, which is asynchronous
    Monitor: set[str](),
}
PAIRS: list[tuple[Any, Any]] = [(Router, SyncRouter), (ReplyStream, SyncReplyStream), (Monitor, SyncMonitor)]


def public(owner: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(owner).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property | classmethod))
    }


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_nothing_is_missing(theirs: Any, ours: Any) -> None:
    wanted = {OTHERWISE.get(name, name) for name in public(theirs)} - WITHOUT[theirs]

    assert not {name for name in wanted if not hasattr(ours, name)}


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_every_method_takes_the_same_and_says_the_same_of_it(theirs: Any, ours: Any) -> None:
    for name in set(public(theirs)) - WITHOUT[theirs]:
        method, blocking = getattr(theirs, name), getattr(ours, OTHERWISE.get(name, name))
        if isinstance(method, property):
            continue
        wanted = list(inspect.signature(method).parameters.values())
        found = [p for p in inspect.signature(blocking).parameters.values() if p.name != "backend"]
        assert [(p.name, p.kind, p.default, p.annotation) for p in wanted] == [
            (p.name, p.kind, p.default, p.annotation) for p in found
        ], name
        said = inspect.getdoc(blocking) or ""
        assert said, name
        for parameter in wanted:
            if parameter.name != "self":
                assert f"{parameter.name}: " in said, f"{name}({parameter.name}) is not described"
        if name != "aclose" and "As of `receive`" not in sections_of(method):
            for line in sections_of(method).splitlines():
                if ": " in line and line.startswith("    ") and "receive" not in line:
                    assert line.strip() in said, f"{name}: {line}"


def test_the_settings_are_those_of_the_router_and_the_backend() -> None:
    wanted = dict(inspect.signature(Router.__init__).parameters)
    found = dict(inspect.signature(SyncRouter.__init__).parameters)
    backend = found.pop("backend")

    assert backend.default == "asyncio"
    assert {name: (p.kind, p.default, p.annotation) for name, p in wanted.items()} == {
        name: (p.kind, p.default, p.annotation) for name, p in found.items()
    }
    described = inspect.getdoc(SyncRouter) or ""
    for line in sections_of(Router).partition("Raises:")[0].splitlines():
        assert line.strip() in described, line


def test_what_differs_is_said_in_the_docstring_of_the_blocking_method() -> None:
    said = SyncRouter.stream.__doc__ or ""

    assert "for delta in router.stream(messages):" in said
    assert "async with" not in said
    assert "Raises:\n    AllProvidersFailed:" in said
