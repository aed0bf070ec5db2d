"""OpenAI's chat completions as clients speak them: https://platform.openai.com/docs/api-reference/chat."""

from router.gateway.dialects.chat.completions import CHAT

__all__ = ["CHAT"]
