"""OpenAI's chat completions as clients speak them: https://platform.openai.com/docs/api-reference/chat."""

from typing import Final

from router.gateway.dialects.chat.reply import Chunks, completion, error_of
from router.gateway.dialects.chat.request import asked_of
from router.gateway.dialects.dialect import Dialect

CHAT: Final = Dialect(asked_of, completion, Chunks, error_of)
"""Of `POST /v1/chat/completions`."""

__all__ = ["CHAT"]
