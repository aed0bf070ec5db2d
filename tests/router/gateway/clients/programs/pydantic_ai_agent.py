"""A Pydantic AI program with another base_url: text, a stream, a tool, typed output."""

from __future__ import annotations

import sys

import anyio
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


async def run(url: str) -> None:
    """Run all of it, or raise."""
    provider = OpenAIProvider(base_url=url, api_key="anything")

    def model(name: str) -> OpenAIChatModel:
        return OpenAIChatModel(name, provider=provider)

    result = await Agent(model("echo/m"), instructions="Be brief.").run("hello")
    assert result.output == "You said: hello", result
    async with Agent(model("echo/m")).run_stream("hello") as stream:
        pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
    assert "".join(pieces) == "You said: hello", pieces

    agent = Agent(model("agent/m"))
    asked = []

    @agent.tool_plain  # type: ignore[untyped-decorator] # it is not installed where types are checked
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return f"sunny in {city}"

    result = await agent.run("What is the weather?")
    assert sorted(asked) == ["Oslo", "Zürich"], asked
    assert result.output == "sunny in Zürich and sunny in Oslo", result

    typed = Agent(model("schema/m"), output_type=NativeOutput(Weather))
    assert (await typed.run("Zürich?")).output == Weather(city="Zürich", degrees=21)
    status = None
    try:
        await Agent(model("other/lost")).run("hello")
    except Exception as error:  # noqa: BLE001 - its status is looked at
        status = getattr(error, "status_code", None)
    assert status == 404, status
    sys.stdout.write("ok\n")


if __name__ == "__main__":
    anyio.run(run, sys.argv[1])
