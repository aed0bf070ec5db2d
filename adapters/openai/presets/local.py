"""The known servers for one's own machine, at the address that each one listens on by default."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from adapters.openai.presets.preset import Preset

_SAMPLING: Final = ("top_k", "repetition_penalty")

LOCAL: Final = (
    Preset(
        "ollama",
        "Ollama",
        "https://docs.ollama.com/api/openai-compatibility",
        "http://127.0.0.1:11434/v1",
        (),
        ("https://github.com/Dicklesworthstone/pi_agent_rust/pull/45",),
        vendor="Ollama",
        needs_key=False,
        local=True,
        settings=MappingProxyType({
            "rename": {"max_completion_tokens": "max_tokens"},
            "roles": {"developer": "system"},
            "refuses": ("n", "logit_bias", "user"),
            "capabilities": {"null_content": False},
        }),
        reasoning="reasoning",
        note="It ignores n, logit_bias and user; they are not sent, so that nobody relies on them. Some "
        "versions refuse null as the content of a message that only calls tools; it gets an empty text.",
    ),
    Preset(
        "lm_studio",
        "LM Studio",
        "https://lmstudio.ai/docs/developer/openai-compat",
        "http://127.0.0.1:1234/v1",
        ("LM_API_TOKEN",),
        ("https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/261",),
        vendor="LM Studio",
        needs_key=False,
        local=True,
        settings=MappingProxyType({
            "rename": {"max_completion_tokens": "max_tokens"},
            "roles": {"developer": "system"},
            "takes": ("top_k",),
            "capabilities": {"null_content": False},
        }),
        reasoning="reasoning_content",
    ),
    Preset(
        "llama_cpp",
        "llama.cpp (llama-server)",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        "http://127.0.0.1:8080/v1",
        ("LLAMA_API_KEY",),
        ("https://www.mintlify.com/ggml-org/llama.cpp/api/tools/llama-server",),
        vendor="llama.cpp",
        spellings=("llama server", "llama"),
        needs_key=False,
        local=True,
        settings=MappingProxyType({
            "rename": {"max_completion_tokens": "max_tokens"},
            "roles": {"developer": "system"},
            "takes": ("top_k", "typical_p"),
        }),
        reasoning="reasoning_content",
        note="It serves the one model that it was started with, whatever name is asked for.",
    ),
    Preset(
        "vllm",
        "vLLM",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server/",
        "http://127.0.0.1:8000/v1",
        ("VLLM_API_KEY",),
        vendor="vLLM",
        needs_key=False,
        local=True,
        settings=MappingProxyType({"takes": _SAMPLING}),
        reasoning="reasoning",
    ),
    Preset(
        "sglang",
        "SGLang",
        "https://docs.sglang.io/docs/basic_usage/openai_api_completions",
        "http://127.0.0.1:30000/v1",
        (),
        ("https://docs.sglang.io/docs/advanced_features/separate_reasoning",),
        vendor="SGLang",
        needs_key=False,
        local=True,
        settings=MappingProxyType({"takes": _SAMPLING}),
        reasoning="reasoning_content",
    ),
    Preset(
        "litellm",
        "LiteLLM proxy",
        "https://docs.litellm.ai/docs/simple_proxy",
        "http://127.0.0.1:4000/v1",
        ("LITELLM_API_KEY", "LITELLM_MASTER_KEY"),
        ("https://github.com/BerriAI/litellm/issues/42186",),
        vendor="LiteLLM",
        spellings=("lite llm", "litellm proxy"),
        needs_key=False,
        local=True,
        settings=MappingProxyType({"takes": ("top_k",), "capabilities": {"empty_content": False}}),
        reasoning="reasoning_content",
        note="What a model can do is the matter of the service behind it. Some refuse an empty text "
        "beside tool calls, so null is sent for it.",
    ),
    Preset(
        "open_webui",
        "Open WebUI",
        "https://docs.openwebui.com/getting-started/api-endpoints/",
        "http://127.0.0.1:3000/api",
        ("OPEN_WEBUI_API_KEY", "OPENWEBUI_API_KEY"),
        spellings=("open web ui",),
        needs_key=True,
        local=True,
        note="Its key is made in the settings of an account; the address is that of its container.",
    ),
)  # fmt: skip
