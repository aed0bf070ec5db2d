"""What Anthropic's API refuses in a request for a message, as far as the simulator looks."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["complaint", "last_words"]

_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_LEAST_BUDGET: Final = 1024


def complaint(data: bytes, *, sampling: bool) -> tuple[dict[str, Any], str | None]:
    """Return the body of a request, and what is wrong with it.

    Args:
        data: The body as sent.
        sampling: Whether temperature, top_p and top_k may be there.
    """
    try:
        body = json.loads(data)
    except ValueError:
        return {}, "The request body is not valid JSON"
    if not isinstance(body, dict):
        return {}, "The request body is not a JSON object"
    wrong = _of_options(body, sampling=sampling) or _of_messages(body.get("messages"))
    return body, wrong


def last_words(body: dict[str, Any]) -> str:
    """Return the text of the last message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content if block.get("type") == "text")


def _of_options(body: dict[str, Any], *, sampling: bool) -> str | None:
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "model: Field required"
    if type(body.get("max_tokens")) is not int or body["max_tokens"] < 1:
        return "max_tokens: Field required"
    temperature = body.get("temperature", 1)
    if not 0 <= temperature <= 1:
        return "temperature: range: 0..1"
    if not sampling and (sent := [name for name in _SAMPLING if name in body]):
        return f"{sent[0]}: Extra inputs are not permitted"
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if not _LEAST_BUDGET <= budget < body["max_tokens"]:
            return "`max_tokens` must be greater than `thinking.budget_tokens`"
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    if thinking.get("type") in ("enabled", "adaptive") and forced:
        return "Thinking may not be enabled when tool_choice forces tool use."
    if body.get("tool_choice") and not body.get("tools"):
        return "tool_choice: may only be specified while providing tools"
    return None


def _of_messages(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    seen: set[str] = set()
    open_calls: list[str] = []
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant"):
            return f"{where}.role: Input should be 'user' or 'assistant'"
        if number and role == messages[number - 1]["role"]:
            return f'{where}: roles must alternate between "user" and "assistant"'
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(blocks, list) or not blocks:
            return f"{where}: all messages must have non-empty content"
        wrong = _of_blocks(blocks, where) or _of_tools(blocks, where, seen, open_calls)
        if wrong is not None:
            return wrong
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return None


def _of_blocks(blocks: list[dict[str, Any]], where: str) -> str | None:
    for block in blocks:
        if block.get("type") == "text" and not block.get("text"):
            return f"{where}: text content blocks must be non-empty"
        if block.get("type") == "thinking" and not block.get("signature"):
            return f"{where}.content.0.thinking.signature: Field required"
    return None


def _of_tools(blocks: list[dict[str, Any]], where: str, seen: set[str], open_calls: list[str]) -> str | None:
    results = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
    first = [block["type"] for block in blocks[: len(results)]]
    if first != ["tool_result"] * len(results) or sorted(map(str, results)) != sorted(open_calls):
        return (
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after, or "
            "unexpected `tool_use_id` found in `tool_result` blocks"
        )
    for block in blocks:
        if block["type"] != "tool_use":
            continue
        if not _ID.fullmatch(str(block.get("id"))):
            return f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if block["id"] in seen:
            return f"{where}: `tool_use` ids must be unique"
        if not isinstance(block.get("input"), dict):
            return f"{where}.tool_use.input: Input should be a valid dictionary"
        seen.add(block["id"])
    return None
