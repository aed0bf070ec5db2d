"""The chats of the simulated Open-Assistant site: what its inference server keeps, and its errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from adapters.simulators.exchange import Answer

MODELS: Final = ("OA_SFT_Llama_30B_6", "OA_SFT_Llama_30B_7", "_lorem")
WRONG: Final = Answer(500, {"message": "Something went wrong"})
BROKEN: Final = Answer(500, "Internal Server Error")
_UNKNOWN: Final = Answer(404, b"", None)
_DONE: Final = Answer(200, b"", None)
_EMPTY: Final = ("safe_content", "safety_level", "safety_label", "safety_rots", "used_plugin")


@dataclass
class Message:
    """A message of a chat, and what becomes of it.

    Attributes:
        id: Its id.
        chat_id: The chat's.
        parent_id: Of the message before it.
        role: prompter or assistant.
        content: Its text; None while it is not complete.
        state: manual, pending, in_progress, complete, aborted_by_worker, cancelled, timeout.
        called: Whether its events were called for.
        left: Whether its reader left before the end; then it ends by itself.
        late: How many readings after that still find it in progress.
    """

    id: str
    chat_id: str
    parent_id: str | None
    role: str
    content: str | None
    state: str
    called: bool = False
    left: bool = False
    late: int = 0

    @property
    def finished(self) -> bool:
        """Whether the events route takes it for finished; cancelled and timeout it does not."""
        return self.state in ("complete", "aborted_by_worker")

    @property
    def running(self) -> bool:
        """Whether a worker has it, or will have."""
        return self.state in ("pending", "in_progress")

    def as_json(self) -> dict[str, Any]:
        """Return the message object."""
        return {
            "id": self.id, "parent_id": self.parent_id, "content": self.content, "chat_id": self.chat_id,
            "created_at": "2023-10-01T12:00:00.000000", "role": self.role, "state": self.state, "score": 0,
            "reports": [], "work_parameters": None, **dict.fromkeys(_EMPTY),
        }  # fmt: skip


@dataclass
class Chat:
    """A chat.

    Attributes:
        id: Its id.
        messages: By id, in order.
        hidden: Whether it is left out of the list.
    """

    id: str
    messages: dict[str, Message] = field(default_factory=dict)
    hidden: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the chat object, without its messages."""
        first = next(iter(self.messages.values()), None)
        return {
            "id": self.id,
            "title": first and first.content,
            "hidden": self.hidden,
            "allow_data_use": True,
        }


@dataclass
class Chats:
    """All chats of a user.

    Attributes:
        longest: The most characters of a prompt.
        kept: The chats that are there, by id.
        created: The ids of all that ever were.
        deleted: The ids of those that were deleted.
        lost_workers: How many workers were lost since their answer's chat was deleted while they worked on
            it; each costs a later answer.
        crashes: How many there were in all.
    """

    longest: int
    kept: dict[str, Chat] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    lost_workers: int = 0
    crashes: int = 0
    _ids: int = 0

    def call(self, method: str, chat_id: str, body: dict[str, Any]) -> Answer:
        """Create, read, list, hide or delete."""
        match method:
            case "POST":
                made = Chat(self._next_id())
                self.kept[made.id] = made
                self.created.add(made.id)
                return Answer(200, made.as_json())
            case "GET" if chat_id:
                found = self.kept.get(chat_id)
                if found is None:
                    return _UNKNOWN
                messages = [message.as_json() for message in found.messages.values()]
                return Answer(200, {**found.as_json(), "messages": messages})
            case "GET":
                listed = [chat.as_json() for chat in self.kept.values() if not chat.hidden]
                return Answer(200, {"chats": listed, "next": None, "prev": None})
            case "PUT" if body.get("chat_id") in self.kept:
                self.kept[body["chat_id"]].hidden = bool(body.get("hidden"))
                return _DONE
            case "DELETE" if chat_id in self.kept:
                if any(message.running for message in self.kept[chat_id].messages.values()):
                    self.lost_workers += 1
                    self.crashes += 1
                del self.kept[chat_id]
                self.deleted.add(chat_id)
                return _DONE
        return BROKEN if method in ("PUT", "DELETE") else _UNKNOWN

    def prompt(self, body: dict[str, Any]) -> Answer:
        """Add a prompt."""
        chat = self.kept.get(str(body.get("chat_id")))
        content, parent = body.get("content"), body.get("parent_id")
        if not isinstance(content, str):
            return _invalid("content", "field required" if content is None else "str type expected")
        if chat is None or "\0" in content:
            return WRONG
        if len(content) > self.longest:
            return Answer(413, {"message": "Message content exceeds max length"})
        if parent is None and chat.messages:
            return Answer(400, {"message": "Trying to add first message to non-empty chat"})
        if parent is not None and parent not in chat.messages:
            return Answer(400, {"message": "Parent message not found"})
        if parent is not None and chat.messages[parent].state != "complete":
            return Answer(400, {"message": "Parent message is not complete"})
        return Answer(200, self._add(chat, parent, "prompter", content, "manual").as_json())

    def ask(self, body: dict[str, Any]) -> Answer | Message:
        """Add the answer to a prompt, pending; or return why not."""
        parent_id, model = body.get("parent_id"), body.get("model_config_name")
        if parent_id is None:
            return _invalid("parent_id", "none is not an allowed value")
        parent = self.find(str(parent_id))
        if parent is None or parent.role != "prompter":
            return WRONG
        if model not in MODELS:
            return Answer(422, {"message": f"Model {model} not found"})
        for chat in self.kept.values():
            for other in chat.messages.values():
                if other.state == "pending" and other.parent_id != parent.id:
                    other.state = "cancelled"  # and whoever reads it is not told
        return self._add(self.kept[parent.chat_id], parent.id, "assistant", None, "pending")

    @property
    def hidden(self) -> set[str]:
        """The ids of the chats that are hidden, and not deleted."""
        return {chat.id for chat in self.kept.values() if chat.hidden}

    def find(self, message_id: str) -> Message | None:
        """Return a message by its id."""
        chats = self.kept.values()
        return next((chat.messages[message_id] for chat in chats if message_id in chat.messages), None)

    def _add(self, chat: Chat, parent: str | None, role: str, content: str | None, state: str) -> Message:
        message = Message(self._next_id(), chat.id, parent, role, content, state)
        chat.messages[message.id] = message
        return message

    def _next_id(self) -> str:
        self._ids += 1
        return f"06500000-0000-7000-8000-{self._ids:012x}"


def _invalid(name: str, why: str) -> Answer:
    return Answer(422, {"message": [{"loc": ["body", name], "msg": why, "type": "value_error"}]})
