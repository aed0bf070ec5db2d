"""Anthropic's Messages API as clients speak it: https://platform.claude.com/docs/en/api/messages/create."""

from dataclasses import replace
from typing import Final

from router.gateway.dialects.dialect import Dialect
from router.gateway.dialects.messages.errors import error_of
from router.gateway.dialects.messages.reply import message_of
from router.gateway.dialects.messages.request import asked_of, tokens_are_not_counted
from router.gateway.dialects.messages.writer import MessageWriter

MESSAGES: Final = Dialect(asked_of, message_of, MessageWriter, error_of)
"""Of `POST /v1/messages`."""
COUNT_TOKENS: Final = replace(MESSAGES, asked=tokens_are_not_counted)
"""Of `POST /v1/messages/count_tokens`, which no chain can answer."""

__all__ = ["COUNT_TOKENS", "MESSAGES"]
