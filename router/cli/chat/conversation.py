"""The turns of a conversation: what of them is sent, and how they are shown and saved. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

How = Literal["complete", "stopped", "broken off", "unanswered"]


@dataclass(slots=True)
class Turn:
    """A question and what came of it.

    Attributes:
        question: What the user wrote.
        answer: The text that came, in part where it was stopped or broke off.
        how: How it ended.
        provider: Who answered, if anybody did.
    """

    question: str
    answer: str = ""
    how: How = "unanswered"
    provider: str | None = None

    @property
    def mark(self) -> str:
        """Who answered, and how it ended where it is not whole."""
        facts = [self.provider or "", "" if self.how == "complete" else self.how]
        return ", ".join(each for each in facts if each)


@dataclass(slots=True)
class Conversation:
    """The turns so far.

    Attributes:
        system: The system message, if there is one.
        turns: In their order.
    """

    system: str | None = None
    turns: list[Turn] = field(default_factory=list)

    def messages(self, question: str) -> list[dict[str, str]]:
        """Return what to send with a question.

        What came of an answer belongs to the conversation, also where it is not whole. A question without any
        answer does not: two questions in a row confuse a service.
        """
        return [*self._messages(), {"role": "user", "content": question}]

    def _messages(self) -> Iterator[dict[str, str]]:
        if self.system:
            yield {"role": "system", "content": self.system}
        for turn in self.turns:
            if turn.answer:
                yield {"role": "user", "content": turn.question}
                yield {"role": "assistant", "content": turn.answer}

    def drop_last(self) -> str | None:
        """Take away the last turn, and return its question; None where there is none."""
        return self.turns.pop().question if self.turns else None

    def as_text(self) -> str:
        """Return it for a terminal."""
        lines = [] if self.system is None else [f"system: {self.system}"]
        for number, turn in enumerate(self.turns, 1):
            lines += [f"{number}. you: {turn.question}", f"   {turn.mark}: {turn.answer}".rstrip(": ")]
        return "\n".join(lines) + "\n" if lines else "nothing was said yet\n"

    def as_markdown(self) -> str:
        """Return it as a page of Markdown."""
        parts = ["# Conversation"]
        if self.system is not None:
            parts.append(f"System: {self.system}")
        for turn in self.turns:
            parts += [f"## You\n\n{turn.question}", f"## {turn.mark[:1].upper()}{turn.mark[1:]}"]
            parts += [turn.answer] if turn.answer else []
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> str:
        """Return what would be sent with the next question, as a list of messages."""
        return json.dumps(list(self._messages()), indent=2, ensure_ascii=False) + "\n"
