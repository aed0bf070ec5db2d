"""The result of a tool call, as far as APIs of clients allow more in it than services take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def split(call: str, parts: Iterable[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the text of a result, and what of it only a user's message may hold: images, files.

    Args:
        call: The id of the call.
        parts: Of the result, in OpenAI's form.
    """
    texts: list[str] = []
    seen: list[dict[str, Any]] = []
    for part in parts:
        if part["type"] == "text":
            texts.append(part["text"])
        else:
            seen.append(part)
    text = "\n\n".join(texts)
    if not seen:
        return text, []
    head = {"type": "text", "text": f"Of the result of the tool call {call}:"}
    return text or f"(see the {len(seen)} attached below)", [head, *seen]
