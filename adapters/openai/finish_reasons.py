"""Why a reply ended: the reasons of all services, sorted into the few that matter, in OpenAI's words. Pure.

Reasons are compared without case, `-`, `_` and spaces, and without the prefixes that protocol buffers give
them. An unknown reason is handed on as it is; it is neither a failure nor the proof of one.

Sources of the words:

- OpenAI: `stop`, `length`, `content_filter`, `tool_calls`, `function_call`;
  https://platform.openai.com/docs/api-reference/chat/object
- Anthropic: `end_turn`, `tool_use`, `refusal`, `pause_turn`, `model_context_window_exceeded`;
  https://docs.claude.com/en/api/handling-stop-reasons
- Gemini and Vertex: `MAX_TOKENS`, `SAFETY`, `RECITATION`, `BLOCKLIST`, `PROHIBITED_CONTENT`, `SPII`,
  `IMAGE_*`, `MALFORMED_FUNCTION_CALL`, `UNEXPECTED_TOOL_CALL`; https://ai.google.dev/api/generate-content#FinishReason
- Bedrock: `guardrail_intervened`, `content_filtered`, `malformed_model_output`;
  https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
- Cohere: `COMPLETE`, `ERROR_TOXIC`, `ERROR_LIMIT`, `USER_CANCEL`; https://docs.cohere.com/reference/chat
- Mistral: `model_length`, `error`; https://docs.mistral.ai/api/
- Zhipu: `sensitive`, `network_error`; https://docs.z.ai/api-reference/llm/chat-completion
- DeepSeek: `insufficient_system_resource`; https://api-docs.deepseek.com/api/create-chat-completion
- TGI: `eos_token`; https://huggingface.co/docs/text-generation-inference
- llama.cpp: `eos`, `word`, `limit`; https://github.com/ggml-org/llama.cpp/tree/master/tools/server
- vLLM and SGLang: `abort`; https://github.com/vllm-project/vllm, https://github.com/sgl-project/sglang
- xAI's gRPC: `REASON_*`; https://docs.x.ai. watsonx: `TIME_LIMIT`; https://cloud.ibm.com/apidocs/watsonx-ai
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from adapters.wire.text import encodable

__all__ = ["Ending", "FinishReason", "read_finish_reason"]


class Ending(StrEnum):
    """What a finish reason says of the reply."""

    STOP = "stop"
    """The model was done, or met a stop sequence."""
    LENGTH = "length"
    """A limit of tokens was met."""
    TOOLS = "tools"
    """The model calls tools and waits for what they return."""
    REFUSED = "refused"
    """The content was refused, by a filter or by the model."""
    FAILED = "failed"
    """The service failed or gave up: what came is not whole."""
    UNKNOWN = "unknown"
    """A reason that this table does not have."""


@dataclass(frozen=True, slots=True)
class FinishReason:
    """Why a reply ended.

    Attributes:
        ending: What it says of the reply.
        word: The reason in OpenAI's words; `error` for a failure, the service's own word where it is unknown.
        native: The service's own word, cut. Text of a peer: mask it before it is shown.
    """

    ending: Ending
    word: str
    native: str


_LONGEST: Final = 100  # characters of a reason
_AWAY: Final = re.compile(r"[\s_\-.]+")
_PREFIXES: Final = ("finishreason", "stopreason", "reason")

_OPENAI_WORDS: Final[Mapping[Ending, str]] = {
    Ending.STOP: "stop",
    Ending.LENGTH: "length",
    Ending.TOOLS: "tool_calls",
    Ending.REFUSED: "content_filter",
    Ending.FAILED: "error",
}

_TABLE: Final[Mapping[Ending, tuple[str, ...]]] = {
    Ending.STOP: (
        "stop", "stopped", "end_turn", "stop_sequence", "stop_sequences", "stop_token", "stop_string",
        "eos", "eos_token", "eos_found", "end_of_text", "end_of_sequence", "end", "complete", "completed",
        "completion", "finish", "finished", "done", "normal", "natural", "success", "word", "im_end",
        "stop_eos", "stop_word", "turn_complete", "message_complete",
    ),
    Ending.LENGTH: (
        "length", "max_tokens", "max_token", "max_length", "max_len", "max_output_tokens", "max_output",
        "max_new_tokens", "max_completion_tokens", "model_length", "model_max_length", "token_limit",
        "limit", "error_limit", "length_limit", "length_capped", "max_context", "max_context_length",
        "context_length", "context_limit", "context_window", "context_length_exceeded",
        "context_window_exceeded", "model_context_window_exceeded", "out_of_tokens", "max_tokens_reached",
        "truncated",
    ),
    Ending.TOOLS: (
        "tool_calls", "tool_call", "tool_use", "function_call", "function_calls", "tools", "tool",
        "function", "call_tool", "requires_action", "tool_usage",
    ),
    Ending.REFUSED: (
        "content_filter", "content_filtered", "contentfilter", "content_filter_error", "filtered", "filter",
        "safety", "sensitive", "recitation", "blocklist", "prohibited_content", "spii", "refusal",
        "refused", "moderation", "moderated", "flagged", "guardrail", "guardrails", "guardrail_intervened",
        "blocked", "content_blocked", "content_policy", "content_policy_violation", "policy_violation",
        "error_toxic", "toxic", "risk", "image_safety", "image_prohibited_content", "image_recitation",
        "model_armor", "prompt_blocked", "jailbreak", "data_inspection_failed", "sensitive_words",
        "language",
    ),
    Ending.FAILED: (
        "error", "errored", "failed", "failure", "fail", "abort", "aborted", "network_error",
        "insufficient_system_resource", "insufficient_system_resources", "malformed_function_call",
        "malformed_response", "malformed_model_output", "malformed_tool_use", "malformed_tool_call",
        "unexpected_tool_call", "too_many_tool_calls", "missing_thought_signature", "timeout", "timed_out",
        "time_limit", "deadline_exceeded", "cancelled", "canceled", "cancel", "user_cancel", "interrupted",
        "disconnected", "connection_error", "server_error", "internal_error", "internal_server_error",
        "system_error", "model_error", "service_unavailable", "unavailable", "overloaded", "rate_limit",
        "rate_limited", "rate_limit_exceeded", "upstream_error", "provider_error", "api_error", "exception",
        "out_of_memory", "oom", "image_other", "no_image", "generation_failed", "resource_exhausted",
    ),
}  # fmt: skip
_NONE_YET: Final = frozenset(
    {"", "null", "none", "unspecified", "notfinished", "undefined", "nil", "false", "inprogress"}
)


def _key(reason: str) -> str:
    key = _AWAY.sub("", reason.lower())
    for prefix in _PREFIXES:
        if key.startswith(prefix) and len(key) > len(prefix):
            return key[len(prefix) :]
    return key


_ENDINGS: Final = {_key(word): ending for ending, words in _TABLE.items() for word in words}
_LEGACY: Final = {
    "functioncall": "function_call",
    "functioncalls": "function_call",
    "function": "function_call",
}


def read_finish_reason(reason: object) -> FinishReason | None:
    """Return why a reply ended, or None where a value says nothing. It never raises, whatever it is given.

    Args:
        reason: The value of `finish_reason` or `stop_reason`: text, an object with its `type`, or nothing.
    """
    if not isinstance(reason, str):
        if isinstance(reason, Mapping):
            reason = reason.get("type") or reason.get("reason")
        if not isinstance(reason, str):
            return None
    return _read(reason[:_LONGEST].strip())


@lru_cache(maxsize=64)
def _read(reason: str) -> FinishReason | None:
    native = encodable(reason)
    key = _key(native)
    if key in _NONE_YET:
        return None
    ending = _ENDINGS.get(key, Ending.UNKNOWN)
    word = native if ending is Ending.UNKNOWN else _LEGACY.get(key, _OPENAI_WORDS[ending])
    return FinishReason(ending, word, native)
