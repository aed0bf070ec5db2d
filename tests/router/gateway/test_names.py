"""The names of models that clients may ask for."""

from __future__ import annotations

import pytest

from adapters.scripted import ScriptedAdapter
from router import Router
from router.gateway.failure import Refused
from router.gateway.models import models_of
from router.gateway.names import Names
from tests.router.gateway.calling import Call, answered

OF_THE_CHAIN = ("chat-router", "auto", "default")


@pytest.mark.parametrize("allowed", OF_THE_CHAIN)
def test_all_names_of_the_chain_are_the_same_for_a_limited_key(allowed: str) -> None:
    names = Names(("one",), frozenset({allowed}))

    assert [names.meaning(each) for each in OF_THE_CHAIN] == [(None, None)] * 3
    for other in ("one/", "one/small", "automatic"):
        with pytest.raises(Refused, match=f"it may use {allowed}$"):
            names.meaning(other)


@pytest.mark.anyio
@pytest.mark.parametrize("allowed", OF_THE_CHAIN)
async def test_the_list_of_models_has_the_chain_for_each_of_its_names(allowed: str) -> None:
    async with Router([ScriptedAdapter("one", ["x"])], observers=[]) as router:
        assert [*models_of(router, frozenset({allowed}))] == ["chat-router"]

    got = await answered(Call(path=f"/v1/models/{allowed}", method="GET"), ScriptedAdapter("one"))

    assert got.document()["id"] == "chat-router"


def test_a_key_of_other_names_may_not_ask_the_chain() -> None:
    names = Names(("one",), frozenset({"one/"}))

    assert names.meaning("one/") == (None, ("one",))
    for each in OF_THE_CHAIN:
        with pytest.raises(Refused):
            names.meaning(each)
