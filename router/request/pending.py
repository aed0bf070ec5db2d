"""A request that is made but not sent: it is sent when it is awaited, or entered with `async with`.

It is a coroutine in every respect but one: `async for` over it, and `async with` where there is nothing to
close, say what to write instead.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from router.errors import RouterError
from router.reply.stream import ReplyStream
from router.reply.transcript import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import CodeType, FrameType, TracebackType

    from router.health.report import HealthReport

T = TypeVar("T")


class _Pending(Coroutine[Any, Any, T], Generic[T]):
    """A coroutine that was not started, handed on step by step.

    Never awaited, it warns as a coroutine does, since the coroutine that it holds does.

    Args:
        coroutine: What runs when it is awaited.
        name: The method that returned it, for the warning.
    """

    __slots__ = ("__qualname__", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], name: str) -> None:
        self.__qualname__ = name
        self._coroutine = coroutine
        # Python takes the name from there for its warning; the type knows only of native coroutines.
        setattr(coroutine, "__qualname__", name)  # noqa: B010 - as above

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Run on to the next suspension; for the event loop."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it is suspended; for the event loop."""
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """End it; not sent yet, it never is."""
        self._coroutine.close()

    @property
    def __name__(self) -> str:
        return self.__qualname__.rpartition(".")[2]

    @property
    def cr_frame(self) -> FrameType | None:
        """The frame of the coroutine; for event loops and debuggers."""
        return self._coroutine.cr_frame  # type: ignore[attr-defined, no-any-return] # a native coroutine has it

    @property
    def cr_code(self) -> CodeType:
        """The code of the coroutine; for event loops and debuggers."""
        return self._coroutine.cr_code  # type: ignore[attr-defined, no-any-return] # as above

    @property
    def cr_running(self) -> bool:
        """Whether it runs now; for event loops and debuggers."""
        return self._coroutine.cr_running  # type: ignore[attr-defined, no-any-return] # as above

    @property
    def cr_await(self) -> Any:
        """What it waits for; for event loops and debuggers."""
        return self._coroutine.cr_await  # type: ignore[attr-defined] # as above

    def __repr__(self) -> str:
        return f"<{self.__qualname__}(…), to be awaited>"

    if not TYPE_CHECKING:  # a type checker refuses these by itself
        _result: type
        _as = "reply = await router.{}(messages)"

        def __getattr__(self, name: str) -> NoReturn:
            if not name.startswith("_") and (
                hasattr(self._result, name) or name in getattr(self._result, "__dataclass_fields__", ())
            ):
                self.close()
                written = self._as.format(self.__name__)
                raise AttributeError(
                    f"{self.__qualname__}() has to be awaited first; write `{written}`, "
                    f"then `{written.partition(' ')[0]}.{name}`"
                )
            raise AttributeError(f"what {self.__qualname__}() returns has no attribute {name!r}")

        def __enter__(self) -> NoReturn:
            self.close()
            raise TypeError(
                "this is asynchronous; write `async with router.stream(messages) as reply:`, "
                "or `reply = await router.complete(messages)`"
            )

        def __exit__(self, *_: object) -> None:
            return


class PendingStream(_Pending[ReplyStream], AbstractAsyncContextManager[ReplyStream]):
    """What `Router.stream()` returns: await it for the `ReplyStream`, or enter it for one that closes itself.

        reply = await router.stream(messages)
        async with router.stream(messages) as reply:

    Like a coroutine it runs once, is taken by `asyncio.create_task` and `gather`, and warns where it is never
    awaited. Wrong arguments raise when it is awaited, before any provider is asked.
    """

    __slots__ = ("_stream",)
    _result = ReplyStream

    async def __aenter__(self) -> ReplyStream:
        self._stream = await self
        return self._stream

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.aclose()

    if not TYPE_CHECKING:  # a type checker refuses `async for` by itself

        def __aiter__(self) -> NoReturn:
            self._refuse()

        def __iter__(self) -> NoReturn:
            self._refuse()

        def _refuse(self) -> NoReturn:
            self.close()
            raise TypeError(
                "Router.stream() has to be entered before it is iterated; write "
                "`async with router.stream(messages) as reply:` and in it `async for delta in reply:`"
            )


class PendingReply(_Pending[Reply]):
    """What `Router.complete()` returns: await it for the whole `Reply`. Like a coroutine it runs once."""

    __slots__ = ()
    _result = Reply

    if not TYPE_CHECKING:  # a type checker refuses these by itself

        def __aiter__(self) -> NoReturn:
            self.close()
            raise TypeError(
                "Router.complete() returns the whole reply; write `reply = await router.complete(messages)`, "
                "or for deltas `async with router.stream(messages) as reply:` and `async for delta in reply:`"
            )

        async def __aenter__(self) -> NoReturn:
            self.close()
            raise TypeError(
                "Router.complete() returns a reply that needs no closing; write "
                "`reply = await router.complete(messages)`, or `async with router.stream(messages) as reply:`"
            )

        async def __aexit__(self, *_: object) -> None:
            return


if TYPE_CHECKING:
    _OfReport = _Pending[HealthReport]
else:  # the report is loaded when it is asked for
    _OfReport = _Pending


class PendingReport(_OfReport):
    """What `Router.check()` returns: await it for the `HealthReport`. Like a coroutine it runs once."""

    __slots__ = ()
    _as = "report = await router.{}()"

    if not TYPE_CHECKING:

        @property
        def _result(self) -> type:
            from router.health.report import (
                HealthReport,
            )  # a program that asks for no report does not load it

            return HealthReport


class PendingRouter(_Pending[T], AbstractAsyncContextManager[T]):
    """What `Router.from_env()` returns: await it for the router, or enter it for one that closes itself.

    async with Router.from_env() as router:
    router = await Router.from_env()
    """

    __slots__ = ("_result", "_router")
    _as = "router = await Router.{}()"

    def __init__(self, coroutine: Coroutine[Any, Any, T], name: str, result: type) -> None:
        super().__init__(coroutine, name)
        self._result = result
        self._router: Any = None

    async def __aenter__(self) -> T:
        self._router = await self
        entered: T = await self._router.__aenter__()
        return entered

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._router.__aexit__(kind, error, trace)


async def lightly(call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Return what a call returns; its error leaves here without the frames below, which hold the messages."""
    opening = call(*arguments)
    del call, arguments
    try:
        return await opening
    except RouterError as error:
        failure = error
    try:
        raise failure.with_traceback(None) from failure.__cause__
    finally:
        del failure  # or the frame and the error would keep each other alive
