"""The generator of an adapter, which may be anybody's code: made, checked and closed without trusting it.

The router, the probe of level `answer` and the conformance checks all read adapters through these functions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator
from os.path import basename
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract import Delta
from adapters.contract.errors import BadReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.contract import Adapter, ChatRequest


_READERS: Final = r"router(\.|$)|adapters\.(generator|answer_probe|conformance|http)"
"""The modules that read adapters: their frames come before the adapter's in a traceback."""


class ClosingTimeout(TimeoutError):
    """Closing a generator took too long and was given up."""


class Misbehaved(TypeError):
    """An adapter breaks its contract. The text is written here, so it may be shown."""


def bad_reply(bug: Exception) -> BadReply:
    """Return the error that stands for a bug in an adapter: for anything it raised but an AdapterError.

    The text of a foreign exception may hold secrets, so it is not repeated; the `__cause__` has it.
    """
    what = str(bug) if isinstance(bug, Misbehaved) else f"it raised {type(bug).__name__}{_origin(bug)}"
    error = BadReply(f"the adapter has a bug: {what}", ambiguous=True)  # this request may have brought it out
    error.__cause__ = bug
    return error


def _origin(bug: Exception) -> str:
    """Return where `bug` was last in the adapter's own module, as ` in stream(), echo.py line 7`."""
    from traceback import walk_tb  # of bugs only

    frames = [
        (frame.f_globals.get("__name__", ""), frame.f_code, line)
        for frame, line in walk_tb(bug.__traceback__)
    ]
    module = next((name for name, _, _ in frames if not re.match(_READERS, name)), None)
    places = [(code, line) for name, code, line in frames if name == module]
    if not places:
        return ""
    code, line = places[-1]
    return f" in {code.co_name}(), {basename(code.co_filename)} line {line}"


def made_by(adapter: Adapter, request: ChatRequest) -> AsyncGenerator[Delta, None]:
    """Return the generator with which `adapter` answers `request`.

    Raises:
        Misbehaved: `stream()` returned something else.
    """
    made: object = adapter.stream(request)
    if type(made) is AsyncGeneratorType or isinstance(made, AsyncGenerator):  # the second is slow to tell
        return made
    if inspect.iscoroutine(made):
        made.close()  # or Python warns that nobody awaited it
    kind = type(made).__name__
    raise Misbehaved(f"stream() returned a {kind} instead of an async generator; is its `yield` missing?")


def checked(delta: object) -> Delta:
    """Return `delta`.

    Raises:
        Misbehaved: It is something else.
    """
    if isinstance(delta, Delta):
        return delta
    raise Misbehaved(f"stream() yielded {type(delta).__name__} instead of Delta")


async def close_generator(
    generator: AsyncGenerator[Delta, None], seconds: float, report: Callable[[Exception], None]
) -> None:
    """Close a generator that rests at a `yield`, shielded from cancellation; a failure is only reported.

    Args:
        generator: The adapter's.
        seconds: The most that closing may take; then it is given up.
        report: Told of what closing raised, or of a `ClosingTimeout`.
    """
    if getattr(generator, "ag_frame", generator) is None:
        return  # it has run to its end
    with anyio.move_on_after(seconds, shield=True) as scope:
        try:
            await generator.aclose()
        except Exception as error:  # noqa: BLE001 - a failing clean-up must not change the outcome
            report(error)
    if scope.cancelled_caught:
        report(ClosingTimeout(f"the clean-up was not done after {seconds:g} s (Timeouts.close)"))
