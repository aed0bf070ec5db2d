"""The peers, each in an environment of its own; `make bench-peers` installs them.

Each is used as its documentation shows for a custom OpenAI-compatible address, with its defaults.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.cases import Case

MESSAGES: Final[list[Any]] = [{"role": "user", "content": "Count, please."}]


class _Peer:
    """What all have in common: leaving the process closes them."""

    async def close(self) -> None:
        """Nothing is kept."""


class OpenAISDK(_Peer):
    """The openai package, alone."""

    name = "openai SDK"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the client."""
        import openai

        self._client = openai.AsyncOpenAI(base_url=f"{url}{case.path}/v1", api_key="none")

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        parts: list[str] = []
        first = 0.0
        stream = await self._client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        async for chunk in stream:
            content = chunk.choices[0].delta.content
            if content:
                first = first or time.perf_counter()
                parts.append(content)
        return "".join(parts), first

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


class LiteLLM(_Peer):
    """LiteLLM's Router, with a fallback where the first one fails."""

    name = "litellm Router"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the router."""
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        os.environ["LITELLM_LOG"] = "ERROR"  # with many streams it writes a warning for each
        import litellm

        def deployment(name: str, base: str) -> dict[str, Any]:
            return {
                "model_name": name,
                "litellm_params": {"model": "openai/m", "api_base": base, "api_key": "none"},
            }

        models = [deployment("good", f"{url}{case.path}/v1")]
        fallbacks: list[Any] = []
        self._model = "good"
        if case.fails is not None:
            bad = f"{url}/status/{case.fails}/v1" if case.fails else "http://127.0.0.1:9/v1"
            models.append(deployment("bad", bad))
            fallbacks, self._model = [{"bad": ["good"]}], "bad"
        self._router = litellm.Router(model_list=models, fallbacks=fallbacks)

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        parts: list[str] = []
        first = 0.0
        stream: Any = await self._router.acompletion(model=self._model, messages=MESSAGES, stream=True)
        async for chunk in stream:
            content = chunk.choices[0].delta.content
            if content:
                first = first or time.perf_counter()
                parts.append(content)
        return "".join(parts), first


class PydanticAI(_Peer):
    """Pydantic AI's model, in a FallbackModel where the first one fails."""

    name = "pydantic-ai"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the agent."""
        from pydantic_ai import Agent
        from pydantic_ai.models.fallback import FallbackModel
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        def model(base: str) -> Any:
            return OpenAIChatModel("m", provider=OpenAIProvider(base_url=base, api_key="none"))

        chosen: Any = model(f"{url}{case.path}/v1")
        if case.fails is not None:
            bad = f"{url}/status/{case.fails}/v1" if case.fails else "http://127.0.0.1:9/v1"
            chosen = FallbackModel(model(bad), chosen)
        self._agent: Any = Agent(chosen)

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        parts: list[str] = []
        first = 0.0
        async with self._agent.run_stream("Count, please.") as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                first = first or time.perf_counter()
                parts.append(text)
        return "".join(parts), first


class LangChain(_Peer):
    """LangChain's chat model, with fallbacks where the first one fails."""

    name = "LangChain"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the model."""
        from langchain_openai import ChatOpenAI

        def model(base: str) -> Any:
            return ChatOpenAI(model="m", base_url=base, api_key="none")

        self._model: Any = model(f"{url}{case.path}/v1")
        if case.fails is not None:
            bad = f"{url}/status/{case.fails}/v1" if case.fails else "http://127.0.0.1:9/v1"
            self._model = model(bad).with_fallbacks([self._model])

    async def read(self) -> tuple[str, float]:
        """Read one reply."""
        parts: list[str] = []
        first = 0.0
        async for chunk in self._model.astream("Count, please."):
            if chunk.content:
                first = first or time.perf_counter()
                parts.append(chunk.content)
        return "".join(parts), first


class G4F(_Peer):
    """g4f's client with a custom provider; a list of providers where the first one fails."""

    name = "g4f"

    async def open(self, case: Case, url: str, ca: str) -> None:
        """Make the client."""
        from g4f.client import AsyncClient, create_custom_provider
        from g4f.providers.retry_provider import IterListProvider

        def provider(name: str, base: str) -> Any:
            return create_custom_provider(base, api_key="none", name=name, default_model="m", models=["m"])

        chosen: Any = provider("Good", f"{url}{case.path}/v1")
        if case.fails is not None:
            bad = f"{url}/status/{case.fails}/v1" if case.fails else "http://127.0.0.1:9/v1"
            chosen = IterListProvider([provider("Bad", bad), chosen], shuffle=False)
        self._client: Any = AsyncClient(provider=chosen)
        self._fails = case.fails is not None

    async def read(self) -> tuple[str, float]:
        """Read one reply; a first provider that fails is asked each time, as the router's is."""
        if self._fails:
            from g4f.providers.retry_provider import ProviderCircuitBreaker

            ProviderCircuitBreaker.reset()
        parts: list[str] = []
        first = 0.0
        stream = self._client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        async for chunk in stream:
            content = chunk.choices[0].delta.content
            if content:
                first = first or time.perf_counter()
                parts.append(content)
        return "".join(parts), first
