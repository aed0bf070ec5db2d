"""Phrases that know better than the code beside them."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import (
    AuthenticationFailed,
    ContextTooLong,
    InvalidRequest,
    QuotaExhausted,
    RateLimited,
    Scope,
    ServiceFailed,
)
from adapters.wire.vendor.words.sources import (
    BEDROCK,
    DASHSCOPE,
    GITHUB_MODELS,
    LITELLM_BUDGETS,
    LLAMA_CPP,
    MOONSHOT,
    OLLAMA,
    OPENAI,
    VLLM,
)
from adapters.wire.vendor.words.table import Section, Words, listed

OVERRIDES: Final[tuple[Section, ...]] = (
    Section(InvalidRequest, (
        Words("OpenRouter", "https://github.com/Routstr/routstr-core/issues/554", listed(
            "no endpoints found that support | no endpoints available that support | "
            "no endpoints found matching | no endpoints available matching | endpoints … data policy | "
            "no allowed providers are available | all providers have been ignored | "
            "no endpoints found that can handle"
        )),
        Words("llama.cpp", LLAMA_CPP, listed(
            "requires --jinja | jinja exception | roles must alternate | image input is not supported | "
            "audio input is not supported | failed to parse grammar | failed to initialize samplers | "
            "failed to parse messages | failed to parse tools | failed to parse tool call | "
            "unsupported content[].type"
        )),
        Words("Ollama", OLLAMA, listed(
            "does not support tools | does not support chat | does not support thinking | "
            "does not support insert"
        )),
        Words("vLLM", VLLM, listed("tool choice requires | is not a multimodal model")),
        Words("OpenAI", OPENAI, listed(
            "timeout while downloading | error while downloading | failed to download image"
        )),
    )),
    Section(ContextTooLong, (
        Words("Groq", "https://github.com/continuedev/continue/issues/10218", listed(
            "request too large … tokens per min | request too large … requested"
        )),
        Words("OpenAI", "https://github.com/vanna-ai/vanna-flask/issues/11", listed(
            "input or output tokens must be reduced"
        )),
        Words("GitHub Models", GITHUB_MODELS, listed("request body too large for … max size")),
    )),
    Section(AuthenticationFailed, (
        Words("OpenCode", "https://github.com/anomalyco/opencode/issues/48408", listed(
            "access has been restricted | repeated policy violations"
        )),
    )),
    Section(QuotaExhausted, (
        Words("LiteLLM", LITELLM_BUDGETS, listed("no deployments available - crossed budget")),
    )),
    Section(QuotaExhausted, (  # a smaller request may still be paid for
        Words("OpenRouter", "https://github.com/anomalyco/opencode/issues/12219", listed(
            "more credits, or fewer max_tokens | prompt tokens limit exceeded"
        )),
        Words("New-API", "https://github.com/clacky-ai/openclacky/issues/100", listed("需要预扣费额度")),
    ), scope=Scope.REQUEST, ambiguous=True),
    Section(QuotaExhausted, (
        Words("Cohere", "https://docs.cohere.com/docs/rate-limits", listed(
            "trial key … calls / month | trial key … per month"
        )),
    )),
    Section(QuotaExhausted, (  # the free tier has nothing of this model
        Words("Gemini", "https://github.com/continuedev/continue/issues/9570", listed("limit: 0, model")),
    ), scope=Scope.MODEL),
    Section(RateLimited, (
        Words("OpenRouter", "https://github.com/cline/cline/issues/5301", listed("free-models-per-")),
        Words("DashScope", DASHSCOPE, listed("allocated quota exceeded")),
        Words("Moonshot", MOONSHOT, listed(
            "max organization concurrency | max rpm | max organization rpm | max organization tpm | "
            "max organization tpd"
        )),
    ), scope=Scope.ACCOUNT),
    Section(RateLimited, (
        Words("LiteLLM", "https://docs.litellm.ai/docs/routing", listed(
            "no deployments available … try again in"
        )),
    ), scope=Scope.MODEL),
    Section(ServiceFailed, (
        Words("NVIDIA", "https://github.com/tashfeenahmed/freellmapi/issues/522", listed(
            "degraded function"
        )),
        Words("LiteLLM", "https://docs.litellm.ai/docs/routing", listed(
            "no healthy deployments for this model"
        )),
        Words("LM Studio", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1620", listed(
            "model … has crashed | failed to load model | unloaded or crashed"
        )),
        Words("Bedrock", BEDROCK, listed("model is not ready")),
    ), scope=Scope.MODEL),
)  # fmt: skip
