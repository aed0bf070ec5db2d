"""The names of attributes in spans: those of OpenTelemetry's conventions for generative AI, and our own.

The conventions are in development: names have changed (`gen_ai.system` became `gen_ai.provider.name`, prompt
and completion tokens became input and output tokens), and will again. So each name stands here alone.
"""

from __future__ import annotations

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
ERROR_TYPE: Final = "error.type"

CHAT: Final = "chat"
"""The operation."""

REQUEST_ID: Final = "chat_router.request.id"
VERDICT: Final = "chat_router.request.verdict"
CANDIDATES: Final = "chat_router.request.providers"
ATTEMPTS: Final = "chat_router.request.attempts"
WAITS: Final = "chat_router.request.waits"
SWITCHES: Final = "chat_router.request.switches"
LEFT_BEHIND: Final = "chat_router.request.cleanup_failures"
COST: Final = "chat_router.request.cost"
CURRENCY: Final = "chat_router.request.currency"
WASTED_COST: Final = "chat_router.request.wasted_cost"
WASTED: Final = "chat_router.request.wasted_attempts"
NUMBER: Final = "chat_router.attempt.number"
ROUND: Final = "chat_router.attempt.round"
PHASE: Final = "chat_router.attempt.phase"
OUTCOME: Final = "chat_router.attempt.outcome"
DROPPED: Final = "chat_router.attempt.dropped_options"
REPEAT: Final = "chat_router.attempt.repeat"
KEY: Final = "chat_router.attempt.key"
