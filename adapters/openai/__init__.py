"""OpenAICompatible: any service that speaks OpenAI chat completions.

The class is imported on first use: the table of presets below this package must not wait for an HTTP client.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.openai.adapter import OpenAICompatible

__all__ = ["OpenAICompatible"]

if not TYPE_CHECKING:  # a type checker would take any misspelt name for an Any

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'adapters.openai' has no attribute {name!r}")
        from adapters.openai.adapter import OpenAICompatible

        return OpenAICompatible
