"""A key that a function gives: asked when it is needed, kept until the service refuses it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from adapters.contract.credentials import header_of
from adapters.contract.errors import AuthenticationFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.contract.secret import Secret

ASKING: Final = 10.0
"""Seconds that a function has to give a key."""


class AskedKey:
    """A key that a function of the application gives.

    It is asked once, however many requests need the key at the same time, and again when the service refused
    what it gave. A plain function runs in a worker thread, since most read a file or ask another service; an
    `async` one runs in the event loop. A request that is cancelled while it asks lets the next one that waits
    ask in its place.

    Args:
        function: Takes nothing; returns the key as text or `Secret`, or an awaitable of it.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._value: Secret | None = None
        self._asking: _Asking | None = None
        self._renewed = False
        self._serial = 0

    async def value(self) -> tuple[Secret, int]:
        """Return the key, and the number of the answer that it came with.

        Raises:
            AuthenticationFailed: The function raised, took too long, or gave no key.
        """
        while self._value is None:
            if self._asking is None:
                await self._ask()
                continue
            asking = self._asking
            await asking.over.wait()
            if asking.problem is not None:
                raise _without(asking.problem)
        return self._value, self._serial

    def accepted(self, serial: int) -> None:
        """Say that the service took what came with this number."""
        if serial == self._serial:
            self._renewed = False

    def refused(self, serial: int) -> bool:
        """Forget what the service refused; return whether the next answer may be better.

        The answer after a refused one is the last that is worth another attempt.
        """
        if serial != self._serial or self._value is None:
            return True  # another request has told already
        self._value = None
        first, self._renewed = not self._renewed, True
        return first

    def leave_loop(self) -> None:
        """Let go of an asking in an event loop that may be gone."""
        self._asking = None

    async def _ask(self) -> None:
        """Ask the function, for all who wait.

        Raises:
            AuthenticationFailed: It gave no key.
        """
        asking = self._asking = _Asking()
        try:
            problem = await self._asked()
            if problem is not None:
                asking.problem = problem
                raise _without(problem)
        finally:
            if self._asking is asking:
                self._asking = None
            asking.over.set()

    async def _asked(self) -> str | None:
        """Take what the function gives; return what is wrong with it, where something is."""
        name = getattr(self._function, "__qualname__", type(self._function).__qualname__)
        given: Any = None
        try:
            with anyio.move_on_after(ASKING) as scope:
                given = await _called(self._function)
        except KeyUnavailable as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - it is the application's; its text may hold the key
            return f"{name}() raised {type(error).__name__}"
        if scope.cancelled_caught:
            return f"{name}() took longer than {ASKING:g} s"
        try:
            self._value = header_of("authorization", given)
        except TypeError:
            return f"{name}() returned {type(given).__name__}; it must return the key as text"
        except ValueError as error:
            return f"{name}() returned what is no key: {str(error).rpartition(': ')[2]}"
        self._serial += 1
        return None


class KeyUnavailable(Exception):
    """What a source of keys of our own says of its failure. Its text holds no secret, so it is shown."""


class _Asking:
    """One asking, for all who wait for its end.

    Attributes:
        over: Set at its end.
        problem: What is wrong with what the function gave; None too where who asked was cancelled.
    """

    __slots__ = ("over", "problem")

    def __init__(self) -> None:
        self.over = anyio.Event()
        self.problem: str | None = None


async def _called(function: Callable[[], Any]) -> Any:
    """Return what a function gives, of whatever kind it is."""
    called = getattr(type(function), "__call__", None)  # noqa: B004 - an object may have an async `__call__`
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return await function()
    # In a list: trio lets no thread hand over a coroutine.
    (given,) = await anyio.to_thread.run_sync(lambda: [function()], abandon_on_cancel=True)
    if inspect.isawaitable(given):
        awaitable: Awaitable[Any] = given
        return await awaitable
    return given


def _without(problem: str) -> AuthenticationFailed:
    # Ambiguous: a function that fails once says little; three requests in a row take the provider out.
    return AuthenticationFailed(f"there is no key to ask with: {problem}", ambiguous=True)
