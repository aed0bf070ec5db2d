"""A web application of Flask, served with several threads, with one blocking router for all of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from adapters import ScriptedAdapter
from adapters.scripted import Forever, Step
from router import SyncRouter
from tests.router.sync.programs import ASK, SOME_BACKENDS, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.sync.loop_thread import Backend


@pytest.mark.parametrize("backend", SOME_BACKENDS)
def test_flask_streams_from_several_threads(backend: Backend) -> None:
    app = Flask(__name__)
    quick = ScriptedAdapter("quick", ["Hel", 0.01, "lo"])
    flood: list[Step] = ["a" * 65536, 0.01] * 80
    endless = ScriptedAdapter("endless", [*flood, Forever])
    router = SyncRouter([quick, endless], backend=backend, observers=[])

    @app.get("/<name>")
    def chat(name: str) -> Response:
        def deltas() -> Iterator[str]:
            for delta in router.stream(ASK, providers=[name]):
                yield str(delta)

        return Response(deltas(), mimetype="text/plain")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    where = f"http://127.0.0.1:{server.server_port}"

    def get(_: int) -> bytes:
        with urlopen(f"{where}/quick") as answer:
            body: bytes = answer.read()
            return body

    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(get, range(24))) == [b"Hello"] * 24
        with urlopen(f"{where}/endless") as answer:
            assert answer.read(10) == b"a" * 10
        until(lambda: endless.closed == 1)  # the browser has left
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
        router.close()
    assert quick.opened == quick.closed == 24
