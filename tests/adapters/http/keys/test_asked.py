"""A key that a function gives: asked once for all who wait, kept, and asked again when it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters import AuthenticationFailed
from adapters.http.keys.asked import ASKING, AskedKey
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


class Vault:
    """An async function that gives a new key each time, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        await anyio.sleep(self.seconds)
        return f"key-of-the-vault-{self.calls}"


async def value(key: AskedKey) -> str:
    secret, _ = await key.value()
    return secret.reveal()


async def taken_by(number: int, key: AskedKey, leaves_after: float | None = None) -> list[str]:
    """Return what `number` tasks get that want the key at once; another, that leaves, may have begun."""
    got: list[str] = []

    async def take() -> None:
        got.append(await value(key))

    async def leave() -> None:
        with anyio.move_on_after(leaves_after):
            await take()

    async with anyio.create_task_group() as group:
        if leaves_after is not None:
            group.start_soon(leave)
            await anyio.sleep(leaves_after / 5)
        for _ in range(number):
            group.start_soon(take)
    return got


async def test_it_is_asked_once_and_kept() -> None:
    vault = Vault()
    key = AskedKey(vault)

    assert await value(key) == await value(key) == "key-of-the-vault-1"
    assert vault.calls == 1


async def test_those_who_wait_together_ask_once() -> None:
    vault = Vault(1.0)

    assert await taken_by(5, AskedKey(vault)) == ["key-of-the-vault-1"] * 5
    assert vault.calls == 1


async def test_one_who_leaves_while_asking_loses_nobody_else() -> None:
    vault = Vault(1.0)

    assert await taken_by(3, AskedKey(vault), leaves_after=0.5) == ["key-of-the-vault-2"] * 3
    assert vault.calls == 2


async def test_one_who_leaves_while_another_asks_changes_nothing() -> None:
    vault = Vault(1.0)
    key = AskedKey(vault)

    async with anyio.create_task_group() as group:
        group.start_soon(key.value)
        await anyio.sleep(0.1)
        with anyio.move_on_after(0.2):
            await key.value()

    assert await value(key) == "key-of-the-vault-1"
    assert vault.calls == 1


async def test_what_was_refused_is_asked_for_once_more_and_no_oftener() -> None:
    vault = Vault()
    key = AskedKey(vault)

    _, first = await key.value()
    assert key.refused(first)
    _, second = await key.value()
    assert not key.refused(second)
    assert vault.calls == 2


async def test_two_refusals_of_the_same_key_are_one() -> None:
    vault = Vault()
    key = AskedKey(vault)

    _, first = await key.value()
    assert key.refused(first)
    assert key.refused(first)
    _, second = await key.value()
    assert key.refused(first), "an older one says nothing of the newer"
    assert await value(key) == "key-of-the-vault-2"
    key.accepted(second)
    assert key.refused(second)


def raises() -> str:
    raise ConnectionError("hvs.SECRET-4711 is sealed")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raises, "raises() raised ConnectionError"),
        (lambda: 7, "returned int"),
        (lambda: None, "returned NoneType"),
        (lambda: "", "returned what is no key"),
        (lambda: "two\nlines", "returned what is no key"),
        (lambda: "kéy", "returned what is no key"),
    ],
)
async def test_a_function_without_a_key_says_so_and_shows_nothing(
    function: Callable[[], Any], said: str
) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        await AskedKey(as_async(function)).value()

    assert said in str(caught.value)
    assert caught.value.ambiguous
    assert "4711" not in repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


def as_async(function: Callable[[], Any]) -> Callable[[], Any]:
    async def asked() -> Any:
        return function()

    asked.__qualname__ = getattr(function, "__qualname__", "asked")
    return asked


async def test_all_who_wait_get_the_failure_each_its_own() -> None:
    async def broken() -> str:
        await anyio.sleep(1.0)
        raise OSError("gone")

    key = AskedKey(broken)
    errors: list[Exception] = []

    async def take() -> None:
        try:
            await key.value()
        except AuthenticationFailed as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(take)

    assert len({id(error) for error in errors}) == 3


async def test_it_has_ten_seconds() -> None:
    key = AskedKey(Vault(ASKING + 1))
    started = anyio.current_time()

    with pytest.raises(AuthenticationFailed, match="took longer than 10 s"):
        await key.value()

    assert anyio.current_time() - started == pytest.approx(ASKING)
