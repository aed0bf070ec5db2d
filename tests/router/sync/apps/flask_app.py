"""A web application of Flask; gunicorn serves `app`. CHAT_AT says where the model is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Flask, Response

from adapters import OpenAICompatible
from router import SyncRouter

if TYPE_CHECKING:
    from collections.abc import Iterator

app = Flask(__name__)
router = SyncRouter([OpenAICompatible(os.environ["CHAT_AT"], name="chat", model="m")], observers=[])


@app.get("/chat")
def chat() -> Response:
    """Answer as the model does, piece by piece."""

    def pieces() -> Iterator[str]:
        for delta in router.stream([{"role": "user", "content": "Hello"}]):
            yield str(delta)

    return Response(pieces(), mimetype="text/plain")


@app.get("/health")
def health() -> dict[str, str]:
    """Tell how the provider is."""
    return {each.provider: each.state for each in router.health().providers}
