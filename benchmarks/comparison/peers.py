"""Each library as its documentation shows it: a chain of OpenAI-compatible addresses, the first one first.

Defaults, but for the patience: where a scenario needs a clock, each library gets one second by its own
setting for that. A library is imported where it is used: each has an environment of its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROMPT: Final = "Count, please."
MESSAGES: Final[list[Any]] = [{"role": "user", "content": PROMPT}]
TOOLS: Final[list[Any]] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


class Peer(Protocol):
    """A library with a chain of providers."""

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the chain.

        Args:
            addresses: Base URLs, the first choice first.
            patience: Seconds without content that a reply may take; None: the library's default.
            takes_over: Whether another provider may go on with a reply that broke off, where the library can
                be told so.
        """

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell each piece of the text as it comes."""

    async def call(self) -> tuple[str, str]:
        """Ask with a tool; return the name and the arguments of the call that the model makes."""

    async def close(self) -> None:
        """Close the chain."""


class Ours:
    """This project's `Router`."""

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the router."""
        from adapters import OpenAICompatible
        from router import Router, Timeouts

        timeouts = Timeouts() if patience is None else Timeouts(first_content=patience, stall=patience)
        self._router = Router(
            [
                OpenAICompatible(address, name=f"p{number}", model="m")
                for number, address in enumerate(addresses)
            ],
            timeouts=timeouts,
            on_interruption="continue" if takes_over else "raise",
        )

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell the text."""
        async with self._router.stream(MESSAGES) as reply:
            async for delta in reply:
                if delta.text:
                    tell(delta.text)

    async def call(self) -> tuple[str, str]:
        """Ask with a tool."""
        reply = await self._router.complete(MESSAGES, tools=TOOLS)
        (call,) = reply.tool_calls
        return call.name or "", call.arguments

    async def close(self) -> None:
        """Close the router."""
        await self._router.aclose()


class LiteLLM:
    """LiteLLM's Router with a group of models for each provider, and fallbacks from one to the next."""

    _first = "p0"

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the router."""
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        import litellm

        models = [self._deployment(number, address, takes_over) for number, address in enumerate(addresses)]
        clocks: dict[str, Any] = {} if patience is None else {"timeout": patience, "stream_timeout": patience}
        self._router = litellm.Router(
            model_list=models,
            fallbacks=self._fallbacks(len(addresses)),
            enable_mid_stream_fallback_continuation=takes_over,
            **clocks,
        )

    def _deployment(self, number: int, address: str, prefills: bool) -> dict[str, Any]:
        return {
            "model_name": f"p{number}",
            "litellm_params": {"model": "openai/m", "api_base": address, "api_key": "none"},
            "model_info": {"supports_assistant_prefill": prefills},
        }

    def _fallbacks(self, providers: int) -> list[Any]:
        return [{"p0": [f"p{number}" for number in range(1, providers)]}] if providers > 1 else []

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell the text."""
        chunks: Any = await self._router.acompletion(model=self._first, messages=MESSAGES, stream=True)
        async for chunk in chunks:
            content = chunk.choices[0].delta.content
            if content:
                tell(content)

    async def call(self) -> tuple[str, str]:
        """Ask with a tool."""
        chunks: Any = await self._router.acompletion(
            model=self._first, messages=MESSAGES, tools=TOOLS, stream=True
        )
        name, arguments = "", ""
        async for chunk in chunks:
            for part in chunk.choices[0].delta.tool_calls or ():
                name += part.function.name or ""
                arguments += part.function.arguments or ""
        return name, arguments

    async def close(self) -> None:
        """Nothing is closed: the process ends."""


class LiteLLMGroup(LiteLLM):
    """LiteLLM's Router with all providers in one group of models, in a given order."""

    _first = "m"

    def _deployment(self, number: int, address: str, prefills: bool) -> dict[str, Any]:
        made = super()._deployment(number, address, prefills)
        made["model_name"] = "m"
        made["litellm_params"]["order"] = number + 1
        return made

    def _fallbacks(self, providers: int) -> list[Any]:
        return []


class LangChain:
    """LangChain's chat model with fallbacks."""

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the models."""
        from langchain_openai import ChatOpenAI

        clocks: dict[str, Any] = (
            {} if patience is None else {"timeout": patience, "stream_chunk_timeout": patience}
        )
        self._models: list[Any] = [
            ChatOpenAI(model="m", base_url=address, api_key="none", **clocks) for address in addresses
        ]

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell the text."""
        first, *others = self._models
        model = first.with_fallbacks(others) if others else first
        async for chunk in model.astream(PROMPT):
            if chunk.content:
                tell(chunk.content)

    async def call(self) -> tuple[str, str]:
        """Ask with a tool."""
        import json

        first, *others = [model.bind_tools(TOOLS) for model in self._models]
        whole: Any = None
        async for chunk in first.with_fallbacks(others).astream(PROMPT):
            whole = chunk if whole is None else whole + chunk
        (call,) = whole.tool_calls
        return call["name"], json.dumps(call["args"])

    async def close(self) -> None:
        """Nothing is closed: the process ends."""


class PydanticAI:
    """Pydantic AI's agent with a FallbackModel."""

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the model."""
        from pydantic_ai.models.fallback import FallbackModel
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
        from pydantic_ai.settings import ModelSettings

        settings = None if patience is None else ModelSettings(timeout=patience)
        models = [
            OpenAIChatModel("m", provider=OpenAIProvider(base_url=address, api_key="none"), settings=settings)
            for address in addresses
        ]
        self._model: Any = FallbackModel(*models) if len(models) > 1 else models[0]

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell the text."""
        from pydantic_ai import Agent

        async with Agent(self._model).run_stream(PROMPT) as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                tell(text)

    async def call(self) -> tuple[str, str]:
        """Ask with a tool that ends the run."""
        from pydantic_ai import Agent

        said: list[str] = []

        def weather(city: str) -> str:
            """Tell the weather in a city."""
            said.append(city)
            raise _Called

        try:
            await Agent(self._model, tools=[weather]).run(PROMPT)
        except _Called:
            return "weather", f'{{"city": "{said[0]}"}}'
        return "", ""

    async def close(self) -> None:
        """Nothing is closed: the process ends."""


class _Called(Exception):
    """The model called the tool."""


class G4F:
    """g4f's client with a list of providers."""

    async def open(self, addresses: Sequence[str], patience: float | None, *, takes_over: bool) -> None:
        """Make the client."""
        from g4f.client import AsyncClient, create_custom_provider
        from g4f.providers.retry_provider import IterListProvider, ProviderCircuitBreaker

        ProviderCircuitBreaker.reset()  # it belongs to the process, and each scenario begins anew
        providers = [
            create_custom_provider(
                address, api_key="none", name=f"P{number}", default_model="m", models=["m"]
            )
            for number, address in enumerate(addresses)
        ]
        self._further: dict[str, Any] = (
            {} if patience is None else {"timeout": patience, "stream_timeout": patience}
        )
        self._client: Any = AsyncClient(provider=IterListProvider(providers, shuffle=False))

    async def read(self, tell: Callable[[str], None]) -> None:
        """Ask, and tell the text."""
        chunks = self._client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, **self._further
        )
        async for chunk in chunks:
            content = chunk.choices[0].delta.content
            if content:
                tell(content)

    async def call(self) -> tuple[str, str]:
        """Ask with a tool."""
        chunks = self._client.chat.completions.create(model="m", messages=MESSAGES, tools=TOOLS, stream=True)
        name, arguments = "", ""
        async for chunk in chunks:
            for part in getattr(chunk.choices[0].delta, "tool_calls", None) or ():
                function = part["function"] if isinstance(part, dict) else part.function
                values = function if isinstance(function, dict) else vars(function)
                name += values.get("name") or ""
                arguments += values.get("arguments") or ""
        return name, arguments

    async def close(self) -> None:
        """Nothing is closed: the process ends."""


PEERS: Final[dict[str, type[Peer]]] = {
    "ours": Ours,
    "litellm": LiteLLM,
    "litellm-group": LiteLLMGroup,
    "langchain": LangChain,
    "pydantic-ai": PydanticAI,
    "g4f": G4F,
}
"""By name; each in an environment of `benchmarks.peers`."""
