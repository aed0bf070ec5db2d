"""Phrases that speak of who is asked: blocked here, no such model, too often, overloaded."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import (
    ModelNotFound,
    NotWorking,
    RateLimited,
    Scope,
    ServiceFailed,
)
from adapters.wire.vendor.words.sources import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    CHAT_ANYWHERE,
    CLOUDFLARE,
    COHERE,
    COPILOT,
    DASHSCOPE,
    DEEPSEEK,
    FIREWORKS,
    GROQ,
    HTTP,
    HUGGING_FACE,
    LLAMA_CPP,
    MOONSHOT,
    NEW_API,
    NVIDIA,
    OLLAMA,
    OPENAI,
    OPENROUTER,
    PERPLEXITY,
    TGI,
    XAI,
    ZHIPU,
)
from adapters.wire.vendor.words.table import FAILING, Section, Words, listed

BLOCKED: Final[tuple[Section, ...]] = (
    Section(NotWorking, (
        Words("OpenAI", "https://github.com/songquanpeng/one-api/issues/1692", listed(
            "country, region, or territory not supported | unsupported_country | country … not supported"
        )),
        Words("Gemini", "https://portkey.ai/error-library/api-precondition-error-10128", listed(
            "location is not supported | location … not supported"
        )),
        Words("Anthropic", ANTHROPIC, listed(
            "request not allowed | unsupported countries | unsupported region"
        )),
        Words("OpenRouter", "https://github.com/OpenRouterTeam/openrouter-examples/issues/18", listed(
            "provider terms of service | not available in your region | not available in your country | "
            "not available in this region | not available in your location | region … not supported | "
            "unavailable in your region | unavailable in your country | in your country | in your region | "
            "blocked in your | restricted in your | 地区 … 不支持 | 不支持 … 地区"
        )),
        Words("Azure", AZURE, listed(
            "virtual network/firewall | private endpoint | public access is disabled"
        )),
        Words("OpenRouter", "https://github.com/openmake/openmake_llm/pull/736", listed("only available on")),
        Words("Groq", GROQ, listed("check your network settings")),
        Words("Cloudflare", CLOUDFLARE, listed(
            "you have been blocked | attention required | just a moment | error code: 1020 | "
            "error code: 1010 | error code: 1009 | error code: 1006 | access denied … edgesuite | "
            "request blocked | web application firewall | blocked by … firewall | security service | "
            "request could not be satisfied | enable javascript and cookies | "
            "the requested url was rejected | blocked by … waf | security policy"
        )),
    ), scope=Scope.REQUEST, ambiguous=True),
)  # fmt: skip

NO_SUCH_MODEL: Final[tuple[Section, ...]] = (
    Section(ModelNotFound, (
        Words("OpenAI", OPENAI, listed(
            "model … does not exist | model … doesn't exist | model … not found | model … not exist | "
            "no such model | unknown model | access to model | access to the model | "
            "access to this model | access to that model | to sample from this model | "
            "verified to use the model | not a chat model | not supported in the v1/chat/completions | "
            "not supported with the chat/completions | model … has been deprecated | "
            "model … is deprecated | model … has been retired | model … was retired | model … is retired | "
            "model … has been shut down | model … was shut down | model_not_found | "
            "model … has been discontinued | model … has been removed | model … was removed"
        )),
        Words("ChatAnywhere", CHAT_ANYWHERE, listed("api限制使用 | limit … to use gpt- | 无权使用模型")),
        Words("New-API", NEW_API, listed(
            "无可用渠道 | 无权访问模型 | no available channel | model_not_found | 不支持的模型 | "
            "模型不可用 | 不支持模型 | 不支持该模型 | 未配置模型 | 没有可用的渠道 | no access to model"
        )),
        Words("Zhipu", ZHIPU, listed(
            "模型不存在 | 模型 … 不存在 | 模型 … 已下线 | 模型 … 已停用 | 暂未开放 | 未找到模型 | "
            "模型 … 未找到 | 模型编码不存在 | no permission to access … model"
        )),
        Words("Moonshot", MOONSHOT, listed("not found the model")),
        Words("Azure", AZURE, listed(
            "api deployment for this resource does not exist | deployment … does not exist | "
            "deployment … not found"
        )),
        Words("Anthropic", ANTHROPIC, listed("model … end-of-life | model … end of life | model … sunset")),
        Words("Gemini", "https://ai.google.dev/gemini-api/docs/models", listed(
            "is not found for api version | not supported for generatecontent | model … no longer | "
            "models/ … is not found"
        )),
        Words("Vertex", "https://github.com/BerriAI/litellm/issues/17132", listed(
            "publisher model … not found | publisher model … not servable | "
            "not allowed to use publisher model"
        )),
        Words("Bedrock", "https://github.com/iOfficeAI/AionCore/pull/377", listed(
            "model identifier is invalid | model access is denied | on-demand throughput | "
            "reached the end of its life | end of its life | model id … not supported | invalid model id | "
            "model … legacy"
        )),
        Words("Mistral", "https://docs.mistral.ai/getting-started/models/", listed(
            "invalid model | invalid_model"
        )),
        Words("Perplexity", PERPLEXITY, listed("permitted models can be found")),
        Words("Cohere", COHERE, listed("make sure the correct model id | model … was removed on")),
        Words("xAI", XAI, listed("or your team … does not have access to it | model … does not have access")),
        Words("Groq", GROQ, listed(
            "model … decommissioned | terms acceptance | model … is blocked at the | model … requires terms"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "model access denied | access to model denied | access to … model denied | "
            "model … access denied | eligible for using the model"
        )),
        Words("Together", "https://github.com/truefoundry/models/pull/919", listed(
            "unable to access non-serverless model | unable to access model | non-serverless model | "
            "dedicated endpoint … not running | unable to access … model"
        )),
        Words("Fireworks", FIREWORKS, listed("model not found, inaccessible | model … not deployed")),
        Words("OpenRouter", OPENROUTER, listed(
            "not a valid model | no endpoints found for | model … is not a valid | "
            "model … is not available | model … not available | unavailable model | "
            "model … unavailable for free"
        )),
        Words("Copilot", COPILOT, listed(
            "requested model is not supported | no endpoints available for this model | "
            "model is not supported | model … is not supported | model … not supported via responses | "
            "model … is not accessible | unsupported model | model … not enabled | model not supported | "
            "model … is not enabled"
        )),
        Words("Hugging Face", HUGGING_FACE, listed(
            "not supported by any provider | not supported by provider"
        )),
        Words("LiteLLM", "https://docs.litellm.ai/docs/proxy/virtual_keys", listed(
            "invalid model name | not allowed to access model | not allowed to call … model | "
            "can only access models | tried to access … model | authorized to access model | "
            "allowed to access this model"
        )),
        Words("NVIDIA", NVIDIA, listed("function … not found for account")),
        Words("Ollama", OLLAMA, listed("try pulling it first")),
        Words("LM Studio", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1492", listed(
            "no models loaded | no model loaded | model is unloaded | model unloaded | model … unloaded | "
            "model … is not loaded | model not loaded | model … not loaded"
        )),
        Words("llama.cpp", LLAMA_CPP, listed(
            "model … could not be found | no model is loaded | model … not recognized"
        )),
        Words("Portkey", "https://portkey.ai/docs", listed(
            "model … is not allowed | model … not whitelisted"
        )),
    )),
)  # fmt: skip

TOO_OFTEN: Final[tuple[Section, ...]] = (
    Section(RateLimited, (
        Words("OpenAI", OPENAI, listed(
            "rate limit | rate_limit | too many requests | requests per min | tokens per min | "
            "ratelimiterror | rate-limit | slow down | requests per day | tokens per day"
        )),
        Words("Gemini", "https://github.com/google-gemini/gemini-cli/issues/1509", listed(
            "resource has been exhausted | resource exhausted | resource_exhausted"
        )),
        Words("Bedrock", BEDROCK, listed(
            "too many tokens, please wait | please wait before trying | throttl | too many tokens per | "
            "too many connections"
        )),
        Words("Cohere", "https://www.developersdigest.tech/errors/api/cohere-api/429-"
              "too-many-requests", listed(
            "per minute request limit | trial key … minute | trial token rate limit | calls / minute"
        )),
        Words("Cerebras", "https://github.com/anomalyco/opencode/issues/7463", listed(
            "per minute limit exceeded | per hour limit exceeded | per day limit exceeded"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "rate increased too quickly | request rate | requests rate limit | exceeded your request"
        )),
        Words("Zhipu", ZHIPU, listed(
            "并发数过高 | 频率过高 | 速率限制 | 流量限制 | 并发 … 限制 | high concurrency | "
            "high frequency | concurrency … too high"
        )),
        Words("relays in Chinese", "https://github.com/songquanpeng/one-api", listed(
            "请求过于频繁 | 请求频率 | 请求过多 | 限流 | 请求数过多 | 过于频繁 | 请求次数"
        )),
        Words("Moonshot", MOONSHOT, listed("receiving too many requests")),
        Words("LiteLLM", "https://docs.litellm.ai/docs/proxy/users", listed(
            "max parallel request | crossed tpm | crossed rpm"
        )),
        Words("NVIDIA", "https://forums.developer.nvidia.com", listed("worker local total request limit")),
        Words("Copilot", "https://github.com/microsoft/vscode-copilot-release/issues/11304", listed(
            "exhausted this model's rate limit"
        )),
        Words("servers of all kinds", HTTP, listed(
            "error code: 1015 | too many concurrent | concurrent request | concurrency limit | "
            "request limit exceeded | request limit reached"
        )),
    )),
    Section(RateLimited, (
        Words("Mistral", "https://github.com/continuedev/continue/issues/6185", listed(
            "service tier capacity exceeded"
        )),
    ), scope=Scope.MODEL, statuses=frozenset({None, 200, 400, 429})),
)  # fmt: skip

OVERLOADED: Final[tuple[Section, ...]] = (
    Section(ServiceFailed, (
        Words("OpenAI", OPENAI, listed(
            "overloaded | the server had an error | engine is currently | at capacity | over capacity | "
            "server had an error while processing"
        )),
        Words("Gemini", "https://github.com/google-gemini/gemini-cli/issues/23520", listed(
            "no capacity | deadline expired"
        )),
        Words("TGI", TGI, listed("model is overloaded | model too busy | too busy")),
        Words("Hugging Face", "https://huggingface.co/docs/api-inference", listed(
            "currently loading | is loading"
        )),
        Words("llama.cpp", LLAMA_CPP, listed(
            "loading model | no slot available | slot unavailable | "
            "failed to find free space in the kv cache"
        )),
        Words("Ollama", "https://github.com/ollama/ollama/issues/4545", listed(
            "server busy | maximum pending requests | requires more system memory | runner process | "
            "llm server loading | no slots available | out of memory"
        )),
        Words("LM Studio", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1620", listed(
            "failed to load model | has crashed"
        )),
        Words("DeepSeek", DEEPSEEK, listed(
            "server overloaded | server is busy | service is busy | service busy"
        )),
        Words("New-API", NEW_API, listed(
            "负载已饱和 | 负载 | 访问量过大 | 服务繁忙 | 系统繁忙 | 服务器繁忙"
        )),
        Words("Groq", GROQ, listed("flex tier capacity exceeded")),
    ), statuses=FAILING),
)  # fmt: skip
