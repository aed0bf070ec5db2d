"""A LangChain program with another base_url: text, a stream, tools in two rounds, structured output."""

from __future__ import annotations

import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@tool  # type: ignore[untyped-decorator] # LangChain is not installed where types are checked
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def model(url: str, name: str) -> ChatOpenAI:
    """Return a model of the chain."""
    return ChatOpenAI(model=name, base_url=url, api_key="anything", max_retries=0)


def main(url: str) -> None:
    """Run all of it, or raise."""
    reply = model(url, "echo/m").invoke("hello")
    assert reply.content == "You said: hello", reply
    assert reply.usage_metadata["total_tokens"] > 8, reply.usage_metadata
    chunks = list(model(url, "echo/m").stream("hello", stream_usage=True))
    assert "".join(str(chunk.content) for chunk in chunks) == "You said: hello", chunks
    assert any(chunk.usage_metadata for chunk in chunks), chunks

    agent = model(url, "agent/m").bind_tools([weather])
    messages = [HumanMessage("What is the weather?")]
    called = agent.invoke(messages)
    messages.append(called)
    for call in called.tool_calls:
        messages.append(ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]))  # noqa: PERF401 - as users write it
    assert agent.invoke(messages).content == "sunny in Zürich and sunny in Oslo"

    structured = model(url, "schema/m").with_structured_output(Weather, method="json_schema")
    assert structured.invoke("Zürich?") == Weather(city="Zürich", degrees=21)
    told = ""
    try:
        model(url, "limited/m").invoke("hello")
    except Exception as error:  # noqa: BLE001 - its class is looked at
        told = type(error).__name__
    assert told in ("RateLimitError", "OpenAIRateLimitError"), told
    sys.stdout.write("ok\n")


if __name__ == "__main__":
    main(sys.argv[1])
