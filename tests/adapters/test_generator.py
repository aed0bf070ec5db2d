"""Generators of adapters: what is wrong with one is told as a bug of the adapter, and where it lies."""

from collections.abc import AsyncGenerator

import anyio
import pytest

from adapters import Adapter, ChatRequest, Delta
from adapters.generator import ClosingTimeout, Misbehaved, bad_reply, checked, close_generator, made_by
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio

REQUEST = ChatRequest.build([{"role": "user", "content": "Hello"}])


class Careless(Adapter):
    async def stream(self, request):
        yield Delta(text=self.models["word"])


async def test_a_bug_is_told_with_the_line_of_the_adapters_module():
    with pytest.raises(KeyError) as raised:
        await anext(made_by(Careless(), REQUEST))
    line = Careless.stream.__code__.co_firstlineno + 1
    error = bad_reply(raised.value)

    # The test itself stands in the same module, and its frame is further out.
    assert (
        str(error) == f"the adapter has a bug: it raised KeyError in stream(), test_generator.py line {line}"
    )
    assert error.__cause__ is raised.value


def test_a_bug_without_a_traceback_is_told_without_a_line():
    assert str(bad_reply(KeyError("secret"))) == "the adapter has a bug: it raised KeyError"


def test_what_is_no_generator_is_refused():
    class Forgetful(Adapter):
        async def stream(self, request):  # type: ignore[override] # the mistake: no `yield`
            return None

    with pytest.raises(Misbehaved, match="returned a coroutine instead of an async generator"):
        made_by(Forgetful(), REQUEST)


def test_what_is_no_delta_is_refused():
    assert checked(delta := Delta(text="a")) is delta
    with pytest.raises(Misbehaved, match="yielded str instead of Delta"):
        checked("a")


async def test_closing_that_hangs_is_given_up_and_reported():
    async def hanging() -> AsyncGenerator[Delta, None]:
        try:
            yield Delta(text="a")
        finally:
            await anyio.sleep_forever()

    failures: list[Exception] = []
    generator = hanging()
    await anext(generator)
    await close_generator(generator, 3, failures.append)

    assert [ClosingTimeout] == [type(failure) for failure in failures]


async def test_closing_that_raises_is_reported_and_raises_nothing():
    async def failing() -> AsyncGenerator[Delta, None]:
        try:
            yield Delta(text="a")
        finally:
            raise OSError("gone")

    failures: list[Exception] = []
    generator = failing()
    await anext(generator)
    await close_generator(generator, 3, failures.append)

    assert [OSError] == [type(failure) for failure in failures]
