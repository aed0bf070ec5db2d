"""Events of a streamed message, written in the form of the documentation.

https://platform.claude.com/docs/en/build-with-claude/streaming: names, fields and their order are those of
the examples there.
"""

from __future__ import annotations

import json
from typing import Any, Final

START: Final = {
    "type": "message_start",
    "message": {
        "id": "msg_014p7gG3wDgGV9EUtLvnow3U",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 472,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "output_tokens": 2,
        },
        "content": [],
        "stop_reason": None,
    },
}
PING: Final = {"type": "ping"}
STOP: Final = {"type": "message_stop"}


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def stopping(reason: str, **usage: int) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 89, **usage},
    }


def body(*events: dict[str, Any]) -> bytes:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()


TEXT: Final = (
    start(0, type="text", text=""),
    delta(0, "text_delta", text="Okay"),
    delta(0, "text_delta", text=", 🙂"),
)
