"""A simulator ends with the process that started it."""

from __future__ import annotations

import os
from typing import Final

import anyio

_EVERY: Final = 0.5
"""Seconds between two looks; no system tells of a parent's end in the same way as another."""


async def parent_ended() -> None:
    """Return once the process that started this one has ended.

    A process whose parent ends gets another one, so that the id of its parent changes.
    """
    started_by = os.getppid()
    while os.getppid() == started_by:  # noqa: ASYNC110 - the system sets no event
        await anyio.sleep(_EVERY)
