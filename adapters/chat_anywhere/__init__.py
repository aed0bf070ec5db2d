"""ChatAnywhere: the old `/v1/chat/gpt/` family, and the OpenAI-compatible service of today."""

from adapters.chat_anywhere.adapter import ChatAnywhere

__all__ = ["ChatAnywhere"]

ChatAnywhere.__module__ = "adapters"
