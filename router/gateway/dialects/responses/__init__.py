"""OpenAI's Responses API as clients speak it: https://platform.openai.com/docs/api-reference/responses."""

from typing import Final

from router.gateway.dialects.chat.reply import error_of
from router.gateway.dialects.dialect import Dialect
from router.gateway.dialects.responses.reply import response_of
from router.gateway.dialects.responses.request import asked_of
from router.gateway.dialects.responses.writer import ResponseWriter

RESPONSES: Final = Dialect(asked_of, response_of, ResponseWriter, error_of)
"""Of `POST /v1/responses`."""

__all__ = ["RESPONSES"]
