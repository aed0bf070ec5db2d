"""Which address clients are told."""

from __future__ import annotations

import socket

import pytest

from router.gateway.serving.binding import address_of, asked_at


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000", "http://[::1]:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://10.0.0.0:8000", "http://10.0.0.0:8000"),
    ],
)
def test_an_address_that_stands_for_all_is_none_to_ask(address: str, asked: str) -> None:
    assert asked_at(address) == asked


def test_a_socket_is_told_with_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
