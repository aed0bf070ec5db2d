"""What each extra promises, as a program that works with it and says what to install without it."""

from __future__ import annotations

from typing import Final

EXTRAS: Final = {
    "browser": """
import selenium.webdriver
from adapters import Aura
try:
    Aura("http://127.0.0.1:9", webdriver=object())
except TypeError:
    pass  # the package is there, and this is no WebDriver
""",
    "gateway": """
from adapters import ScriptedAdapter
from router import Router
from router.gateway import GatewaySettings, app
import uvicorn
app(Router([ScriptedAdapter("words")]), GatewaySettings())
""",
    "http2": """
from adapters import OpenAICompatible
OpenAICompatible("https://127.0.0.1:9/v1", http2=True)
""",
    "otel": """
from router.observers import OpenTelemetryObserver
OpenTelemetryObserver()
""",
    "prices": """
from router import Prices
Prices(bundled=True)
""",
    "prometheus": """
from adapters import ScriptedAdapter
from router import SyncRouter
from router.observers import PrometheusObserver
from router.report import as_prometheus
with SyncRouter([ScriptedAdapter("one")], observers=[PrometheusObserver()]) as router:
    as_prometheus(router.health())
""",
    "replicas": """
from adapters import ScriptedAdapter
from router import Router
from router.replicas import Replicas
Router([ScriptedAdapter("one")], replicas=Replicas("redis://127.0.0.1:9/0"))
""",
    "socks": """
from adapters import OpenAICompatible
OpenAICompatible("https://127.0.0.1:9/v1", proxy="socks5://127.0.0.1:9")
""",
}
"""Extra -> a program. `cli` is the command itself; `docs` and `dev` are for who changes the project."""

OF_THE_APPLICATION: Final = frozenset(("browser",))
"""Those whose package the application imports itself: without it, its own import fails."""

ALONE: Final = """
import anyio
from adapters import Delta, OpenAICompatible, ScriptedAdapter
from adapters.simulators import load
from router import Router, SyncRouter
from router.config import schema
from router.report import as_html, schema as of_reports

HELLO = [{"role": "user", "content": "Hello"}]

async def main():
    async with load("openai")(text="It works.") as simulator:
        async with Router([OpenAICompatible(simulator.url + "/v1", model="m")]) as router:
            print((await router.complete(HELLO)).text)
            assert "It works" not in as_html(router.health())

anyio.run(main)
with SyncRouter([ScriptedAdapter("one", ["Without async."])]) as router:
    print(router.complete(HELLO).text)
assert schema()["definitions"] and of_reports()
"""
"""What the library does alone."""
