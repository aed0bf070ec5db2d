"""What a key may use holds for all gateways of a namespace together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters.scripted import ScriptedAdapter
from router import Router
from router.gateway.admission import Admission, Caller
from router.gateway.admission.shared import SharedAllowance
from router.gateway.failure import Refused
from router.gateway.settings import ClientKey, GatewaySettings
from router.replicas import Replicas
from tests.router.replicas.servers import Server, server

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["server"]
KEY = ClientKey("alpha", "key-of-alpha", requests_per_minute=5)
SETTINGS = GatewaySettings(keys=[KEY])


async def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        await anyio.sleep(0.01)


def ask(admission: Admission, key: ClientKey = KEY) -> None:
    with admission.admit(Caller(key.name, None, key)):
        pass


def refusal(admission: Admission, key: ClientKey = KEY) -> str:
    try:
        ask(admission, key)
    except Refused as refused:
        return refused.failure.message
    return ""


@pytest.mark.anyio
async def test_two_gateways_allow_a_key_no_more_than_one(server: Server) -> None:
    def router() -> Router:
        adapter = ScriptedAdapter("first", "text")
        return Router([adapter], observers=[], replicas=Replicas(server.url, "test"))

    async with router() as one, router() as other:
        gateways = [Admission(SETTINGS, sharing=each.sharing) for each in (one, other)]
        sharing: list[Any] = [one.sharing, other.sharing]
        await until(lambda: (one.health(), other.health()) and not any(s.store.away for s in sharing))
        for _ in range(3):
            ask(gateways[0])
        await until(lambda: any(each.used(0) == 3 for each in sharing[0].writing.limits))
        ask(gateways[1])
        await until(lambda: any(each.used(0) == 4 for each in sharing[1].writing.limits))
        ask(gateways[1])

        assert "its 5 requests a minute, at all gateways together; ask again in" in refusal(gateways[1])
        await until(lambda: "ask again in 6" in refusal(gateways[1]))  # as the store says
        await until(lambda: any(each.used(0) == 5 for each in sharing[0].writing.limits))
        assert "its 5 requests a minute" in refusal(gateways[0])

        gateways[0].change(SETTINGS, priced=True, sharing=one.sharing)
        assert "its 5 requests a minute" in refusal(gateways[0])
        larger = ClientKey("alpha", "key-of-alpha", requests_per_minute=7)
        gateways[1].change(GatewaySettings(keys=[larger]), priced=True, sharing=other.sharing)
        ask(gateways[1], larger)


class Sum:
    """A tally of a test."""

    def __init__(self, limit: float) -> None:
        self.limit, self.sum = limit, 0.0

    def add(self, amount: float) -> None:
        self.sum += amount

    def restore(self, amount: float) -> None:
        self.sum += amount

    def wait(self) -> float:
        return 9.0 if self.sum >= self.limit else 0.0

    def together(self) -> float | None:
        return self.sum


def test_each_limit_of_a_key_has_its_sum() -> None:
    key = ClientKey("a", "key-of-a", (), None, 3, 100, 4, 200, 0.5)
    made: dict[str, Sum] = {}

    def tally(name: str, own: Any) -> Sum:
        return made.setdefault(name, Sum(own.limit))

    shared = SharedAllowance(key, tally, lambda: 0.0)
    shared.asked()
    shared.spent(150, 0.25)

    assert {
        "requests_per_minute of the key a": 1,
        "requests_per_day of the key a": 1,
        "tokens_per_minute of the key a": 150,
        "tokens_per_day of the key a": 150,
        "cost_per_day of the key a": 0.25,
    } == {name: each.sum for name, each in made.items()}
    assert {"tokens_per_minute": 9.0} == shared.waits()
