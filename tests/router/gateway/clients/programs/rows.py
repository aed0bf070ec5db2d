"""The rows of a table: what the documentation of the official openai client promises, each with its proof.

They need the `openai` package alone, of any version since 1.57.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai

from tests.router.gateway.clients.programs.asynchronous import client as awaited

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[str, Row] = {}
KIND: list[str] = []
"""Of the clients that are tried now: sync or async."""
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


@dataclass(frozen=True)
class Row:
    """A behaviour, and its proof.

    Attributes:
        proof: Asks a gateway at an address, and asserts.
        name: Of the proof, as the table has it.
    """

    proof: Callable[[str], None]
    name: str

    def tried(self, url: str, kind: str) -> None:
        """Run the proof with the clients of one kind.

        Args:
            url: Of the gateway.
            kind: `sync` or `async`.
        """
        KIND.append(kind)
        try:
            self.proof(url)
        finally:
            KIND.pop()
            while MADE:
                MADE.pop().close()


def row(behaviour: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Keep a function as the proof of a behaviour."""

    def keep(function: Callable[[str], None]) -> Callable[[str], None]:
        module = function.__module__.rpartition(".")[2]
        ROWS[behaviour] = Row(function, f"{module}.{function.__name__}")
        return function

    return keep


def client(url: str, **settings: Any) -> Any:
    """Return a client of the kind that is tried, without retries of its own."""
    given = {"api_key": "anything", "max_retries": 0, **settings}
    made = openai.OpenAI(base_url=url, **given) if KIND[-1:] != ["async"] else awaited(url, **given)
    MADE.append(made)
    return made


def completions(url: str) -> Any:
    """Return where `parse` and `stream` are: they were in `beta` first."""
    made = client(url)
    return made.chat.completions if hasattr(made.chat.completions, "parse") else made.beta.chat.completions


def raised(kind: type[Exception], ask: Callable[[], object], *, strictly: bool = True) -> Any:
    """Return the error of this kind that a request, or its stream, ends with; strictly: of no subclass."""
    try:
        ask()
    except kind as error:
        if type(error) is kind or not strictly:
            return error
        raise
    raise AssertionError(f"no {kind.__name__} was raised")


def refusal(kind: type[Exception], url: str, *, strictly: bool = True, **arguments: Any) -> Any:
    """Return the error that a request for a completion ends with."""
    ask = client(url).chat.completions.create
    return raised(kind, lambda: ask(**{"messages": HELLO, **arguments}), strictly=strictly)
