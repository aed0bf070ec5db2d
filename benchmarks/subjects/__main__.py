"""One subject in a process of its own; the names are below."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import anyio

from benchmarks.subjects.session import serve

if TYPE_CHECKING:
    from benchmarks.subjects.session import Subject

SUBJECTS: Final = {
    "httpx": "bare:RawHttpx",
    "aiohttp": "bare:RawAiohttp",
    "httpx-aiohttp": "bare:HttpxOverAiohttp",
    "limit": "bare:Limit",
    "ours": "ours:Ours",
    "ours-httpx": "ours:OursOverHttpx",
    "openai": "peers:OpenAISDK",
    "litellm": "peers:LiteLLM",
    "pydantic-ai": "peers:PydanticAI",
    "langchain": "peers:LangChain",
    "g4f": "peers:G4F",
}


def subject(name: str) -> Subject:
    """Return a subject by its short name; only its own module is imported, so that peers need no others."""
    from importlib import import_module

    module, _, kind = SUBJECTS[name].partition(":")
    made: Subject = getattr(import_module(f"benchmarks.subjects.{module}"), kind)()
    return made


def main() -> None:
    """Serve one subject on the named backend, asyncio by default."""
    name, backend = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "asyncio"
    anyio.run(serve, subject(name), backend=backend)


if __name__ == "__main__":
    main()
