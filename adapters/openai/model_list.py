"""What an entry of a list of models says beside its name. Pure.

context_length          OpenRouter  https://openrouter.ai/docs/api-reference/list-available-models
Together    https://docs.together.ai/reference/models
context_window          Groq        https://console.groq.com/docs/api-reference#models-list
max_model_len           vLLM        vllm/entrypoints/openai: ModelCard
max_context_length      Mistral     https://docs.mistral.ai/api/#tag/models
LM Studio   https://lmstudio.ai/docs/developer/rest/endpoints (its /api/v0)
loaded_context_length   LM Studio   the same; what the model was loaded with, so it goes first
meta.n_ctx, n_ctx_train llama.cpp   tools/server/README.md, GET /v1/models; the second is of the training,
so the server may take less, and says so when it refuses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS: Final = (
    "loaded_context_length",
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
)
_OF_META: Final = ("n_ctx", "n_ctx_train")
_SMALLEST: Final = 64
_LARGEST: Final = 1 << 40


def context_of(entry: Mapping[str, Any]) -> int | None:
    """Return the most tokens that the model of an entry takes, or None where it does not say.

    Args:
        entry: Of a list of models; what is odd in it is skipped.
    """
    meta = entry.get("meta")
    said = [entry.get(name) for name in _FIELDS]
    if isinstance(meta, dict):
        said += [meta.get(name) for name in _OF_META]
    return next((size for size in said if type(size) is int and _SMALLEST <= size <= _LARGEST), None)
