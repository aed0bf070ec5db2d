"""What observers are told, and how the default one writes it down."""

from __future__ import annotations

import ast
import inspect
import logging
from dataclasses import FrozenInstanceError, fields
from typing import get_args

import pytest
import structlog
from structlog.testing import capture_logs

from adapters import ProbeResult, ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import (
    AdapterBroke,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    Event,
    ObserverFailed,
    ProbeEnded,
    RequestEnded,
    RequestStarted,
    Router,
    SharingChanged,
    WaitStarted,
    events,
)
from router.events import Observers, without_frames
from router.observers.structlog import LogObserver
from tests.router.recording import HELLO, Recorder
from tests.virtual_time import anyio_backend

__all__ = ["anyio_backend"]

STARTED = RequestStarted("id", ("first",), 1, None)
WAIT = WaitStarted("id", 1, 0.5)


class Broken:
    """An observer with a bug."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.told: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.told.append(event)
        raise self.error


def test_every_observer_is_told_every_event_in_order():
    first, second = Recorder(), Recorder()
    notify = Observers([first, second])
    notify(STARTED)
    notify(WAIT)

    assert [STARTED, WAIT] == first.events == second.events


def test_an_observer_that_raises_is_told_of_once_to_the_others_and_is_told_on():
    error = ValueError("as told")
    before, broken, after = Recorder(), Broken(error), Recorder()
    notify = Observers([before, broken, after])
    notify(STARTED)
    notify(WAIT)

    assert [ObserverFailed("Broken", error)] == before.of(ObserverFailed) == after.of(ObserverFailed)
    assert broken.told == [STARTED, WAIT]
    assert [e for e in after.events if not isinstance(e, ObserverFailed)] == [STARTED, WAIT]


def test_observers_that_all_raise_break_nothing_and_are_told_of_each_other():
    errors = ValueError("a"), ValueError("b")
    first, second = (Broken(error) for error in errors)
    notify = Observers([first, second])
    notify(STARTED)
    notify(WAIT)

    told_first = [event for event in first.told if not isinstance(event, ObserverFailed)]
    told_second = [event for event in second.told if not isinstance(event, ObserverFailed)]
    assert [STARTED, WAIT] == told_first == told_second
    assert ObserverFailed("Broken", errors[1]) in first.told
    assert ObserverFailed("Broken", errors[0]) in second.told


def test_a_function_is_named_as_it_is_written():
    def observer(event: Event) -> None:
        raise ValueError

    seen = Recorder()
    Observers([observer, seen])(STARTED)

    name = "test_a_function_is_named_as_it_is_written.<locals>.observer"
    assert [name] == [failed.observer for failed in seen.of(ObserverFailed)]


def test_an_event_is_wanted_by_whoever_does_not_say_otherwise():
    class Choosy:
        def listens_to(self, kind: type[Event]) -> bool:
            return kind is WaitStarted

        def __call__(self, event: Event) -> None:
            return

    assert Observers([Choosy()]).wants(WaitStarted)
    assert not Observers([Choosy()]).wants(RequestStarted)
    assert Observers([Choosy(), print]).wants(RequestStarted)
    assert not Observers([]).wants(WaitStarted)


def test_the_log_wants_what_may_become_a_line(caplog):
    with caplog.at_level(logging.WARNING, "router"):
        assert not LogObserver().listens_to(RequestStarted)
        assert LogObserver().listens_to(RequestEnded)
    with caplog.at_level(logging.DEBUG, "router"):
        assert LogObserver().listens_to(RequestStarted)
    structlog.configure(processors=[])
    try:
        with caplog.at_level(logging.ERROR, "router"):
            assert LogObserver().listens_to(RequestStarted)
    finally:
        structlog.reset_defaults()


@pytest.mark.anyio
async def test_what_is_not_wanted_is_not_made():
    told: list[type[Event]] = []

    class Choosy:
        def listens_to(self, kind: type[Event]) -> bool:
            return kind is RequestEnded

        def __call__(self, event: Event) -> None:
            told.append(type(event))

    async with Router([ScriptedAdapter("good", "yes")], observers=[Choosy()]) as router:
        await router.complete(HELLO)
    assert RequestEnded in told
    assert RequestStarted not in told
    assert AttemptStarted not in told


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_passes_through(kind):
    error, before, after = kind(), Recorder(), Recorder()
    with pytest.raises(kind) as raised:
        Observers([before, Broken(error), after])(STARTED)

    assert raised.value is error
    assert ([STARTED], []) == (before.events, after.events)


@pytest.mark.parametrize("kind", get_args(Event))
def test_events_do_not_change(kind):
    """Every event is frozen, and making one changes nothing that it is given."""
    error = ValueError("as told")
    try:
        raise error
    except ValueError:
        trace = error.__traceback__
    names = [field.name for field in fields(kind)]
    event = kind(**dict.fromkeys(names, error))
    with pytest.raises(FrozenInstanceError):
        setattr(event, names[0], 2)

    assert trace is error.__traceback__
    assert not hasattr(error, "__notes__")


def test_an_error_without_its_frames_keeps_the_lines_of_its_traceback():
    """Also that of each error behind it; the frames would hold keys, and some loggers show them."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as raised:
        error = raised
    shown = without_frames(error)

    assert shown is error
    assert shown.__cause__ is not None
    for each in (shown, shown.__cause__):
        assert each.__traceback__ is None
        assert "test_events.py" in "".join(each.__notes__)


def test_an_attempt_reads_as_a_sentence():
    assert (
        str(Attempt("first", 1, 1, "content", "committed", seconds=1.25)) == "first: committed after 1.25 s"
    )


@pytest.fixture
def unconfigured():
    """Structlog as it is before an application has configured it."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def ended(verdict, error=None) -> RequestEnded:
    attempts = (
        Attempt("first", 1, 1, "selection", "skipped", reason="takes no tools"),
        Attempt("second", 2, 1, "content", "committed", seconds=0.25),
    )
    return RequestEnded("id", verdict, "second", "big", attempts, 0.12345, 1.23456, 3, 5, error)


@pytest.mark.usefixtures("unconfigured")
@pytest.mark.parametrize(
    ("verdict", "level", "name"),
    [
        ("complete", "info", "reply.completed"),
        ("truncated", "warning", "reply.failed"),
        ("failed", "warning", "reply.failed"),
        ("refused", "warning", "reply.failed"),
        ("cancelled", "info", "reply.cancelled"),
        ("closed", "info", "reply.closed"),
    ],
)
def test_the_end_of_a_request_is_one_line_with_all_that_matters(verdict, level, name):
    with capture_logs() as lines:
        LogObserver()(ended(verdict, ServiceFailed("private")))

    assert [
        {
            "event": name,
            "log_level": level,
            "request_id": "id",
            "verdict": verdict,
            "provider": "second",
            "model": "big",
            "attempts": 2,
            "tried": ["second"],
            "first_content": 0.123,
            "seconds": 1.235,
            "deltas": 3,
            "characters": 5,
            "revised": False,
            "error": "ServiceFailed",
        }
    ] == lines


@pytest.mark.usefixtures("unconfigured")
@pytest.mark.parametrize(
    ("event", "level", "name", "keys"),
    [
        (STARTED, "debug", "request.started", {"request_id", "providers", "messages", "model"}),
        (
            AttemptStarted("id", "first", 1, 1, 30),
            "debug",
            "attempt.started",
            {"request_id", "provider", "number", "round", "limit"},
        ),
        (
            AttemptEnded("id", Attempt("first", 1, 1, "waiting", "failed", error=ServiceFailed())),
            "info",
            "attempt.ended",
            {
                "request_id",
                "provider",
                "number",
                "round",
                "phase",
                "outcome",
                "error",
                "reason",
                "seconds",
                "dropped",
            },
        ),
        (WAIT, "debug", "wait.started", {"request_id", "round", "seconds"}),
        (
            ProbeEnded("first", ProbeResult(True, "it answered")),
            "debug",
            "probe.ended",
            {"provider", "working", "reason", "level_of_probe", "seconds"},
        ),
        (
            CleanUpFailed("id", "first", ServiceFailed("x")),
            "warning",
            "cleanup.failed",
            {"request_id", "provider", "error", "reason"},
        ),
        (
            AdapterBroke("id", "first", ValueError("x")),
            "error",
            "adapter.broke",
            {"request_id", "provider", "error", "exc_info"},
        ),
        (
            ObserverFailed("observer", ValueError("x")),
            "error",
            "observer.failed",
            {"observer", "exc_info"},
        ),
        (SharingChanged(True, "", 4), "info", "replicas.shared", {"replicas"}),
        (
            SharingChanged(False, "ConnectionError", 4),
            "warning",
            "replicas.alone",
            {"error", "replicas"},
        ),
    ],
)
def test_every_event_has_a_line_of_its_own(event, level, name, keys):
    with capture_logs() as lines:
        LogObserver()(event)

    (line,) = lines
    assert (level, name) == (line.pop("log_level"), line.pop("event"))
    assert keys == set(line)


@pytest.mark.anyio
@pytest.mark.usefixtures("unconfigured")
async def test_where_structlog_is_not_configured_the_lines_go_to_the_standard_logger(caplog, capsys):
    caplog.set_level(logging.DEBUG, logger="router")
    async with Router([ScriptedAdapter("first", "private")]) as router:
        await router.complete(HELLO)

    assert [record.message for record in caplog.records] == [
        "request.started",
        "attempt.started provider=first",
        "attempt.ended provider=first outcome=committed seconds=0.0",
        "reply.completed provider=first verdict=complete attempts=1 seconds=0.0",
    ]
    assert caplog.records[-1].provider == "first"
    assert capsys.readouterr() == ("", "")


@pytest.mark.anyio
@pytest.mark.usefixtures("unconfigured")
async def test_neither_prompt_nor_reply_is_logged():
    with capture_logs() as lines:
        async with Router([ScriptedAdapter("first", ["my secret reply"])]) as router:
            await router.complete([{"role": "user", "content": "my secret prompt"}])

    assert "reply.completed" in [line["event"] for line in lines]
    assert "my secret" not in repr(lines)


def test_a_type_checker_reads_the_same_events():
    """`Event` stands twice in its module: for type checkers, and made when it is asked for."""
    tree = ast.parse(inspect.getsource(events))
    said = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "Event" and node.value
    )

    assert {node.id for node in ast.walk(said) if isinstance(node, ast.Name)} == {
        kind.__name__ for kind in get_args(Event)
    }
