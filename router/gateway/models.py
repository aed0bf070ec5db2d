"""The list of models: `GET /v1/models` and `GET /v1/models/{id}`, in OpenAI's shape.

A name is one that `Names.meaning` understands: `chat-router` for the whole chain, a model's own name or one
of a provider's `models` map, and `provider/model`, which pins the provider. Beyond OpenAI's fields an entry
says what can be asked for under its name:

    providers        those that answer under this name, in the order of the chain
    capabilities     {"tools", "images", "audio", "json_object", "json_schema"}: whether at least one of them
                     takes it; a request that demands it goes there
    context_length   the most tokens that one of them takes, where all say so
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.wire.json import encode
from router.gateway.answer import send_document
from router.gateway.failure import Failure
from router.gateway.names import CHAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Receive, Scope, Send

    from adapters.contract import Adapter, Capabilities
    from router import Router

_CREATED: Final = 0
"""No provider of a chain says when a model was made, and clients want a number."""
_MOST: Final = 10_000
"""Names in the list."""


def models_of(router: Router, allowed: frozenset[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the entries of all models of a chain by name, the chain itself first.

    Args:
        router: Whose chain it is.
        allowed: The names that the caller's key may use; None for all.
    """
    listed = {each.provider: each.models for each in router.health().providers}
    able: dict[str, list[tuple[str, Capabilities]]] = {}
    for adapter in router.adapters:
        name = adapter.name
        _add(able, CHAIN, name, adapter, adapter.model)
        _add(able, f"{name}/", name, adapter, adapter.model)
        for shown, own in _named(adapter, listed.get(name, ())):
            _add(able, shown, name, adapter, own)
            _add(able, f"{name}/{shown}", name, adapter, own)
    names = [name for name in able if allowed is None or name in allowed]
    return {name: _entry(name, able[name]) for name in names[:_MOST]}


def _named(adapter: Adapter, listed: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Return the names under which an adapter's models can be asked for, with the service's own names."""
    served = adapter.capabilities.models or ()
    own = [*([adapter.model] if adapter.model else []), *sorted(served), *listed]
    names = {**{each: adapter.models.get(each, each) for each in own}, **adapter.models}
    return names.items()


def _add(
    able: dict[str, list[tuple[str, Capabilities]]], shown: str, name: str, adapter: Adapter, own: str | None
) -> None:
    able.setdefault(shown, []).append((name, adapter.capabilities.of(own)))


def _entry(name: str, able: list[tuple[str, Capabilities]]) -> dict[str, Any]:
    sizes = [each.context_tokens for _, each in able]
    known = [size for size in sizes if size is not None]
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": able[0][0] if len(able) == 1 else CHAIN,
        "providers": [provider for provider, _ in able],
        "capabilities": {
            "tools": any(each.tools for _, each in able),
            "images": any(each.images for _, each in able),
            "audio": any(each.audio for _, each in able),
            "json_object": any("response_format" in each.options for _, each in able),
            "json_schema": any(each.json_schema and "response_format" in each.options for _, each in able),
        },
        "context_length": max(known) if len(known) == len(sizes) else None,
    }


def model_missing(name: str) -> Failure:
    """Return what a client is told who asks about a model that the chain does not name."""
    return Failure(
        404,
        "invalid_request_error",
        f"the chain has no model {name[:100]!r}; GET /v1/models lists those that it names",
        "model_not_found",
        "model",
        repeats=False,
    )


def error_document(failure: Failure) -> bytes:
    """Return a failure as OpenAI's clients read it."""
    error = {
        "message": failure.message,
        "type": failure.kind,
        "param": failure.param,
        "code": failure.code,
    }
    return encode({"error": error})


class Models:
    """Answers `GET /v1/models` and `GET /v1/models/{id}`, as an ASGI application.

    Args:
        router: Returns the router that is asked now.
    """

    def __init__(self, router: Callable[[], Router]) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.answer(scope, send, None)

    async def answer(self, scope: Scope, send: Send, allowed: frozenset[str] | None) -> None:
        """Answer one request of a caller who may use these names; None for all."""
        entries = models_of(self._router(), allowed)
        name = scope["path_params"].get("name")
        if name is None:
            await send_document(send, 200, encode({"object": "list", "data": list(entries.values())}))
        elif name in entries:
            await send_document(send, 200, encode(entries[name]))
        else:
            failure = model_missing(name)
            await send_document(send, failure.status, error_document(failure), failure.headers)
