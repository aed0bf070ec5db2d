"""Every way that matters to cut bytes: whole, byte by byte, at each point, with empty chunks between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator


def every_split(data: bytes) -> Iterator[list[bytes]]:
    yield [data]
    yield [data[n : n + 1] for n in range(len(data))]
    yield [part for n in range(len(data)) for part in (b"", data[n : n + 1])]
    for n in range(1, len(data)):
        yield [data[:n], data[n:]]


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    points = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *points], [*points, len(data)], strict=True)]
