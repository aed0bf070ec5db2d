"""How services begin to say that the form of a request is wrong."""

from __future__ import annotations

from typing import Final

from adapters.wire.vendor.words.sources import ANTHROPIC, DASHSCOPE, DEEPSEEK, GEMINI, GROQ
from adapters.wire.vendor.words.table import Words, listed

FORMS: Final[tuple[Words, ...]] = (
        Words("OpenAI", "https://portkey.ai/error-library", listed(
            "image input | audio input | invalid value | invalid type | invalid schema | "
            "invalid parameter | unsupported parameter | unsupported value | "
            "unrecognized request argument | unknown parameter | missing required parameter | "
            "additional properties are not allowed | is not of type | is not one of | invalid 'tools | "
            "invalid 'functions | invalid 'response_format | invalid 'stop | invalid 'temperature | "
            "invalid 'user | invalid 'metadata | expected a string | expected an object | "
            "expected an array | could not parse the json body | max_tokens is too large | max_tokens ( | "
            "max_tokens exceeds | max_tokens must | supported values are | must be one of"
        )),
        Words("Anthropic", ANTHROPIC, listed(
            "extra inputs are not permitted | field required | input should be | "
            "maximum allowed number of output tokens | unexpected value; permitted | "
            "is the maximum allowed number of output"
        )),
        Words("FastAPI servers", "https://docs.pydantic.dev/latest/errors/validation_errors/", listed(
            "validation error for | value error, | value is not a valid | str type expected | "
            "none is not an allowed"
        )),
        Words("Rust servers", "https://docs.rs/serde_json", listed(
            "failed to deserialize | unknown variant | missing field ` | invalid type: | unknown field `"
        )),
        Words("Gemini", GEMINI, listed(
            'invalid json payload | unknown name " | cannot find field | invalid value at \''
        )),
        Words("Groq", GROQ, listed(
            "must be less than or equal to | property 'messages | 'messages. | property '"
        )),
        Words("Bedrock", "https://github.com/charmbracelet/crush/issues/946", listed(
            "maximum tokens you requested exceeds | malformed input request"
        )),
        Words("DashScope", DASHSCOPE, listed(
            "range of max_tokens | range of temperature | range of top_p | parameter.enable_thinking"
        )),
        Words("DeepSeek", DEEPSEEK, listed("invalid max_tokens value | valid range of max_tokens")),
)  # fmt: skip
"""How services begin to say that the form of a request is wrong. What follows is about, or quotes, what the
user sent: a phrase that stands behind one of these decides nothing."""

PARSING: Final[tuple[Words, ...]] = (
    Words("servers of all kinds", "https://docs.python.org/3/library/json.html", listed(
        "could not parse | failed to parse | expecting value | invalid json"
    )),
)  # fmt: skip
"""The same, of a text that could not be read. At 400 it was the request; else it may be an answer."""
