"""One prompt out of a dialogue, in the layout that these services' clients have always sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.message import ROLES, Message
from adapters.wire.prompt import dialogue, fold, system_prompt

MESSAGES = st.lists(st.builds(Message, st.sampled_from(ROLES), st.text(max_size=8)), max_size=6)


@given(messages=MESSAGES)
def test_roles_and_order_are_kept_and_nothing_is_changed(messages):
    before = [message.as_dict() for message in messages]
    expected = [f"{m.role.capitalize()}: {m.text}" for m in messages if m.text.strip()]

    prompt = fold(messages)

    assert [message.as_dict() for message in messages] == before
    if len(messages) > 1:
        assert prompt == "\n".join([*expected, "Assistant:"] if expected else ["", "Assistant:"])


@given(messages=MESSAGES)
def test_system_prompt_and_dialogue_part_the_messages(messages):
    rest = dialogue(messages)

    assert [m for m in messages if m.role not in ("system", "developer")] == rest
    assert system_prompt(messages) == "\n".join(m.text for m in messages if m not in rest)


def test_a_dialogue_has_one_line_per_message_and_a_last_one_to_go_on_with():
    messages = [
        Message("system", "Be brief."),
        Message("user", "What is 2+2?"),
        Message("assistant", "4"),
        Message("user", " \n"),
        Message("user", ({"type": "text", "text": "And times "}, {"type": "text", "text": "three?"})),
    ]

    expected = "System: Be brief.\nUser: What is 2+2?\nAssistant: 4\nUser: And times three?\nAssistant:"

    assert fold(messages) == expected


def test_one_message_is_its_bare_text_whatever_its_role():
    assert [fold([Message(role, " hi ")]) for role in ROLES] == [" hi "] * len(ROLES)


def test_no_message_is_no_prompt():
    assert (fold([]), system_prompt([]), dialogue([])) == ("", "", [])
