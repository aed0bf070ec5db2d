"""How long a key is held back, on virtual time."""

from __future__ import annotations

from copy import copy

import anyio
import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    Conditions,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.contract.errors import Scope
from adapters.http.keys import Keys, Lease
from adapters.http.keys.keys import MISSING, MOST, PAUSE, REFUSED
from tests.virtual_time import anyio_backend  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio
TWO = ("key-number-one", "key-number-two")


async def taken(keys: Keys, model: str | None = None) -> str | None:
    """Return which key is lent now."""
    conditions = Conditions(model=model)
    lease = await keys.lease(conditions)
    lease.served()
    return conditions.flow.key


async def failed(keys: Keys, error: AdapterError, model: str | None = None, repeats: int = 0) -> AdapterError:
    lease = await keys.lease(Conditions(model=model, key_repeats=repeats))
    return lease.judged(error)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimited("slow down"), PAUSE),
        (RateLimited("slow down", retry_after=33), 33),
        (RateLimited("slow down", retry_after=1e9), 3600),
        (QuotaExhausted("empty"), REFUSED),
        (QuotaExhausted("empty", retry_after=120), 120),
        (AuthenticationFailed("no"), REFUSED),
        (AuthenticationFailed("no", retry_after=5), REFUSED),
    ],
)
async def test_a_key_comes_back_when_its_time_is_over(error: AdapterError, seconds: float) -> None:
    keys = Keys(TWO)

    found = await failed(keys, copy(error))  # judging changes it

    assert found.other_key
    assert found.scope is Scope.REQUEST
    await anyio.sleep(seconds - 0.1)
    assert [await taken(keys) for _ in range(3)] == ["#2"] * 3
    await anyio.sleep(0.2)
    assert {await taken(keys) for _ in range(2)} == {"#1", "#2"}


async def lent(keys: Keys) -> dict[str | None, Lease]:
    """Return the next two leases, by their keys; nothing is said of how they served."""
    found = {}
    for _ in range(2):
        conditions = Conditions()
        lease = await keys.lease(conditions)
        found[conditions.flow.key] = lease
    return found


async def test_who_is_refused_again_rests_twice_as_long() -> None:
    keys = Keys(TWO)
    for rest in (REFUSED, 2 * REFUSED, 4 * REFUSED, 8 * REFUSED, MOST, MOST):
        (await lent(keys))["#1"].judged(AuthenticationFailed("no"))
        await anyio.sleep(rest - 1)
        assert set(await lent(keys)) == {"#2"}
        await anyio.sleep(2)
        assert set(await lent(keys)) == {"#1", "#2"}


@pytest.mark.parametrize(
    "error",
    [
        ServiceFailed("500"),
        NotWorking("gone"),
        RateLimited("too long for a minute", scope=Scope.REQUEST),
        AuthenticationFailed("a page", status=403, ambiguous=True),
    ],
)
async def test_what_does_not_speak_of_the_key_is_left_alone(error: AdapterError) -> None:
    keys, scope = Keys(TWO), error.scope

    found = await failed(keys, error)

    assert (found, found.other_key, found.scope) == (error, False, scope)
    assert {await taken(keys) for _ in range(2)} == {"#1", "#2"}


async def test_a_limit_of_a_model_is_of_this_model() -> None:
    keys = Keys(TWO)

    await failed(keys, RateLimited("slow down", retry_after=60), "a")

    assert {await taken(keys, "a") for _ in range(2)} == {"#2"}
    assert {await taken(keys, "b") for _ in range(2)} == {"#1", "#2"}


async def test_the_last_failure_speaks_for_all_until_the_first_key_comes_back() -> None:
    keys = Keys(TWO)
    await failed(keys, RateLimited("slow down", retry_after=20, scope=Scope.ACCOUNT))

    found = await failed(keys, AuthenticationFailed("no", status=401))

    assert type(found) is RateLimited
    assert (found.scope, found.other_key) == (Scope.ACCOUNT, False)
    assert found.retry_after == pytest.approx(20)
    with pytest.raises(RateLimited, match="none of the 2 keys may be used now") as caught:
        await keys.lease(Conditions())
    assert caught.value.retry_after == pytest.approx(20)
    await anyio.sleep(20)
    assert await taken(keys) == "#1"


async def test_who_has_repeated_with_every_key_repeats_no_more() -> None:
    keys = Keys(TWO)

    assert not (await failed(keys, RateLimited("slow down"), repeats=4)).other_key


async def test_a_model_that_a_key_may_not_use_is_asked_of_another_and_remembered_for_that_key() -> None:
    keys = Keys(TWO)

    assert (await failed(keys, ModelNotFound("no such model"), "a")).other_key
    assert [await taken(keys, "a") for _ in range(2)] == ["#2", "#2"]
    assert [await taken(keys, "b") for _ in range(2)] == ["#1", "#2"]
    await anyio.sleep(MISSING + 1)
    assert {await taken(keys, "a") for _ in range(2)} == {"#1", "#2"}


async def test_a_model_that_no_key_may_use_is_missing() -> None:
    keys = Keys(TWO)
    first = await failed(keys, ModelNotFound("no such model"), "a")
    last = await failed(keys, ModelNotFound("no such model"), "a", repeats=1)

    assert first.other_key
    assert (last.other_key, last.scope) == (False, Scope.MODEL)
    assert "no key is left: #1 held back" in str(last)


async def test_a_bare_404_holds_nothing_against_a_key() -> None:
    keys = Keys(TWO)

    assert not (await failed(keys, ModelNotFound("?", ambiguous=True), "a")).other_key
    assert await taken(keys, "a") == "#2"
    assert await taken(keys, "a") == "#1"
