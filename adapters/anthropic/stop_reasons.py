"""Why a message of Anthropic ended, in OpenAI's words. Pure.

Source: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons. `pause_turn` asks for the
message to be sent back as it is, so that it goes on; OpenAI has no word for it, and it is handed on. So is a
reason that is not known yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from adapters.wire.text import encodable

__all__ = ["Ending", "ending_of"]

_LONGEST: Final = 100  # characters of a reason


class Ending(StrEnum):
    """What a stop reason says of the reply."""

    STOP = "stop"
    LENGTH = "length"
    TOOLS = "tool_calls"
    REFUSED = "content_filter"
    OTHER = "other"


_ENDINGS: Final = {
    "end_turn": Ending.STOP,
    "stop_sequence": Ending.STOP,
    "max_tokens": Ending.LENGTH,
    "model_context_window_exceeded": Ending.LENGTH,
    "tool_use": Ending.TOOLS,
    "refusal": Ending.REFUSED,
}


def ending_of(reason: object) -> tuple[Ending, str, str] | None:
    """Return the ending, OpenAI's word for it, and Anthropic's own; None where the value says nothing."""
    if not isinstance(reason, str) or not reason.strip():
        return None
    native = encodable(reason[:_LONGEST].strip())
    ending = _ENDINGS.get(native, Ending.OTHER)
    return ending, native if ending is Ending.OTHER else ending.value, native
