"""The chats that were left while their answer still ran: hidden first, deleted once its end is known.

When the chat of a running answer is deleted, the site's inference server fails over the worker's result and
drops the worker. That breaks off the worker's other answers, also those of other accounts. So such a chat is
hidden. Whenever the adapter has to do with the site again (a reply was complete, a probe, the end), some of
the chats are looked at, and those whose answer has ended are deleted. What still runs at the end stays
hidden.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import anyio

from adapters.contract.errors import AdapterError
from adapters.open_assistant.codec import COMPLETE, FAILED, message_of

if TYPE_CHECKING:
    from adapters.http import Session

_MOST: Final = 64  # chats that are remembered; over it the oldest stays hidden
_AT_ONCE: Final = 4  # chats that are looked at in one go
_LOOKS: Final = 20  # that a chat gets, each when the adapter has to do with the site


@dataclass(slots=True)
class _Chat:
    """A hidden chat.

    Attributes:
        id: Its id.
        message: The id of its answer; empty where the site never told it.
        looks: How often it is looked at still.
    """

    id: str
    message: str
    looks: int = _LOOKS


class HiddenChats:
    """The hidden chats of one account."""

    def __init__(self) -> None:
        self._chats: deque[_Chat] = deque(maxlen=_MOST)

    def __len__(self) -> int:
        return len(self._chats)

    def add(self, chat: str, message: str) -> None:
        """Remember a chat that was hidden.

        Args:
            chat: Its id.
            message: The id of its answer; empty where it is not known.
        """
        self._chats.append(_Chat(chat, message))

    async def delete_ended(self, session: Session) -> None:
        """Look at some of the chats, and delete those whose answer has ended; shielded and bounded.

        Args:
            session: Entered; of a visit of its own.
        """
        until = anyio.current_time() + session.cleanup_timeout
        for _ in range(min(len(self._chats), _AT_ONCE)):
            chat = self._chats.popleft()
            state: Literal["running", "ended", "gone"] = "running"
            # Where the site fails, or has signed us out, it is looked at again later.
            with anyio.CancelScope(shield=True, deadline=until), suppress(AdapterError):
                state = await _state(session, chat)
            chat.looks -= 1
            if state == "ended":
                await session.clean_up("DELETE", "/api/chat", query={"chat_id": chat.id})
            elif state == "running" and chat.looks:
                self._chats.append(chat)
            if anyio.current_time() >= until:
                return


async def _state(session: Session, chat: _Chat) -> Literal["running", "ended", "gone"]:
    """Return what became of a chat's answer.

    Raises:
        AdapterError: The site does not tell.
    """
    if chat.message:
        query = {"chat_id": chat.id, "message_id": chat.message}
        found = message_of((await session.ask("GET", "/api/chat/message", query=query)).json())
        states = [] if found is None else [found.state]
        return "ended" if states and states[0] in (COMPLETE, *FAILED) else "running"
    answer = await session.ask("GET", "/api/chat", query={"chat_id": chat.id}, ok=(200, 404))
    if answer.status == 404:
        return "gone"
    said = answer.json()
    listed = said.get("messages") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return "running"
    answers = [each for each in listed if isinstance(each, dict) and each.get("role") == "assistant"]
    return "ended" if all(each.get("state") in (COMPLETE, *FAILED) for each in answers) else "running"
