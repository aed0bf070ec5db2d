"""Anthropic's Messages API as clients speak it: https://platform.claude.com/docs/en/api/messages/create."""

from router.gateway.dialects.messages.messages import COUNT_TOKENS, MESSAGES

__all__ = ["COUNT_TOKENS", "MESSAGES"]
