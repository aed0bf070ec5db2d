"""A site that becomes another version while it is used, also an older one."""

from itertools import permutations
from typing import Final, get_args

import anyio
import pytest

from adapters import Opchatgpts
from adapters.simulators.opchatgpts import Generation, OpchatgptsSimulator
from tests.adapters.opchatgpts.talk import SUBMIT, ask, text_of
from tests.virtual_time import anyio_backend_with_sockets as anyio_backend  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(("old", "new"), list(permutations(get_args(Generation), 2))),
]
TOLD: Final = {"1.x": "1.x", "2.x": "2.0.1–2.4.3", "3.x": "2.4.4 or later"}


@pytest.mark.parametrize("bot_id", [None, "default"])
async def test_the_next_handshake_tells(old: Generation, new: Generation, bot_id: str | None):
    """Until its nonce is refused, or one is asked for, every version answers."""
    async with OpchatgptsSimulator(generation=old) as simulator:
        adapter = Opchatgpts(simulator.url, bot_id=bot_id)
        await ask(adapter)
        simulator.generation = new
        assert text_of(await ask(adapter)) == simulator.default_text
        simulator.expire_nonce()
        assert text_of(await ask(adapter)) == simulator.default_text
        found = await adapter.probe()
        await adapter.aclose()

        assert (found.working, found.generation) == (True, TOLD[new])
        sent = [each.header("x-wp-nonce") for each in simulator.requests if each.path == SUBMIT]
        assert sent[-1] == (None if new == "1.x" else simulator.nonce)


async def test_a_probe_does_the_handshake_anew_where_the_last_was_long_ago(old: Generation, new: Generation):
    async with OpchatgptsSimulator(generation=old) as simulator:
        adapter = Opchatgpts(simulator.url)
        await ask(adapter)
        simulator.generation = new
        before = len(simulator.requests)
        soon = await adapter.probe()
        cost = len(simulator.requests) - before
        await anyio.sleep(601)
        later = await adapter.probe()
        deltas = await ask(adapter)
        await adapter.aclose()

        assert (soon.generation, cost, later.generation) == (TOLD[old], 1, TOLD[new])
        assert text_of(deltas) == simulator.default_text
        assert simulator.turns == 2
