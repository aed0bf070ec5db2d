"""What is told to who asks for an attribute of another library."""

from __future__ import annotations

import pytest

from adapters import Delta
from adapters.contract.other_names import with_advice
from router import Reply, ReplyStream
from router.sync.stream import SyncReplyStream


@with_advice({"content": "`thing.text`"})
class Thing:
    def __init__(self) -> None:
        self.text = "Hello"
        self._private = 1


def test_advice_comes_with_the_usual_error():
    thing = Thing()

    with pytest.raises(
        AttributeError, match=r"'Thing' object has no attribute 'content'; write `thing\.text`"
    ):
        thing.content  # type: ignore[attr-defined] # noqa: B018 - which is what is tried
    assert not hasattr(thing, "content")
    assert getattr(Thing, "content", None) is None
    assert thing.text == "Hello"


def test_neither_such_a_name_nor_a_private_one_is_proposed():
    assert [name for name in dir(Thing()) if not name.startswith("__")] == ["text"]


def test_what_a_class_has_itself_is_not_hidden():
    with pytest.raises(AssertionError, match="Thing has 'text' itself"):
        with_advice({"text": "`thing.content`"})(type("Thing", (), {"text": "Hello"}))


@pytest.mark.parametrize("kind", [Delta, Reply, ReplyStream, SyncReplyStream])
def test_attributes_of_what_a_delta_meets_are_looked_up_in_the_quick_way(kind):
    assert not hasattr(kind, "__getattr__")
