"""A plain function gives its key from a worker thread, in real time."""

from __future__ import annotations

import threading

import pytest

from adapters import Secret
from adapters.http.keys.asked import AskedKey

pytestmark = pytest.mark.anyio


async def test_a_plain_function_runs_in_a_worker_thread() -> None:
    threads = []

    def read() -> Secret:
        threads.append(threading.current_thread())
        return Secret("from-a-thread")

    secret, _ = await AskedKey(read).value()

    assert secret.reveal() == "from-a-thread"
    assert threads[0] is not threading.main_thread()


async def test_a_plain_function_may_return_an_awaitable() -> None:
    async def later() -> str:
        return "later-key"

    secret, _ = await AskedKey(lambda: later()).value()

    assert secret.reveal() == "later-key"
