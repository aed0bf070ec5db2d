"""The options of a request for a type checker: their names and types. Standard library only.

No request needs it, and its thirty types, which `TypedDict` compiles one by one, take a fortieth of
`import router`. So the packages import it when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - `get_type_hints` finds them here
from typing import Any, TypedDict


class ChatOptions(TypedDict, total=False):
    """What a request may ask of the reply; None is the same as not given.

    What only one service takes goes into `extra={"provider name": {…}}` instead.

    Attributes:
        audio: The voice and format of spoken replies, with `modalities`. A demand.
        frequency_penalty: How much repeated words are avoided.
        logit_bias: Token number -> how much likelier it is made.
        logprobs: Whether to return log probabilities. True is a demand.
        max_completion_tokens: The most tokens of the reply, its reasoning included.
        max_tokens: The most tokens of the reply.
        metadata: Texts by name that the service stores with the request.
        modalities: What the reply may be made of, such as `["text", "audio"]`. A demand beyond text.
        n: How many replies to make. Over 1 it is a demand; the others are in `Reply.choices`.
        parallel_tool_calls: Whether the model may call several tools at once.
        prediction: Text that the reply will probably repeat, which makes it faster.
        presence_penalty: How much new subjects are favoured.
        prompt_cache_key: Groups requests that begin alike, for the service's cache.
        reasoning_effort: How much the model thinks: `low`, `medium`, `high`, or the service's own word.
        repetition_penalty: How much repeated words are avoided, over 1.
        response_format: `{"type": "json_object"}`, a JSON schema, or a class (pydantic model, dataclass,
            msgspec struct) whose schema the reply must have. A demand.
        seed: Makes sampling repeatable, where the service can.
        service_tier: The service's own word for a price and speed class.
        stop: Where the reply ends: a text or several.
        store: Whether the service keeps the reply.
        temperature: How random the reply is, from 0.
        tool_choice: `auto`, `none`, `required`, or the tool to call. A demand but for `auto` and `none`.
        tools: The tools that the model may call. A demand.
        top_k: Sample among so many tokens.
        top_logprobs: How many alternatives the log probabilities show. A demand.
        top_p: Sample among tokens of so much probability together, 0 to 1.
        typical_p: As `top_p`, by typicality.
        user: Your own id of the end user.
        verbosity: How long the reply is: `low`, `medium`, `high`.
        web_search_options: Lets the model search the web. A demand.
    """

    audio: Mapping[str, Any] | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | Mapping[int, float] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, str] | None
    modalities: Sequence[str] | None
    n: int | None
    parallel_tool_calls: bool | None
    prediction: Mapping[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    reasoning_effort: str | None
    repetition_penalty: float | None
    response_format: Mapping[str, Any] | type | None
    seed: int | None
    service_tier: str | None
    stop: str | Sequence[str] | None
    store: bool | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    top_k: int | None
    top_logprobs: int | None
    top_p: float | None
    typical_p: float | None
    user: str | None
    verbosity: str | None
    web_search_options: Mapping[str, Any] | None


ChatOptions.__module__ = "adapters"  # where users import it, as `adapters` tells it of the others
