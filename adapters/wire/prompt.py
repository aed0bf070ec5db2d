"""A dialogue folded into one prompt, for services that take a single text.

The layout is the one that these services' clients have always sent: one line per message with its role, then
the line that the model is to go on with. Text that looks like a role is not escaped, since no service would
unescape it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract.message import Message

_SYSTEM = frozenset({"system", "developer"})


def fold(messages: Sequence[Message]) -> str:
    """Return all messages as one prompt.

    One message is its bare text, whatever its role. Several are one `Role: text` line each, in their order
    and without the blank ones, and `Assistant:` at the end.
    """
    if len(messages) <= 1:
        return messages[0].text if messages else ""
    texts = [(message.role.capitalize(), message.text) for message in messages]
    lines = [f"{role}: {text}" for role, text in texts if text.strip()]
    return "\n".join(lines) + "\nAssistant:"


def system_prompt(messages: Sequence[Message]) -> str:
    """Return the texts of the system and developer messages, joined by LF; "" if there are none."""
    return "\n".join(message.text for message in messages if message.role in _SYSTEM)


def dialogue(messages: Sequence[Message]) -> list[Message]:
    """Return the messages that are neither system nor developer messages, as a new list."""
    return [message for message in messages if message.role not in _SYSTEM]
