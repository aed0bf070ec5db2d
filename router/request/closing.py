"""Closes many things side by side, so that one slow clean-up does not hold up the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from router.events import CleanUpFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.contract import Adapter
    from router.events import Event
    from router.reply.stream import ReplyStream


async def close_streams(streams: Sequence[ReplyStream]) -> None:
    """Close all streams; each bounds its own closing."""
    async with anyio.create_task_group() as tasks:
        for stream in streams:
            tasks.start_soon(stream.aclose)


async def close_adapters(
    adapters: Sequence[Adapter], seconds: float, notify: Callable[[Event], None]
) -> None:
    """Close all adapters: shielded, each bounded, its failure only reported."""

    async def close(adapter: Adapter) -> None:
        with anyio.move_on_after(seconds, shield=True) as scope:
            try:
                await adapter.aclose()
            except Exception as error:  # noqa: BLE001 - a failing clean-up must not hinder the others
                notify(CleanUpFailed(None, adapter.name, error))
        if scope.cancelled_caught:
            text = f"the adapter was not closed after {seconds:g} s (Timeouts.close)"
            notify(CleanUpFailed(None, adapter.name, TimeoutError(text)))

    async with anyio.create_task_group() as tasks:
        for adapter in adapters:
            tasks.start_soon(close, adapter)
