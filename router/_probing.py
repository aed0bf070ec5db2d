"""Probes of many providers side by side, each bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from adapters.contract import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.contract import Adapter, ProbeLevel

AT_ONCE: Final = 16
"""Probes under way at the same time."""


async def probe_all(
    adapters: Sequence[Adapter],
    level: ProbeLevel,
    seconds: float,
    ended: Callable[[Adapter, ProbeResult], None],
) -> None:
    """Probe all adapters side by side.

    Args:
        adapters: Whom to probe.
        level: The rung.
        seconds: For each probe; one that takes longer has found nothing, which counts as not working.
        ended: Told of each result as it comes.
    """
    slots = anyio.Semaphore(AT_ONCE)

    async def one(adapter: Adapter) -> None:
        async with slots:
            ended(adapter, await _bounded(adapter, level, seconds))

    async with anyio.create_task_group() as tasks:
        for adapter in adapters:
            tasks.start_soon(one, adapter)


async def _bounded(adapter: Adapter, level: ProbeLevel, seconds: float) -> ProbeResult:
    with anyio.move_on_after(seconds):
        try:
            found: object = await adapter.probe(level)
            if isinstance(found, ProbeResult):
                return found
            return ProbeResult(None, f"the probe returned {type(found).__name__}, no ProbeResult", level)
        except Exception as error:  # noqa: BLE001 - a bug in one adapter must not end the check of the others
            return ProbeResult(None, f"the probe itself failed: {type(error).__name__}", level)
    return ProbeResult(False, f"no answer to the probe within {seconds:g} s", level, seconds=seconds)
