"""Whoever has read the same messages believes the same: whatever was said meanwhile, late, or twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from router.replicas.message import Message
from router.replicas.register import Register


@dataclass
class Believer:
    """A replica with one register; `follows` is what its state says."""

    name: str
    register: Register = field(default_factory=Register)
    follows: tuple[str, int] | None = None
    said: int = 0
    read: int = 0


@given(st.data())
def test_all_end_with_the_newest_word(data: st.DataObject) -> None:
    stream: list[tuple[Message, tuple[float, int, int]]] = []
    waiting: list[tuple[Message, float]] = []
    all_of_them = [Believer(name) for name in "abc"]
    steps = data.draw(
        st.lists(
            st.tuples(st.sampled_from(["say", "send", "read"]), st.integers(0, 2)), min_size=8, max_size=40
        )
    )
    for now, (step, who) in enumerate([*steps, *[("send", 0)] * 40, *[("read", n) for n in range(3)] * 40]):
        each = all_of_them[who]
        if step == "say":
            each.said += 1
            message = Message(each.name, each.said, "it", None, True, "open" if each.said % 2 else "closed")
            error = data.draw(st.floats(-3, 3))  # no replica knows the store's clock exactly
            each.register.said(message, now + error)
            each.follows = message.sender, message.number
            waiting.append((message, now + data.draw(st.floats(-1, 1))))
        elif step == "send" and waiting:
            message, found = waiting.pop(min(who, len(waiting) - 1))
            stream.append((message, (found, now, 0)))
        elif step == "read" and each.read < len(stream):
            message, place = stream[each.read]
            each.read += 1
            winner = each.register.heard(message, place, mine=message.sender == each.name)
            if winner is not None:
                each.follows = winner.sender, winner.number

    if stream:
        newest = max(stream, key=lambda entry: entry[1])[0]
        assert [(newest.sender, newest.number)] * 3 == [each.follows for each in all_of_them]
