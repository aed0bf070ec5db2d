"""How each cell of the matrix became known: one line for each finding, with its address.

What is not here was not found out. Of the three columns of errors, what a vendor's own documentation or
reports of users say is in the table of vendors' words (`adapters/wire/vendor/words`), and is taken from
there.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.openai.presets.preset import Proof

if TYPE_CHECKING:
    from collections.abc import Mapping


class Finding(NamedTuple):
    """What was found out about one or more columns of a preset.

    Attributes:
        columns: Their names; see `matrix.COLUMNS`.
        proof: How it became known.
        source: The address of what says so, or the test of this project that shows it.
    """

    columns: tuple[str, ...]
    proof: Proof
    source: str


def _server(name: str, *columns: str) -> tuple[Finding, ...]:
    """Return findings of the tests that ask a real server; each column has a test of its own."""
    tests = "tests/servers/test_matrix.py::test_"
    return tuple(
        Finding((each,), Proof.SERVER, f"{tests}{name}_{each.replace(' ', '_')}") for each in columns
    )


def _recorded(source: str, *columns: str) -> Finding:
    return Finding(columns, Proof.RECORDED, source)


def _documented(source: str, *columns: str) -> Finding:
    return Finding(columns, Proof.DOCUMENTED, source)


def _client(source: str, *columns: str) -> Finding:
    return Finding(columns, Proof.CLIENT, source)


_ISSUES: Final = "https://github.com/"
_VERCEL: Final = "https://github.com/vercel/ai/blob/main/packages/"
_PYDANTIC: Final = "https://github.com/pydantic/pydantic-ai/blob/main/tests/models/cassettes/"
_HUGGING_FACE: Final = "https://github.com/backdrop-contrib/ai_provider_huggingface/wiki"
_LM_STUDIO: Final = "https://lmstudio.ai/docs/developer/openai-compat"
_OLLAMA: Final = "https://docs.ollama.com/api/openai-compatibility"

EVIDENCE: Final[Mapping[str, tuple[Finding, ...]]] = MappingProxyType({
    "openai": (
        _recorded(_PYDANTIC + "test_openai/test_run_stream_sync_streams_real_model.yaml",
                  "stream", "tools", "usage"),
        _documented("https://platform.openai.com/docs/api-reference/chat", "images", "json"),
        _documented("https://platform.openai.com/docs/api-reference/models/list", "probe"),
        _recorded(_ISSUES + "mckaywrigley/chatbot-ui/issues/102", "context error"),
    ),
    "azure": (
        _recorded(_VERCEL + "openai-compatible/src/chat/__fixtures__/azure-text.chunks.txt",
                  "stream", "usage"),
        _documented("https://learn.microsoft.com/azure/ai-foundry/openai/reference", "tools", "json"),
        _recorded("https://www.dotnetstudioai.com/hospital/fix-429-rate-limit-exceeded-azure-openai-dotnet",
                  "rate limit"),
    ),
    "openrouter": (
        _recorded(_PYDANTIC + "test_openrouter/test_openrouter_tool_calling.yaml", "tools"),
        _recorded(_PYDANTIC + "test_openrouter/test_openrouter_stream_error.yaml",
                  "stream", "reasoning", "usage"),
        _documented("https://openrouter.ai/docs/api-reference/list-available-models", "probe"),
        _recorded(_ISSUES + "reVrost/go-openrouter/pull/21", "context error"),
        _recorded(_ISSUES + "open-webui/computer/issues/293", "rate limit"),
    ),
    "groq": (
        _recorded(_VERCEL + "groq/src/__fixtures__/groq-tool-call.chunks.txt", "stream", "tools", "usage"),
        _recorded(_VERCEL + "groq/src/__fixtures__/groq-reasoning.chunks.txt", "reasoning"),
        _documented("https://console.groq.com/docs/vision", "images"),
        _documented("https://console.groq.com/docs/models", "probe"),
        _recorded(_ISSUES + "continuedev/continue/issues/10218", "context error"),
        _recorded(_ISSUES + "elizaOS/eliza/issues/4040", "rate limit"),
    ),
    "mistral": (
        _recorded(_VERCEL + "mistral/src/__fixtures__/mistral-tool-call.chunks.txt",
                  "stream", "tools", "usage"),
        _documented("https://docs.mistral.ai/inference/conversations", "images", "json", "reasoning"),
        _documented("https://docs.mistral.ai/api/", "probe"),
        _recorded(_ISSUES + "raycast/extensions/issues/31107", "rate limit"),
    ),
    "deepseek": (
        _recorded(_VERCEL + "deepseek/src/chat/__fixtures__/deepseek-tool-call.chunks.txt",
                  "stream", "tools", "reasoning", "usage"),
        _documented("https://api-docs.deepseek.com/guides/json_mode", "json"),
        _documented("https://api-docs.deepseek.com/api/list-models", "probe"),
        _recorded(_ISSUES + "evalstate/fast-agent/issues/621", "context error"),
    ),
    "together": (
        _documented("https://docs.together.ai/docs/inference/openai-compatibility", "images"),
        _client("https://tessl.io/registry/tessl/pypi-together/files/docs/chat-completions.md",
                "stream", "tools", "json"),
        _recorded(_ISSUES + "stanford-crfm/helm/issues/2080", "context error"),
        _recorded(_ISSUES + "xtekky/gpt4free/issues/3032", "rate limit"),
    ),
    "fireworks": (
        _client("https://docs.pipecat.ai/server/services/llm/fireworks", "stream", "tools"),
        _client("https://docs.stigg.io/documentation/ai-agents/providers/fireworks", "usage"),
        _client("https://raw.githubusercontent.com/juspay/neurolink/master/docs/getting-started/providers/"
                "fireworks.md", "images"),
    ),
    "cerebras": (
        _client("https://hexdocs.pm/req_llm/cerebras.html", "stream", "tools", "json", "probe"),
        _recorded(_ISSUES + "cline/cline/issues/5140", "context error"),
        _recorded(_ISSUES + "anomalyco/opencode/issues/7463", "rate limit"),
    ),
    "xai": (
        _recorded(_VERCEL + "openai-compatible/src/chat/__fixtures__/xai-tool-call.chunks.txt",
                  "stream", "tools", "reasoning", "usage"),
        _client("https://litellm.vercel.app/docs/providers/xai.md", "images", "json"),
        _recorded(_ISSUES + "cline/cline/issues/3120", "context error"),
    ),
    "gemini": (
        _documented("https://ai.google.dev/gemini-api/docs/openai",
                    "stream", "tools", "images", "json", "probe"),
        _recorded(_ISSUES + "google-gemini/gemini-cli/issues/4231", "context error"),
        _recorded(_ISSUES + "google-gemini/gemini-cli/issues/1509", "rate limit"),
    ),
    "perplexity": (
        _recorded(_VERCEL + "perplexity/src/__fixtures__/perplexity-text.chunks.txt", "stream", "usage"),
        _documented("https://docs.perplexity.ai/guides/image-attachments", "images"),
        _client("https://app.unpkg.com/@ai-sdk/perplexity@3.0.19/files/src/"
                "perplexity-language-model-prompt.ts", "tools"),
        _client("https://www.librechat.ai/docs/configuration/librechat_yaml/ai_endpoints/perplexity",
                "probe"),
    ),
    "moonshot": (
        _recorded(_VERCEL + "moonshotai/src/__fixtures__/moonshotai-stream-choice-usage.chunks.txt",
                  "stream", "usage"),
        _recorded(_VERCEL + "moonshotai/src/__fixtures__/moonshotai-stream-indexless-tool-calls.chunks.txt",
                  "tools"),
        _client("https://www.promptfoo.dev/docs/providers/moonshot/", "images", "reasoning"),
        _client("https://docs.openclaw.ai/providers/moonshot", "probe"),
        _recorded(_ISSUES + "MoonshotAI/kimi-cli/issues/2011", "context error"),
    ),
    "dashscope": (
        _recorded(_VERCEL + "alibaba/src/__fixtures__/alibaba-tool-call.chunks.txt",
                  "stream", "tools", "usage"),
        _documented("https://help.aliyun.com/zh/dashscope/developer-reference/"
                    "compatibility-of-openai-with-dashscope/", "images"),
        _client("https://hexdocs.pm/req_llm/ReqLLM.Providers.Alibaba.html", "json"),
        _recorded(_ISSUES + "QwenLM/qwen-code/issues/98", "context error"),
        _recorded(_ISSUES + "QwenLM/qwen-code/issues/3145", "refusal"),
    ),
    "zhipu": (
        _client("https://docs.jambonz.org/guides/features/bring-your-own-llm/z-ai-glm.md",
                "stream", "tools", "reasoning"),
        _recorded(_ISSUES + "tashfeenahmed/freellmapi/issues/873", "context error"),
    ),
    "nvidia": (
        _documented("https://docs.nvidia.com/nim/large-language-models/1.13.0/index.html", "tools", "json"),
        _documented("https://docs.nvidia.com/nim/large-language-models/latest/api-reference.html", "probe"),
        _client("https://docs.pipecat.ai/server/services/llm/nvidia", "stream"),
    ),
    "huggingface": (
        _recorded(_PYDANTIC + "test_huggingface/test_request_structured_response.yaml", "tools"),
        _client(_HUGGING_FACE, "stream", "images", "json", "probe"),
        _recorded(_ISSUES + "huggingface/huggingface_hub/issues/2763", "context error"),
    ),
    "github": (
        _documented("https://docs.github.com/en/rest/models/inference", "stream", "probe"),
        _recorded(_ISSUES + "Aider-AI/aider/issues/2296", "context error", "rate limit"),
    ),
    "cohere": (
        _documented("https://docs.cohere.com/docs/compatibility-api", "stream", "tools"),
        _client("https://docs.openclaw.ai/providers/cohere", "json"),
        _recorded(_ISSUES + "cohere-ai/sandbox-topically/issues/4", "context error"),
        _recorded("https://www.developersdigest.tech/errors/api/cohere-api/429-too-many-requests",
                  "rate limit"),
    ),
    "chatanywhere": (),
    "ollama": (_documented(_OLLAMA, "stream", "tools", "images", "json", "usage", "probe"),),
    "lm_studio": (
        _documented(_LM_STUDIO, "stream", "tools", "images", "json", "probe"),
        _client("https://docs.rs/vtcode-core/0.125.0/vtcode_core/llm/providers/lmstudio/", "reasoning"),
        _recorded(_ISSUES + "lmstudio-ai/lmstudio-bug-tracker/issues/237", "context error"),
    ),
    "llama_cpp": (
        *_server("llama_cpp", "stream", "tools", "json", "reasoning", "usage", "context error", "probe"),
        _client("https://www.mintlify.com/ggml-org/llama.cpp/api/tools/llama-server", "images"),
    ),
    "vllm": (
        _documented("https://docs.vllm.ai/en/latest/serving/openai_compatible_server/", "images"),
        _client("https://pub.dev/packages/llm_vllm", "stream", "tools", "json", "reasoning", "probe"),
        _client(_ISSUES + "fips-agents/agent-template/pull/119", "usage"),
        _recorded(_ISSUES + "vllm-project/vllm/issues/12165", "context error"),
    ),
    "sglang": (
        _documented("https://docs.sglang.io/docs/advanced_features/separate_reasoning", "reasoning"),
        _documented("https://docs.sglang.io/docs/basic_usage/openai_api_vision", "images"),
        _documented("https://docs.sglang.io/docs/basic_usage/openai_api", "tools", "json"),
        _client("https://docs.getbifrost.ai/providers/supported-providers/sgl", "stream", "probe"),
        _recorded(_ISSUES + "QwenLM/Qwen3/issues/1321", "context error"),
    ),
    "litellm": _server(
        "litellm", "stream", "tools", "images", "json", "reasoning", "usage", "context error", "refusal",
        "rate limit", "probe",
    ),
    "open_webui": (_documented("https://docs.openwebui.com/getting-started/api-endpoints/", "probe"),),
})  # fmt: skip
"""Name of a preset -> what was found out, the strongest first where two speak about one column."""
