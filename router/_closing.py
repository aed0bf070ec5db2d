"""Closes many streams side by side, so that one slow clean-up does not hold up the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router._stream import ReplyStream


async def close_all(streams: Sequence[ReplyStream]) -> None:
    """Close all streams; each bounds its own closing."""
    async with anyio.create_task_group() as tasks:
        for stream in streams:
            tasks.start_soon(stream.aclose)
