"""The list of models: `GET /v1/models` and `GET /v1/models/{id}`, in OpenAI's shape or in Anthropic's.

A client of Anthropic is known by its header `anthropic-version`, which its API demands.

A name is one that `Names.meaning` understands: `chat-router` for the whole chain, a model's own name or one
of a provider's `models` map, and `provider/model`, which pins the provider. Beyond OpenAI's fields an entry
says what can be asked for under its name:

    providers        those that answer under this name, in the order of the chain
    capabilities     {"tools", "images", "audio", "json_object", "json_schema"}: whether at least one of them
                     takes it; a request that demands it goes there
    context_length   the most tokens that one of them takes, where all say so

In Anthropic's shape (https://platform.claude.com/docs/en/api/models-list) providers and capabilities stand in
`chat_router`: its own `capabilities` are another kind of object. The list has one page, whatever its `limit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.wire.json import encode
from router.gateway.answer import send_document
from router.gateway.failure import Failure, Refused
from router.gateway.front import send_plainly
from router.gateway.names import CHAIN, canonical, may_use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from adapters.contract import Adapter, Capabilities
    from router import Router
    from router.gateway.gateway import Gateway

_CREATED: Final = 0
"""No provider of a chain says when a model was made, and clients want a number."""
_BORN: Final = "1970-01-01T00:00:00Z"
"""What Anthropic's documentation has where the date is not known."""
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
    names = [name for name in able if may_use(allowed, name)]
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


def of_anthropic(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry in Anthropic's shape."""
    return {
        "type": "model",
        "id": entry["id"],
        "display_name": entry["id"],
        "created_at": _BORN,
        "lifecycle": "active",
        "max_input_tokens": entry["context_length"],
        "max_tokens": None,
        "capabilities": None,
        "chat_router": {"providers": entry["providers"], "capabilities": entry["capabilities"]},
    }


def page_of(entries: list[dict[str, Any]], *, anthropic: bool) -> dict[str, Any]:
    """Return the list of all entries.

    Args:
        entries: All of them, in OpenAI's shape.
        anthropic: Whether Anthropic's shape is wanted.
    """
    if not anthropic:
        return {"object": "list", "data": entries}
    data = [of_anthropic(entry) for entry in entries]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"data": data, "has_more": False, "first_id": None, "last_id": None, **ends}


class Models:
    """Answers `GET /v1/models` and `GET /v1/models/{id}`, as an ASGI application.

    Args:
        gateway: Whose router is asked.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a caller; it is told of what its key may use."""
        try:
            caller = self._gateway.admission.caller(scope)
        except Refused as refused:
            await send_plainly(send, refused.failure)
            return
        with self._gateway.routers.lent() as router:
            entries = models_of(router, caller.models)
        anthropic = any(header == b"anthropic-version" for header, _ in scope["headers"])
        name = scope["path_params"].get("name")
        if name is None:
            await send_document(send, 200, encode(page_of([*entries.values()], anthropic=anthropic)))
        elif (entry := entries.get(canonical(name))) is not None:
            await send_document(send, 200, encode(of_anthropic(entry) if anthropic else entry))
        else:
            await send_plainly(send, model_missing(name))
