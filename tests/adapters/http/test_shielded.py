"""A step that is finished even when cancelled."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from adapters.http.shielded import run_shielded
from tests.promptly import promptly

pytestmark = pytest.mark.anyio


async def test_the_step_is_run_and_its_error_raised_as_it_is():
    async def step() -> None:
        await anyio.lowlevel.checkpoint()
        raise LookupError("x")

    with pytest.raises(LookupError, match="x"):
        await run_shielded(step, 1.0)


async def test_a_cancelled_step_is_finished_and_then_the_cancellation_follows():
    done: list[str] = []

    async def step() -> None:
        await anyio.sleep(0.02)
        done.append("step")

    with anyio.move_on_after(0.005):
        await run_shielded(step, 5.0)
        await anyio.lowlevel.checkpoint()
        done.append("never")

    assert done == ["step"]


async def test_a_cancelled_step_has_no_longer_than_its_grace():
    with promptly(1), anyio.move_on_after(0.005) as scope:
        await run_shielded(anyio.sleep_forever, 0.03)
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught


async def test_a_step_that_is_not_cancelled_takes_the_time_it_takes():
    await run_shielded(lambda: anyio.sleep(0.02), 0.001)
