"""Phrases that speak of what is asked: refused, too long, not supported."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import (
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
)
from adapters.wire.vendor.words.sources import (
    AZURE,
    BEDROCK,
    CHAT_ANYWHERE,
    COHERE,
    COPILOT,
    FIREWORKS,
    GEMINI,
    HTTP,
    LITELLM,
    LLAMA_CPP,
    LM_STUDIO,
    MINIMAX,
    MOONSHOT,
    NEW_API,
    OLLAMA,
    OPENAI,
    OPENROUTER,
    PORTKEY,
    SGLANG,
    SILICON_FLOW,
    TOGETHER,
    VERTEX,
    VLLM,
    XAI,
    ZHIPU,
)
from adapters.wire.vendor.words.table import Section, Words, listed

REFUSED: Final[tuple[Section, ...]] = (
    Section(ContentRefused, (
        Words("Azure", AZURE, listed(
            "content management policy | responsibleaipolicyviolation | content_filter | "
            "content filter … triggered | content filter … blocked | triggered … content filter | "
            "filtered due to | detected jailbreak"
        )),
        Words("OpenAI", OPENAI, listed(
            "safety system | usage policies | usage policy | content_policy_violation | content policy | "
            "limited access to this content for safety | flagged for possible cybersecurity | "
            "potentially high-risk cyber"
        )),
        Words("OpenRouter", OPENROUTER, listed(
            "requires moderation | input was flagged | request was flagged | prompt was flagged | "
            "content was flagged | message was flagged | flagged by | flagged as | was flagged for"
        )),
        Words("Anthropic", "https://github.com/anthropics/claude-code/issues/95393", listed(
            "blocked by content filter | prompt blocked | content filtering policy"
        )),
        Words("DeepSeek", "https://github.com/continuedev/continue/issues?q=Content+Exists+Risk", listed(
            "content exists risk"
        )),
        Words("Moonshot", MOONSHOT, listed("considered high risk")),
        Words("DashScope", "https://github.com/QwenLM/qwen-code/issues/3145", listed(
            "inappropriate content | datainspectionfailed | data_inspection_failed | "
            "data may contain inappropriate"
        )),
        Words("Zhipu", ZHIPU, listed(
            "不安全或敏感 | 敏感内容 | unsafe or sensitive content | 敏感词 | 内容违规 | 违规内容 | "
            "涉及敏感 | 内容安全 | 内容审核 | 安全审核 | 不当内容 | 不合规 | 内容 … 违反 | 违反 … 政策 | "
            "违反 … 规定"
        )),
        Words("xAI", XAI, listed("usage guidelines | safety_check_type | failed safety check")),
        Words("Gemini", GEMINI, listed(
            "prohibited_content | prohibited content | blocked due to safety | blocked by safety | "
            "prompt was blocked | response was blocked | blocked the prompt | request was blocked due to"
        )),
        Words("Vertex", VERTEX, listed(
            "responsible ai | contains sensitive words | prompt contains sensitive | "
            "contains sensitive content"
        )),
        Words("Bedrock", BEDROCK, listed(
            "blocked by our content filter | content filters | guardrail … intervened | "
            "blocked by guardrail | blocked by the guardrail"
        )),
        Words("LiteLLM", LITELLM, listed(
            "contentpolicyviolationerror | violated content safety policy | violated … guardrail | "
            "violated … moderation | content blocked"
        )),
        Words("Portkey", PORTKEY, listed("guardrail checks … failed | guardrails … violat")),
        Words("New-API", NEW_API, listed("sensitive words detected | sensitive word")),
        Words("Mistral", "https://docs.mistral.ai/capabilities/guardrailing/", listed(
            "moderation … blocked | moderation … violat | moderation … failed | blocked by moderation | "
            "rejected by moderation | moderation … flagged"
        )),
        Words("Together", TOGETHER, listed(
            "nsfw content | unsafe content | harmful content | content moderation"
        )),
        Words("Cohere", COHERE, listed("blocked output | blocked input")),
        Words("MiniMax", MINIMAX, listed("new_sensitive")),
        Words("Huawei MaaS", "https://support.huaweicloud.com/intl/en-us/usermanual-maas-m"
              "odelarts/maas-modelarts-0080.html", listed(
            "may contain senstive | may contain sensitive"
        )),
    )),
    Section(ContentRefused, (
        Words("firewalls and policies", HTTP, listed(
            "violat … polic | polic … violat | against … polic | input … not allowed | "
            "prompt … not allowed | content … not allowed | input … blocked | prompt … blocked | "
            "content … blocked | input … rejected | prompt … rejected | content … rejected | "
            "input … flagged | prompt … flagged | disallowed content | content is not permitted | "
            "message … blocked | message … rejected | moderation"
        )),
    ), statuses=frozenset({403, 446, 451})),
)  # fmt: skip

TOO_LONG: Final[tuple[Section, ...]] = (
    Section(ContextTooLong, (
        Words("OpenAI", "https://github.com/mckaywrigley/chatbot-ui/issues/102", listed(
            "maximum context length | context_length_exceeded | context length … exceed | "
            "exceed … context length | context window … exceed | exceed … context window | "
            "context limit … exceed | exceed … context limit | context size … exceed | "
            "exceed … context size | context length is only | reduce the length of the | "
            "input tokens exceed | 'messages … string too long | 'input … string too long | "
            "'prompt … string too long | 'contents … string too long | 'messages': array too long | "
            "input is too large for this model | your input exceeds"
        )),
        Words("Anthropic", "https://portkey.ai/error-library/input-length-error-10152", listed(
            "prompt is too long | prompt too long | prompt is longer than | exceeds the maximum size | "
            "request_too_large | maximum allowed number of bytes"
        )),
        Words("LiteLLM", LITELLM, listed("contextwindowexceedederror | context_window_exceeded")),
        Words("Gemini", "https://github.com/google-gemini/gemini-cli/issues/11248", listed(
            "input token count … exceed | exceeds the maximum number of tokens | token count … exceed | "
            "request payload size exceeds"
        )),
        Words("Vertex", VERTEX, listed("unable to submit request because the input token count")),
        Words("Bedrock", "https://github.com/aws-samples/bedrock-chat/issues/95", listed(
            "input is too long | input too long | too many input tokens | too many total text bytes | "
            "expected maxlength | maximum number of input tokens | prompt is too large | "
            "input is too large to"
        )),
        Words("Mistral", "https://github.com/badlogic/pi-mono/blob/main/packages/ai/sr"
              "c/utils/overflow.ts", listed(
            "too large for model with | prompt contains … tokens … too large"
        )),
        Words("Cohere", "https://github.com/cohere-ai/sandbox-topically/issues/4", listed(
            "too many tokens: | total number of tokens | shorter prompt | number of tokens … exceed"
        )),
        Words("xAI", "https://github.com/cline/cline/issues/3120", listed("maximum prompt length")),
        Words("Moonshot", "https://github.com/MoonshotAI/kimi-cli/issues/2011", listed(
            "exceeded model token limit | exceeds model token limit | model max length exceeded | "
            "input token length too long | token length too long | token limit exceeded | "
            "exceeds token limit | exceeds the token limit | exceeded token limit"
        )),
        Words("DashScope", "https://github.com/QwenLM/qwen-code/issues/98", listed(
            "range of input length should be | input length exceeds | input length … exceed"
        )),
        Words("Zhipu", ZHIPU, listed(
            "prompt超长 | prompt 超长 | prompt exceeds max | prompt exceeds the | prompt exceeds"
        )),
        Words("relays in Chinese", "https://github.com/songquanpeng/one-api", listed(
            "超过最大长度 | 超过最大上下文 | 上下文长度 | 上下文超 | 超过模型最大 | 超出模型 | 输入过长 | "
            "输入内容过长 | 输入长度超 | 输入 token … 超 | 输入token … 超 | 长度超过 | 长度超出 | "
            "tokens超 | token数超 | token 数超 | 最大输入 | 文本过长 | 内容过长 | 请求过长"
        )),
        Words("ChatAnywhere", CHAT_ANYWHERE, listed("token小于 | number of prompt tokens … limited to")),
        Words("Together", "https://github.com/stanford-crfm/helm/issues/2080", listed(
            "inputs` tokens + `max_new_tokens | inputs tokens + max_new_tokens"
        )),
        Words("TGI", "https://github.com/h2oai/h2ogpt/issues/373", listed(
            "inputs` must have less than | inputs must have less than | inputs` must be"
        )),
        Words("Fireworks", FIREWORKS, listed(
            "model maximum context | exceeds model maximum | the prompt is too long"
        )),
        Words("Copilot", COPILOT, listed("prompt token count of | prompt token … exceeds the limit")),
        Words("vLLM", "https://github.com/vllm-project/vllm/issues/12165", listed(
            "is too long to fit into the model | maximum model length | max_model_len … exceed | "
            "exceed … max_model_len | longer than … max_model_len | is longer than the maximum | "
            "is too long and exceeds | decoder prompt … longer | prompt length … exceed | "
            "longer than the maximum number of tokens"
        )),
        Words("SGLang", SGLANG, listed(
            "requested token count exceeds | longer than the model's context length | "
            "longer than the context length | maximum allowed length | exceeds the maximum allowed input | "
            "maximum allowed input length | maximum input length"
        )),
        Words("llama.cpp", LLAMA_CPP, listed(
            "available context size | exceed_context_size | input is too large to process | "
            "context shift | larger than the context size | exceeds the context size | "
            "exceeds the available context | configured context size | context the overflows | "
            "context overflow"
        )),
        Words("llama-cpp-python", "https://github.com/abetlen/llama-cpp-python/issues/416", listed(
            "exceed context window of | requested tokens … exceed"
        )),
        Words("LM Studio", LM_STUDIO, listed(
            "greater than the context length | trying to keep the first | larger context length | "
            "shorter input | not enough context length"
        )),
        Words("Ollama", OLLAMA, listed(
            "input length … context length | exceeds maximum context | prompt too long; exceeded"
        )),
        Words("Cerebras", "https://github.com/cline/cline/issues/5140", listed(
            "current length is … while limit is"
        )),
        Words("MiniMax", "https://github.com/badlogic/pi-mono/blob/main/packages/ai/sr"
              "c/utils/overflow.ts", listed(
            "context window exceeds limit"
        )),
        Words("SiliconFlow", SILICON_FLOW, listed(
            "must be less than max_seq_len | max_prompt_tokens | number of input tokens … exceed | "
            "input tokens … exceed"
        )),
        Words("Anyscale", "https://portkey.ai/error-library/input-length-error-10000", listed(
            "input too long | tokens in request more than max tokens allowed | conversation is too long | "
            "conversation too long | messages are too long | messages too long | message is too long | "
            "message too long | text is too long | request is too long | history is too long | "
            "tokens … exceeds the model | exceeds the limit of … tokens | tokens … exceeds the limit | "
            "tokens exceed | tokens too long | tokens … must not exceed | token length … exceed | "
            "prompt tokens … exceed | longer than the context window | longer than the model | "
            "max input characters | max_seq_len | exceed max message tokens | exceeds maximum token | "
            "exceeds max token | exceed max token | exceeds the max_tokens | maximum token limit | "
            "max token limit | over the token limit | model's token limit"
        )),
        Words("HTTP", HTTP, listed(
            "request entity too large | maximum allowed size | request body exceeds | payload too large | "
            "content too large | request body too large | request body is too large | request too large | "
            "entity too large | request size exceeds | body size … exceed | request exceeds … size | "
            "body is too large"
        )),
    )),
)  # fmt: skip

NOT_SUPPORTED: Final[tuple[Section, ...]] = (
    Section(InvalidRequest, (
        Words("OpenAI", OPENAI, listed(
            "does not support | doesn't support | not supported with this model | "
            "not supported by this model | not supported for this model | not supported in this model | "
            "unsupported operation"
        )),
        Words("OpenRouter", OPENROUTER, listed(
            "data policy | privacy policy | privacy settings | guardrail restrictions"
        )),
        Words("vLLM", VLLM, listed("multimodal data | at most 1 image | chat template")),
        Words("Perplexity", "https://github.com/charmbracelet/mods/issues/448", listed(
            "roles should be alternating | last message must have role | last message role must"
        )),
    )),
)  # fmt: skip
