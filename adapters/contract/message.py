"""A message of a dialogue: normalised once, copied, and checked before anybody is asked. Stdlib only."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.frozen import quickly_made, unguarded
from adapters.contract.reader import reader
from adapters.contract.tools import check_tool_calls

if TYPE_CHECKING:
    from typing import Protocol

    class Answerable(Protocol):
        """A tool call, as far as an answer to it needs to know it."""

        @property
        def name(self) -> str | None:
            """The function's name."""

        @property
        def type(self) -> str:
            """The kind of call."""

        @property
        def answer_id(self) -> str:
            """The id that the answer has to name."""

    class HasMessage(Protocol):
        """What has a message of its own, such as a `Reply`."""

        @property
        def message(self) -> Message:
            """The message."""


ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
"""The roles that a message can have."""
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_LONGEST_NAME: Final = 100
_LONGEST_INTEGER: Final = 13_000
"""Bits; Python writes no more than 4300 digits."""
_SPEAKERS: Final = frozenset({"system", "developer", "user", "assistant"})
"""Roles whose messages need no more than a text."""
_MAY_BE_EMPTY: Final = ("assistant", "tool", "function")
"""Roles whose messages may have no content, or empty content: OpenAI takes them so."""
_OF_OPENAI: Final = frozenset({"role", "content", "tool_call_id", "tool_calls", "name"})
"""Keys of a message that are no misspelt other ones."""
_ELSEWHERE: Final = MappingProxyType(
    {"role": ("from", "author", "sender", "type"), "content": ("text", "parts", "value", "message")}
)
"""Key -> what it is called in other APIs and in data sets of dialogues."""
_IMAGE_SHAPE: Final = "{'type': 'image_url', 'image_url': {'url': 'https://… or data:image/png;base64,…'}}"
_SOUND_SHAPE: Final = "{'type': 'input_audio', 'input_audio': {'data': '…', 'format': 'wav'}}"
_PART_SHAPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "image_url": ("url", _IMAGE_SHAPE),
        "input_audio": ("data", _SOUND_SHAPE),
    }
)
"""Type of a part -> the text that its field of the same name has to hold, and the right shape."""
_SHAPE_OF_RESULT: Final = "{'role': 'tool', 'tool_call_id': 'call_1', 'content': '…'}"


def nearest(name: str, known: Collection[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    import difflib  # of mistakes only, as a program has few

    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _misspelt(key: str, fields: Mapping[str, Any]) -> str:
    """Return which of a message's fields may stand for a missing key, or nothing."""
    import difflib

    near = difflib.get_close_matches(key, [each for each in fields if each not in _OF_OPENAI], n=1)
    called = near or [each for each in _ELSEWHERE.get(key, ()) if each in fields]
    return f"; it has the key {cut_name(called[0])!r}: did you mean {key!r}?" if called else ""


def cut_name(name: str) -> str:
    """Return a name that came from a caller, such as a model's, cut to what messages and logs can bear."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


@quickly_made
@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One message of a dialogue, normalised from an OpenAI-style mapping.

    Attributes:
        role: One of `ROLES`.
        content: Text, a tuple of parts, or None where an assistant only called tools; an empty tuple leaves
            the field out of what is sent.
        extra: All other keys as the caller sent them (name, tool_calls, tool_call_id, …).
        kept: Provider name -> fields that this provider alone wants back, such as reasoning with its
            signature. They go to nobody else.
    """

    role: str
    content: str | tuple[Mapping[str, Any], ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    kept: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: EMPTY, compare=False)

    @classmethod
    def parse(cls, value: Message | Mapping[str, Any] | HasMessage, where: str = "message") -> Message:
        """Return the message that `value` describes; copies, so that the caller's objects are never shared.

        Args:
            value: A `Message`, what has one as its `message` (a `Reply`), a mapping, or a message object of
                an SDK (what has `model_dump`).
            where: What to call it in an error.

        Raises:
            TypeError: `value` is no mapping, or a field has a type that JSON or the protocol does not have.
            ValueError: the role is unknown, the content is missing or empty, a tool's result does not say of
                which call it is, or the text cannot be encoded.
        """
        given: Any = value
        kept: Mapping[str, Mapping[str, Any]] = EMPTY
        if type(given) is not dict:  # nearly all are
            given, kept = _as_mapping(given, where)
        fields = json_copy(given, where)
        role = fields.pop("role", None)
        if role not in ROLES:
            hint = nearest(role, ROLES) if isinstance(role, str) else ""
            hint = _misspelt("role", fields) if role is None else hint
            raise ValueError(f"{where} has the role {role!r}; allowed are {', '.join(ROLES)}{hint}")
        if (said := fields.pop("content", None)) is None and role not in _MAY_BE_EMPTY:
            hint = _misspelt("content", fields)
            raise ValueError(f"{where} has no content; give it 'content' (text, or a list of parts){hint}")
        content = _content(said, role, where)
        if role == "tool" and not (isinstance(call := fields.get("tool_call_id"), str) and call):
            raise ValueError(
                f"{where} has the role 'tool' without a 'tool_call_id' (text); write it as "
                f"{_SHAPE_OF_RESULT}{reader().in_code(', or use Message.tool_result(call, content)')}"
                f"{_misspelt('tool_call_id', fields)}"
            )
        if role == "assistant":
            check_tool_calls(fields.get("tool_calls"), where)
        return cls(role, content, MappingProxyType(fields) if fields else EMPTY, kept)

    @classmethod
    def tool_result(cls, call: Answerable | str, content: Any) -> Message:
        """Return the message that tells the model what a tool call came to.

        Args:
            call: The `ToolCall` of the reply, or its id.
            content: The result: text is sent as it is, anything else as JSON.

        Raises:
            TypeError: `content` cannot be sent as JSON, or `call` is neither a tool call nor text.
            ValueError: A text cannot be encoded, or the id is empty.
        """
        if not isinstance(call, str) and not hasattr(call, "answer_id"):
            raise TypeError(
                f"the call of a tool's result is {type(call).__name__}; pass a ToolCall of reply.tool_calls, "
                "or its id as text"
            )
        copied = json_copy(content, "the content of the tool's result")
        text = copied if isinstance(copied, str) else as_json(copied)
        if not isinstance(call, str) and call.type == "function_call":
            return cls.parse({"role": "function", "name": call.name, "content": text})
        call_id = call if isinstance(call, str) else call.answer_id
        return cls.parse({"role": "tool", "tool_call_id": call_id, "content": text}, "the tool's result")

    @property
    def text(self) -> str:
        """The text of the content: parts of other types are left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.get("text", "") for part in self.content or () if part.get("type") == "text")

    @property
    def has_images(self) -> bool:
        """Whether a part of the content is more than words: an image, a sound, a file."""
        return not isinstance(self.content, str) and any(
            part.get("type") not in ("text", "refusal") for part in self.content or ()
        )

    def as_dict(self, provider: str | None = None) -> dict[str, Any]:
        """Return the OpenAI-style mapping, with all that the caller sent; a copy, free to be changed.

        Args:
            provider: Add the fields that this provider wants back; by default none.
        """
        content = list(self.content) if isinstance(self.content, tuple) else self.content
        kept = self.kept.get(provider, EMPTY) if provider is not None else EMPTY
        said = {} if content == [] else {"content": content}
        copied: dict[str, Any] = _plain({"role": self.role, **said, **self.extra, **kept})
        return copied

    def as_sent(self, provider: str | None = None) -> dict[str, Any]:
        """Return the same mapping for encoding: what is in it is not copied, and must not be changed."""
        content: object = self.content
        if self.extra is EMPTY and self.kept is EMPTY and not isinstance(content, tuple):
            return {"role": self.role, "content": content}
        kept = self.kept.get(provider, EMPTY) if provider is not None else EMPTY
        if isinstance(content, tuple):
            if not content:
                return {"role": self.role, **self.extra, **kept}
            content = [dict(part) for part in content]
        return {"role": self.role, "content": content, **self.extra, **kept}

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be copied or pickled; a history of messages has to be.
        return _restored, (self.as_dict(), {name: _plain(fields) for name, fields in self.kept.items()})

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        parts = f"{len(self.content)} parts, " if isinstance(self.content, tuple) else ""
        return f"<Message {self.role}, {parts}{len(self.text)} characters>"


_unguarded: Final = unguarded(Message)


def parsed(given: Sequence[Message | Mapping[str, Any] | HasMessage], first: int = 0) -> list[Message]:
    """Return the messages that `given` describe, as `Message.parse` does with each.

    Most messages of a history are mappings of role and text alone. Such a one passes every check, and needs
    neither a copy nor the checks.

    Args:
        given: Of a request.
        first: The number of the first one among all messages of the request, for errors.
    """
    found: list[Message] = []
    for value in given:  # a history has thousands of them: no call for what is right
        if type(value) is dict and len(value) == 2:
            try:
                role, text = value["role"], value["content"]
            except KeyError:
                role = text = None
            known = type(role) is str and role in _SPEAKERS
            if known and type(text) is str and text and (text.isascii() or _is_encodable(text)):
                message = _unguarded()
                message.role, message.content = role, text
                message.extra = message.kept = EMPTY
                message.__class__ = Message
                found.append(message)
                continue
        found.append(Message.parse(value, f"messages[{first + len(found)}]"))
    return found


def all_as_sent(messages: Sequence[Message], provider: str | None = None) -> list[dict[str, Any]]:
    """Return the mappings of messages for encoding, as `Message.as_sent` does; most are role and text."""
    return [
        {"role": m.role, "content": m.content}
        if m.extra is EMPTY and m.kept is EMPTY and type(m.content) is str
        else m.as_sent(provider)
        for m in messages
    ]


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_mapping(given: Any, where: str) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """Return the fields of what stands for a message, and those that single providers want back.

    Raises:
        TypeError: It stands for none.
    """
    kind, kept = type(given).__name__, EMPTY
    if not isinstance(given, Message | Mapping) and isinstance(
        own := getattr(given, "message", None), Message
    ):
        given = own
    if isinstance(given, Message):
        kept = given.kept
        given = {"role": given.role, "content": given.content, **given.extra}
    elif not isinstance(given, Mapping) and callable(dump := getattr(given, "model_dump", None)):
        given = dump(mode="json", exclude_unset=True)  # an answer of the OpenAI SDK, put back as history
    if not isinstance(given, Mapping):
        raise TypeError(f"{where} is {kind}; pass a mapping with 'role' and 'content', or a Message")
    return given, kept


def _restored(fields: dict[str, Any], kept: dict[str, Mapping[str, Any]]) -> Message:
    role, content = fields.pop("role"), fields.pop("content", [])
    if isinstance(content, list):
        content = tuple(MappingProxyType(part) for part in content)
    return Message(role, content, MappingProxyType(fields) if fields else EMPTY, kept)


def _content(value: Any, role: str, where: str) -> str | tuple[Mapping[str, Any], ...] | None:
    if value is None:
        return None
    if value == []:
        raise ValueError(f"{where} has no content; give it 'content' (text, or a list of parts)")
    if value == "" and role not in _MAY_BE_EMPTY:
        raise ValueError(f"{where} has empty content; give it text, or leave the message out")
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise TypeError(
            f"{where} has content of type {type(value).__name__}; "
            "allowed are text or a list of parts with 'type'"
        )
    for place, part in enumerate(value):
        _check_part(part, f"{where} has a part {place}")
    if role not in _MAY_BE_EMPTY and all(part == {"type": "text", "text": ""} for part in value):
        raise ValueError(f"{where} has empty content; give it text, or leave the message out")
    return tuple(MappingProxyType(part) for part in value)


def _check_part(part: Any, where: str) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise TypeError(f"{where} without 'type'; give it one: {{'type': 'text', 'text': 'Hello'}}")
    kind = part["type"]
    if kind == "text" and not isinstance(part.get("text"), str):
        raise TypeError(f"{where} of type 'text' whose 'text' is not text")
    if kind in _PART_SHAPES:
        key, shape = _PART_SHAPES[kind]
        body = part.get(kind)
        if not isinstance(body, dict) or not isinstance(body.get(key), str) or not body[key]:
            raise ValueError(f"{where} of type {kind!r} of a wrong shape; write it as {shape}")
    elif kind == "image" and not isinstance(part.get("source"), dict):
        raise ValueError(f"{where} of type 'image', which is unknown; write it as {_IMAGE_SHAPE}")
    elif kind == "file" and not isinstance(part.get("file"), dict):
        raise ValueError(
            f"{where} of type 'file' of a wrong shape; write it as "
            "{'type': 'file', 'file': {'filename': 'a.pdf', 'file_data': 'data:application/pdf;base64,…'}}"
        )


def as_json(value: Any) -> str:
    """Return JSON as text, with each character as it is."""
    import json  # a program without tools needs none of it

    return json.dumps(value, ensure_ascii=False)


def json_copy(value: Any, where: str) -> Any:
    """Return a deep copy of `value` in plain dicts, lists and texts, as JSON would carry it.

    Args:
        value: Any mappings, lists, tuples, texts, numbers, booleans and None.
        where: What to call it in an error.

    Raises:
        TypeError: It cannot be sent as JSON.
        ValueError: A text in it cannot be sent in UTF-8.
    """
    try:
        return _plain(value)
    except UnicodeEncodeError:
        raise ValueError(
            f"{where} has half of a surrogate pair in a text, which UTF-8 cannot carry; repair the text, for "
            "example with text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from None
    except RecursionError:
        raise TypeError(
            f"{where} cannot be sent as JSON: it is nested too deeply, or contains itself"
        ) from None
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where} cannot be sent as JSON: {error}") from None


def _plain(value: Any) -> Any:
    # Histories are long: this looks at everything once, and encodes nothing.
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _encodable(value)
    if value is None or kind is bool:
        return value
    if kind is dict:
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return _encodable(str.__str__(value))  # an enum of texts is its value
    if isinstance(value, int):
        if value.bit_length() > _LONGEST_INTEGER:
            raise ValueError("an integer has more than 4000 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{kind.__name__} is not a JSON type")


def _encodable(text: str) -> str:
    text.encode()
    return text


def _key(key: Any) -> str:
    if type(key) is str and key.isascii():
        return key
    if isinstance(key, str):
        return _encodable(str.__str__(key))
    if isinstance(key, int) and not isinstance(key, bool):
        return str(int(key))  # token numbers of a logit_bias
    raise TypeError(f"{key!r} is no text, as the keys of JSON objects are")
