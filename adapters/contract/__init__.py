"""What an adapter is, and the words that adapters and the router share. Standard library only.

A *message* is what the caller says; a *request* is immutable and built once per call; a *delta* is an
increment of a reply; an *adapter* speaks to one service and knows nothing of routing. An adapter's author
writes one method:

    class Echo(Adapter):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
            yield Delta(text=request.messages[-1].text)
            yield Delta(finish_reason="stop")
"""

from typing import TYPE_CHECKING, Any

from adapters.contract.adapter import Adapter, Outcome
from adapters.contract.capabilities import Capabilities
from adapters.contract.delta import Beside, Delta, Usage
from adapters.contract.message import ROLES, Message
from adapters.contract.options import OPTIONS
from adapters.contract.probe import ProbeLevel, ProbeResult
from adapters.contract.request import ChatRequest, Conditions, Flow

if TYPE_CHECKING:
    from adapters.contract.chat_options import ChatOptions
    from adapters.contract.switch import Switch
    from adapters.contract.tool_call import ToolCall, ToolCallFragment

# Imported when they are asked for: many programs need none of them.
_LAZY = {
    "ChatOptions": "chat_options",
    "Switch": "switch",
    "ToolCall": "tool_call",
    "ToolCallFragment": "tool_call",
}

__all__ = [
    "OPTIONS",
    "ROLES",
    "Adapter",
    "Beside",
    "Capabilities",
    "ChatOptions",
    "ChatRequest",
    "Conditions",
    "Delta",
    "Flow",
    "Message",
    "Outcome",
    "ProbeLevel",
    "ProbeResult",
    "Switch",
    "ToolCall",
    "ToolCallFragment",
    "Usage",
]

if not TYPE_CHECKING:  # a type checker would take any misspelt name for an Any

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module 'adapters.contract' has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"adapters.contract.{_LAZY[name]}"), name)
        return value
