"""What kind of server gave an answer that the adapter did not expect. A guess, for messages only. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.contract.errors import BadReply
from adapters.wire.json import decode

if TYPE_CHECKING:
    from adapters.http.answer import WholeAnswer

_HEADERS: Final = (
    ("x-sveltekit-page", "", "a SvelteKit site, as chat-ui is one"),
    ("x-powered-by", "next.js", "a Next.js site, as openchat-ui and chatbot-ui are"),
    ("link", "api.w.org", "a WordPress site"),
)
"""Header, what its value holds in lower case, what it shows."""
_BODIES: Final = (
    (b"wp-content", "a WordPress site"),
    (b"_next/static", "a Next.js site, as openchat-ui and chatbot-ui are"),
    (b"_app/immutable", "a SvelteKit site, as chat-ui is one"),
    (b"404 page not found", "a server written in Go, as Ollama and LocalAI are"),
)


def software_of(answer: WholeAnswer) -> str:
    """Return what the server is that gave `answer`, with its article, or "" where nothing tells."""
    for name, value, kind in _HEADERS:
        sent = answer.header(name)
        if sent is not None and value in sent.lower():
            return kind
    for mark, kind in _BODIES:
        if mark in answer.body:
            return kind
    try:
        said = decode(answer.body)
    except BadReply:
        said = None
    if isinstance(said, dict):
        error = said.get("error")
        if said.get("type") == "error" and isinstance(error, dict):
            return "Anthropic's Messages API"
        if isinstance(error, dict) and "message" in error and "type" in error:
            return "an OpenAI-compatible API"
        if said == {"detail": "Not Found"}:
            return "a FastAPI server, as vLLM and many others are"
    server = answer.header("server")
    return f"a server called {server}" if server else ""
