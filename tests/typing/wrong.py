"""Programs of users that are wrong: never executed. mypy has to say of each marked line what stands there.

A line that ends in `# error: code` must be an error of this code, and no other line may be one.
"""

from adapters import Capabilities, ChatOptions, Delta, Message, OpenAICompatible, ToolCallFragment, Usage
from router import Router, SyncRouter, Timeouts

HELLO = [{"role": "user", "content": "Hello"}]


async def options(router: Router) -> None:
    await router.complete(HELLO, temprature=0.5)  # error: call-arg
    await router.complete(HELLO, temperature="hot")  # error: arg-type
    await router.complete(HELLO, max_tokens=1.5)  # error: arg-type
    await router.complete(HELLO, n="2")  # error: arg-type
    await router.complete(HELLO, stop=1)  # error: arg-type
    await router.complete(HELLO, seed="7")  # error: arg-type
    await router.complete(HELLO, api_key="sk")  # error: arg-type
    await router.stream(HELLO, models={"openai": 7})  # error: dict-item
    await router.stream(HELLO, headers={"x-tenant": "7"})  # error: dict-item
    await router.complete(HELLO, logprobs=1)  # error: arg-type
    await router.complete(HELLO, user=7)  # error: arg-type
    await router.complete(HELLO, tools={"type": "function"})  # error: arg-type
    await router.complete(HELLO, tools=["now"])  # error: list-item
    await router.complete(HELLO, metadata={"a": 1})  # error: dict-item
    await router.complete(HELLO, modalities=[1])  # error: list-item
    await router.complete(HELLO, response_format="json")  # error: arg-type
    await router.complete(HELLO, reasoning_effort=3)  # error: arg-type
    await router.complete(HELLO, parallel_tool_calls="no")  # error: arg-type
    await router.complete(HELLO, stream=True)  # error: call-arg
    await router.complete(HELLO, timeout=5)  # error: call-arg
    await router.complete(HELLO, timeouts=5)  # error: arg-type
    await router.complete(HELLO, require=5)  # error: arg-type
    await router.complete(HELLO, validate=5)  # error: arg-type
    await router.complete(HELLO, validate=lambda: True)  # error: arg-type, misc
    await router.stream(HELLO, top_p="0.9")  # error: arg-type
    await router.stream(HELLO, validate=str)  # error: call-arg
    kept: ChatOptions = {"temprature": 0.5}  # error: typeddict-unknown-key
    kept = {"temperature": "hot"}  # error: typeddict-item
    await router.complete(HELLO, **kept)


async def messages(router: Router) -> None:
    with router:  # error: attr-defined
        pass
    await router.complete("Hello")  # error: arg-type
    await router.complete(HELLO[0])  # error: arg-type
    await router.complete([1])  # error: list-item
    await router.complete(HELLO, 4)  # error: arg-type
    await router.complete()  # error: call-arg
    Message.tool_result(5, "4")  # error: arg-type
    Message("user", 5)  # error: arg-type
    Message(content="Hi")  # error: call-arg


async def replies(router: Router) -> None:
    reply = await router.complete(HELLO)
    reply.text = "other"  # error: misc
    reply.text()  # error: operator
    reply.message.content.upper()  # error: union-attr
    reply.tool_calls[0].argument.strip()  # error: attr-defined
    reply.usage.total_tokens.bit_length()  # error: union-attr
    city: int = reply.parsed(str)  # error: assignment
    city.bit_length()
    stream = await router.stream(HELLO)
    await stream.text()  # error: attr-defined
    stream.text.strip()  # error: attr-defined
    for delta in stream:  # error: attr-defined
        delta.text.strip()


def things() -> None:
    Delta(txt="a")  # error: call-arg
    Usage(total="5")  # error: call-arg
    ToolCallFragment("0")  # error: arg-type
    Capabilities(tool=True)  # error: call-arg
    Capabilities(options=["n"])  # error: arg-type
    OpenAICompatible("https://api.example.org/v1", apikey="k")  # error: call-arg
    OpenAICompatible()  # error: call-arg
    Router("openai")  # error: arg-type
    Router([OpenAICompatible])  # error: list-item
    Timeouts(total="5")  # error: arg-type
    Timeouts(first=3)  # error: call-arg
    Router([], timeout=30)  # error: call-arg
    SyncRouter([], retries=3)  # error: call-arg


def blocking(router: SyncRouter) -> None:
    router.complete(HELLO, temprature=0.5)  # error: call-arg
    router.complete(HELLO, temperature="hot")  # error: arg-type
    router.complete(HELLO, validate=5)  # error: arg-type
    router.complete("Hello")  # error: arg-type
    router.stream(HELLO, validate=str)  # error: call-arg
    router.stream(HELLO).text()  # error: attr-defined
    router.check("all")  # error: arg-type
    router.monitor(interval="5")  # error: arg-type
    router.aclose()  # error: attr-defined
    SyncRouter("openai")  # error: arg-type
    SyncRouter([], backend="curio")  # error: arg-type
