"""The known services and servers with an OpenAI-compatible API: one row each, with its sources.

`OpenAICompatible.preset("groq")` makes an adapter of a row. Nothing here needs an HTTP client, so that the
command can list and complete the names at once.
"""

from adapters.openai.presets.evidence import EVIDENCE, Finding
from adapters.openai.presets.matrix import COLUMNS, ERRORS, Cell, cells_of, matrix, page
from adapters.openai.presets.naming import AMBIGUOUS, PRESETS, known, named, unknown
from adapters.openai.presets.preset import Preset, Proof
from adapters.openai.presets.settings import (
    has_ended,
    key_variable,
    model_variable,
    settings_for,
    takes_key_from,
)

__all__ = [
    "AMBIGUOUS",
    "COLUMNS",
    "ERRORS",
    "EVIDENCE",
    "PRESETS",
    "Cell",
    "Finding",
    "Preset",
    "Proof",
    "cells_of",
    "has_ended",
    "key_variable",
    "known",
    "matrix",
    "model_variable",
    "named",
    "page",
    "settings_for",
    "takes_key_from",
    "unknown",
]
