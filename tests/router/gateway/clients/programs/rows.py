"""The rows of a table: what the documentation of the official openai client promises, each with its proof.

They need the `openai` package alone, of any version since 1.57.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[str, Callable[[str], None]] = {}
MADE: list[Any] = []
HELLO: Any = [{"role": "user", "content": "hello"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def row(behaviour: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Keep a function as the proof of a behaviour."""

    def keep(function: Callable[[str], None]) -> Callable[[str], None]:
        def tried(url: str) -> None:
            try:
                function(url)
            finally:
                while MADE:
                    MADE.pop().close()

        ROWS[behaviour] = tried
        return function

    return keep


def client(url: str, **settings: Any) -> Any:
    """Return a client without retries of its own."""
    MADE.append(openai.OpenAI(base_url=url, api_key="anything", **{"max_retries": 0, **settings}))
    return MADE[-1]


def completions(url: str) -> Any:
    """Return where `parse` and `stream` are: they were in `beta` first."""
    made = client(url)
    return made.chat.completions if hasattr(made.chat.completions, "parse") else made.beta.chat.completions


def raised(kind: type[Exception], ask: Callable[[], object]) -> Any:
    """Return the error of exactly this kind that a request, or its stream, ends with."""
    try:
        ask()
    except kind as error:
        if type(error) is kind:
            return error
        raise
    raise AssertionError(f"no {kind.__name__} was raised")


def refusal(kind: type[Exception], url: str, **arguments: Any) -> Any:
    """Return the error that a request for a completion ends with."""
    return raised(kind, lambda: client(url).chat.completions.create(**{"messages": HELLO, **arguments}))
