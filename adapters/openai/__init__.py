"""OpenAICompatible: any service that speaks OpenAI chat completions."""

from adapters.openai.adapter import OpenAICompatible

__all__ = ["OpenAICompatible"]

OpenAICompatible.__module__ = "adapters"
