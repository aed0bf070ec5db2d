"""The body of a request to the Messages API. Pure.

Options, and what becomes of them:

    max_completion_tokens, max_tokens   max_tokens, which the API demands; else a default by model
    stop                                stop_sequences
    temperature                         up to 1, where the model takes it; with it no top_p from 4.1 on
    reasoning_effort                    thinking: an effort, or a budget of tokens for models before 4.6
    response_format                     output_config.format, or a tool that the model has to call
    user, metadata["user_id"]           metadata.user_id

An option that one model does not take is left out where it is a hint; where the caller demands it, the
request is not sent. Thinking gives way to what excludes it: a demanded tool, little room for tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.anthropic.history import history_of
from adapters.anthropic.models import NO_SAMPLING_SINCE, traits_of
from adapters.anthropic.tools import (
    REPLY_TOOL,
    StructuredOutput,
    choice_of,
    closed,
    reply_schema,
    reply_tool,
    tools_of,
)
from adapters.contract.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from adapters.anthropic.models import ModelTraits
    from adapters.contract import ChatRequest

__all__ = ["OPTIONS", "SAMPLING", "Dialect", "request_body"]

SAMPLING: Final = frozenset({"temperature", "top_k", "top_p"})
OPTIONS: Final = SAMPLING | {
    "max_completion_tokens", "max_tokens", "metadata", "parallel_tool_calls", "reasoning_effort",
    "response_format", "service_tier", "stop", "tool_choice", "tools", "user",
}  # fmt: skip
_FIXED: Final = frozenset({"messages", "stream"})
_LEAST_BUDGET: Final = 1024
_BUDGETS: Final = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 32_768,
}
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_TIERS: Final = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one service wants to be spoken to.

    Attributes:
        version: The API's version, of the header `anthropic-version`.
        max_tokens: The default of `max_tokens`; None: by the model.
        structured_output: How a reply of a given schema is asked for; `auto`: by the model.
    """

    version: str
    max_tokens: int | None = None
    structured_output: StructuredOutput = "auto"


def request_body(
    request: ChatRequest, model: str | None, dialect: Dialect, taken: Collection[str], provider: str
) -> dict[str, Any]:
    """Return the body of a request for a streamed message.

    Args:
        request: What is asked.
        model: The service's own name of the model; None leaves it out.
        dialect: How the service wants to be spoken to.
        taken: The options that the adapter takes.
        provider: Who is asked: it gets back what it alone wants of its own replies.

    Raises:
        InvalidRequest: The messages or the options hold what Anthropic does not take.
    """
    options, traits = request.options_for(taken), traits_of(model)
    history = history_of(request.messages, provider)
    body: dict[str, Any] = {} if model is None else {"model": model}
    body["max_tokens"] = (
        options.get("max_completion_tokens")
        or options.get("max_tokens")
        or dialect.max_tokens
        or traits.max_tokens
    )
    if history.system:
        body["system"] = _system(history.system)
    body["messages"] = history.messages
    _add_tools(body, options, history.tools)
    _add_format(body, options, traits, dialect)
    _add_thinking(body, options, traits)
    _add_sampling(body, options, traits, dialect, request.demands)
    _add_others(body, options)
    extra = request.extra.get(provider, {})
    body |= {name: value for name, value in extra.items() if name not in _FIXED}
    body["stream"] = True
    return body


def _system(blocks: list[dict[str, Any]]) -> Any:
    plain = all(block.keys() == {"type", "text"} for block in blocks)
    return "\n\n".join(block["text"] for block in blocks) if plain else blocks


def _add_tools(body: dict[str, Any], options: Mapping[str, Any], called: tuple[str, ...]) -> None:
    given = options.get("tools")
    if given:
        body["tools"] = tools_of(given)
        choice = choice_of(options.get("tool_choice"), parallel=options.get("parallel_tool_calls"))
        if choice is not None:
            body["tool_choice"] = choice
    elif called:  # blocks of tools want their definitions, though the caller offers none any more
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in called]
        body["tool_choice"] = {"type": "none"}


def _add_format(
    body: dict[str, Any], options: Mapping[str, Any], traits: ModelTraits, dialect: Dialect
) -> None:
    demanded, schema = reply_schema(options.get("response_format"))
    if not demanded:
        return
    manner = dialect.structured_output
    if manner == "auto":
        manner = "native" if traits.schemas else "tool"
    if manner == "native" and schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": closed(schema)}}
        return
    choice = {"type": "tool", "name": REPLY_TOOL}
    if options.get("tools") and options.get("tool_choice") != "none":
        choice = {"type": "any"}  # one of the caller's tools, or the reply
    kept = body.get("tools", []) if options.get("tools") else []
    body["tools"] = [*kept, reply_tool(schema)]
    body["tool_choice"] = choice


def _add_thinking(body: dict[str, Any], options: Mapping[str, Any], traits: ModelTraits) -> None:
    effort = options.get("reasoning_effort")
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if traits.thinking == "always" and not forced:
        # Shown, since it is the only sign of progress that there is until the text begins.
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    if effort is None or traits.thinking == "none":
        return
    if traits.thinking == "budget":
        budget = min(_BUDGETS.get(effort, 0), body["max_tokens"] // 2)
        if budget >= _LEAST_BUDGET and not forced:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return
    if effort in _EFFORTS and not forced:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    native = {"minimal": "low", "none": "low"}.get(effort, effort)
    body["output_config"] = {**body.get("output_config", {}), "effort": native}


def _add_sampling(
    body: dict[str, Any],
    options: Mapping[str, Any],
    traits: ModelTraits,
    dialect: Dialect,
    demands: Collection[str],
) -> None:
    sampling = {name: options[name] for name in SAMPLING & options.keys()}
    if "temperature" in sampling:
        sampling["temperature"] = min(sampling["temperature"], 1)
    left_out = set()
    if dialect.version >= NO_SAMPLING_SINCE or not traits.sampling or "thinking" in body:
        left_out = set(sampling)
    elif not traits.both and {"temperature", "top_p"} <= sampling.keys():
        left_out = {"temperature" if "top_p" in demands else "top_p"}
    for name in sorted(left_out & set(demands)):
        raise InvalidRequest(
            f"the model {str(body.get('model'))[:100]!r} takes no {name} here, which the request demands; "
            "leave it out of require=, or ask another model"
        )
    body |= {name: value for name, value in sorted(sampling.items()) if name not in left_out}


def _add_others(body: dict[str, Any], options: Mapping[str, Any]) -> None:
    stop = options.get("stop")
    sequences = [each for each in ([stop] if isinstance(stop, str) else stop or ()) if each.strip()]
    if sequences:  # blank ones are refused
        body["stop_sequences"] = sequences
    user = options.get("user") or options.get("metadata", {}).get("user_id")
    if user:
        body["metadata"] = {"user_id": user}
    if (tier := _TIERS.get(options.get("service_tier", ""))) is not None:
        body["service_tier"] = tier
