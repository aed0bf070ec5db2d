"""OpenAI's Responses API as clients speak it: https://platform.openai.com/docs/api-reference/responses."""

from router.gateway.dialects.responses.responses import RESPONSES

__all__ = ["RESPONSES"]
