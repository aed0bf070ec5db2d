"""A gateway for the tests of its page: a chain of scripted providers, and an admission with one key."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx
from starlette.applications import Starlette

from adapters.contract.errors import ServiceFailed
from adapters.scripted import ScriptedAdapter
from router import Router
from router.gateway.page import Watch, page_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Scope

    from router.history import History

KEY: Final = "the-key-of-the-operators"
SHOWN: Final = {"authorization": f"Bearer {KEY}"}
PROMPT: Final = "the prompt that nobody may see"


class OneKey:
    """Knows one key by heart; whoever has none may look, unless it is closed."""

    def __init__(self) -> None:
        self.is_open = True
        self.has_admin = True

    def admin(self, scope: Scope) -> bool:
        return (b"authorization", SHOWN["authorization"].encode()) in scope["headers"]

    def may_look(self, scope: Scope) -> bool:
        return self.is_open or self.admin(scope)


class Settings:
    """The switches."""

    def __init__(self) -> None:
        self.page = True
        self.metrics = True


class TestGateway:
    """A gateway as far as its page needs one."""

    __test__ = False

    def __init__(self, router: Router) -> None:
        self.router = router
        self.settings = Settings()
        self.admission = OneKey()
        self.draining = False
        self.watch = Watch(router)
        self.app = Starlette(routes=page_routes(self))

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway")


def chain(history: History | None = None) -> Router:
    """Return a router whose first provider works, and whose second one fails with words of its own."""
    providers = [
        ScriptedAdapter("first", ["Hel", "lo"]),
        ScriptedAdapter("second", [ServiceFailed("second: http://user:pass@inside.example said: sorry")]),
    ]
    return Router(providers, observers=[], history=history)


@asynccontextmanager
async def gateway(history: History | None = None) -> AsyncIterator[TestGateway]:
    """Return a gateway over `chain()`."""
    async with chain(history) as router:
        yield TestGateway(router)


async def ask(router: Router, *providers: str) -> None:
    """Put a request to the chain, and read its reply."""
    await router.complete([{"role": "user", "content": PROMPT}], providers=providers or None)
