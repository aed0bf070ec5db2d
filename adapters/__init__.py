"""What speaks to chat services: the vocabulary, and the adapters by name.

The names of the vocabulary (`Adapter`, `Message`, `Delta`, …) and of the errors are here from the start; an
adapter class (`H2o`, `Aura`, …) is imported on first use, so that nobody pays for a service not used.
"""

from typing import TYPE_CHECKING, Any

from adapters.answer_probe import answer
from adapters.contract import (
    OPTIONS,
    ROLES,
    Adapter,
    Beside,
    Capabilities,
    ChatRequest,
    Conditions,
    Delta,
    Flow,
    Message,
    Outcome,
    ProbeLevel,
    ProbeResult,
    Usage,
)
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    Busy,
    ChatRouterError,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    Disposition,
    EmptyReply,
    FirstContentTimeout,
    InvalidRequest,
    LocalFailure,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ReplyRejected,
    ReplyTooLarge,
    Scope,
    ServiceFailed,
    Stalled,
    Truncated,
    Unreachable,
)
from adapters.contract.secret import Secret

if TYPE_CHECKING:
    from adapters.anthropic.adapter import Anthropic
    from adapters.aura import Aura
    from adapters.chat_anywhere import ChatAnywhere
    from adapters.conformance import check_adapter
    from adapters.contract import ChatOptions, Switch, ToolCall, ToolCallFragment
    from adapters.h2o import H2o
    from adapters.http import HTTPAdapter, Limits
    from adapters.http.cookies import BrowserCookies
    from adapters.opchatgpts import Opchatgpts
    from adapters.open_assistant import OpenAssistant
    from adapters.openai.adapter import OpenAICompatible
    from adapters.scripted import ScriptedAdapter

_LAZY = {
    "Anthropic": "anthropic",
    "Aura": "aura",
    "BrowserCookies": "http.cookies",
    "ChatAnywhere": "chat_anywhere",
    "ChatOptions": "contract.chat_options",
    "H2o": "h2o",
    "HTTPAdapter": "http",
    "Limits": "http",
    "OpenAICompatible": "openai",
    "OpenAssistant": "open_assistant",
    "Opchatgpts": "opchatgpts",
    "ScriptedAdapter": "scripted",
    "Switch": "contract.switch",
    "ToolCall": "contract.tool_call",
    "ToolCallFragment": "contract.tool_call",
    "check_adapter": "conformance",
}

__all__ = [
    "OPTIONS",
    "ROLES",
    "Adapter",
    "AdapterError",
    "Anthropic",
    "Aura",
    "AuthenticationFailed",
    "BadReply",
    "Beside",
    "BrowserCookies",
    "Busy",
    "Capabilities",
    "ChatAnywhere",
    "ChatOptions",
    "ChatRequest",
    "ChatRouterError",
    "Conditions",
    "ConnectFailed",
    "ConnectionLost",
    "ContentRefused",
    "ContextTooLong",
    "Delta",
    "Disposition",
    "EmptyReply",
    "FirstContentTimeout",
    "Flow",
    "H2o",
    "HTTPAdapter",
    "InvalidRequest",
    "Limits",
    "LocalFailure",
    "Message",
    "ModelNotFound",
    "NotWorking",
    "Opchatgpts",
    "OpenAICompatible",
    "OpenAssistant",
    "Outcome",
    "ProbeLevel",
    "ProbeResult",
    "QuotaExhausted",
    "RateLimited",
    "ReplyRejected",
    "ReplyTooLarge",
    "Scope",
    "ScriptedAdapter",
    "Secret",
    "ServiceFailed",
    "Stalled",
    "Switch",
    "ToolCall",
    "ToolCallFragment",
    "Truncated",
    "Unreachable",
    "Usage",
    "check_adapter",
]

# Tracebacks and documentation show the names under which users import them.
for _name in __all__:
    _public = globals().get(_name)
    if isinstance(_public, type):
        _public.__module__ = __name__
del _name, _public

Adapter._answer_probe = answer  # noqa: SLF001 - the contract leaves to this package what needs an event loop

if not TYPE_CHECKING:  # a type checker would take any misspelt name for an Any

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module 'adapters' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"adapters.{_LAZY[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
