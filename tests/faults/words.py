"""Every string that a run wrote or holds where somebody may show it; and which secrets are in them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from router.observers.structlog import LogObserver
from tests.faults.framings import COOKIE, HEADER, KEY
from tests.faults.world import PROMPT, SECOND_KEY, Seen

SECRETS: Final = {
    "key": KEY,
    "cookie": COOKIE,
    "header": HEADER,
    "second key": SECOND_KEY,
}
ROOT: Final = Path(__file__).parents[2]
OURS: Final = (str(ROOT / "router"), str(ROOT / "adapters"))


class Records(logging.Handler):
    """Keeps what all loggers of the process write, formatted."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("httpcore") and record.levelno <= logging.DEBUG:
            return  # it shows raw answers as they come; whoever switches it on wants just that
        self.lines.append(self.format(record) + repr(sorted(record.__dict__.items(), key=str)))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Keep what is logged meanwhile, by any logger."""
    root, handler = logging.getLogger(), Records()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


def rendered(seen: Seen) -> list[str]:
    """Return the events as an application logs them that has configured structlog, tracebacks included."""
    lines: list[str] = []

    def keep(_: Any, __: str, fields: Any) -> Any:
        lines.append(repr(fields))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.dict_tracebacks, keep])
    try:
        for event in seen.events:
            LogObserver()(event)
    finally:
        structlog.reset_defaults()
    return lines


def errors_of(seen: Seen) -> list[BaseException]:
    """Return every exception that the client can reach: raised, in events, and what led to them."""
    waiting: list[Any] = [seen.error, *(getattr(event, "error", None) for event in seen.events)]
    for event in seen.events:
        attempt = getattr(event, "attempt", None)
        waiting.append(getattr(attempt, "error", None))
    found: list[BaseException] = []
    while waiting:
        error = waiting.pop()
        if not isinstance(error, BaseException) or any(error is known for known in found):
            continue
        found.append(error)
        waiting += [error.__cause__, None if error.__suppress_context__ else error.__context__]
        waiting += [attempt.error for attempt in getattr(error, "attempts", ())]
    return found


def of_errors(errors: Iterable[BaseException]) -> Iterator[str]:
    for error in errors:
        yield str(error)
        yield repr(error)
        yield from map(str, error.args)
        yield repr(getattr(error, "__notes__", ()))
        yield repr({name: value for name, value in vars(error).items() if name != "partial"})


def locals_of(errors: Iterable[BaseException]) -> Iterator[str]:
    """Yield the local variables that a traceback shows of our own frames, as some loggers print them."""
    for error in errors:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(OURS):
                yield from (repr(value) for value in frame.f_locals.values())


def of_objects(objects: Iterable[Any]) -> Iterator[str]:
    for thing in objects:
        yield repr(thing)
        yield str(thing)
        if isinstance(thing, Mapping):
            yield from (repr(value) for value in thing.values())


def leaks(where: str, strings: Iterable[str], words: Mapping[str, str]) -> tuple[list[str], int]:
    """Return which words are in which strings, and how many strings were searched."""
    found, count = [], 0
    for string in strings:
        count += 1
        found += [
            f"the {name} is in {where}: {string[:200]!r}" for name, word in words.items() if word in string
        ]
    return found, count


PROMPTS: Final = {"prompt": PROMPT[:20]}
REPLIES: Final = {"reply": "canary of the reply"}
