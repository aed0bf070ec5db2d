"""One gateway serves all tests of a module: most of what they cost is to start it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.router.gateway.clients.running import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with running() as served:
        yield served
