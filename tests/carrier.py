"""Runs a test over each transport that we ship: our own, and httpx's, which proxies and mocks need."""

from __future__ import annotations

from typing import Final

import pytest

CARRIERS: Final = ("ours", "httpx")


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sends all requests of the test through the one or the other, and returns which."""
    name: str = request.param
    if name == "httpx":
        monkeypatch.setattr("adapters.http.client.patched", lambda: True)
    return name
