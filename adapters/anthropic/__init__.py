"""Anthropic: the Messages API, natively."""

from adapters.anthropic.adapter import Anthropic

__all__ = ["Anthropic"]

Anthropic.__module__ = "adapters"
