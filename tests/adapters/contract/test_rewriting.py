"""What is rewritten for a provider, and that nothing is lost by it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters import Capabilities, ChatRequest, Message
from adapters.contract.rewriting import rewritten
from adapters.contract.traits import Traits

PLAIN = Capabilities(
    roles=frozenset({"system", "user", "assistant", "tool"}), many_system=False, null_content=False
)
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def for_provider(able: Capabilities, *messages) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    parsed = tuple(Message.parse(message) for message in messages)
    result = rewritten(parsed, able, Traits.of(parsed))
    return [message.as_dict() for message in result.messages], result.told


def test_a_developer_message_becomes_a_system_message_where_only_that_is_taken():
    sent, told = for_provider(
        PLAIN, {"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}
    )

    assert [("system", "Be kind."), ("user", "Hi")] == [(m["role"], m["content"]) for m in sent]
    assert ("developer -> system",) == told


def test_a_system_message_becomes_a_developer_message_where_only_that_is_taken():
    able = Capabilities(roles=frozenset({"developer", "user"}))

    sent, told = for_provider(able, {"role": "system", "content": "S"}, {"role": "user", "content": "Hi"})

    assert ("developer", ("system -> developer",)) == (sent[0]["role"], told)


def test_system_messages_are_joined_in_order_at_the_beginning():
    sent, told = for_provider(
        PLAIN,
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "One."},
        {"role": "developer", "content": "Two."},
        {"role": "user", "content": "Ho"},
    )

    assert [
        {"role": "system", "content": "One.\n\nTwo."},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "Ho"},
    ] == sent
    assert ("developer -> system", "system messages joined") == told


def test_parts_are_joined_as_parts():
    part = {"type": "text", "text": "Two."}

    sent, _ = for_provider(
        PLAIN,
        {"role": "system", "content": "One."},
        {"role": "system", "content": [part]},
        {"role": "user", "content": "Hi"},
    )

    assert [{"type": "text", "text": "One."}, part] == sent[0]["content"]


def test_a_system_message_with_a_name_is_left_as_it_is():
    messages = [
        {"role": "system", "content": "One.", "name": "boss"},
        {"role": "system", "content": "Two."},
        {"role": "user", "content": "Hi"},
    ]

    sent, told = for_provider(PLAIN, *messages)

    assert (messages, ()) == (sent, told)


def test_null_content_becomes_an_empty_text():
    sent, told = for_provider(
        PLAIN, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [CALL]}
    )

    assert {"role": "assistant", "content": "", "tool_calls": [CALL]} == sent[1]
    assert ("null content -> empty text",) == told


TEXTS = st.text(alphabet="ab \n", min_size=1, max_size=5)
PARTS = st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS), min_size=1, max_size=3)
MESSAGES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "developer", "user"]), "content": st.one_of(TEXTS, PARTS)},
            optional={"name": st.just("n")},
        ),
        st.just({"role": "assistant", "content": None, "tool_calls": [CALL]}),
        st.just({"role": "tool", "tool_call_id": "c", "content": "r"}),
    ),
    min_size=1,
    max_size=8,
)
ABLE = st.builds(
    Capabilities,
    roles=st.sampled_from([None, PLAIN.roles, frozenset({"developer", "user"})]),
    many_system=st.booleans(),
    null_content=st.booleans(),
)
INSTRUCTING = ("system", "developer")


def words(messages: tuple[Message, ...], *, instructing: bool) -> str:
    chosen = [m for m in messages if (m.role in INSTRUCTING) is instructing]
    return "".join("".join(m.text.split()) for m in chosen)


@given(MESSAGES, ABLE)
def test_nothing_is_lost_and_the_order_is_kept(messages, able):
    given_ = tuple(Message.parse(message) for message in messages)
    before = [message.as_dict() for message in given_]

    result = rewritten(given_, able, Traits.of(given_)).messages

    for instructing in (True, False):
        assert words(given_, instructing=instructing) == words(result, instructing=instructing)
    others = [(m.role, m.extra) for m in given_ if m.role not in INSTRUCTING]
    assert others == [(m.role, m.extra) for m in result if m.role not in INSTRUCTING]
    assert before == [message.as_dict() for message in given_]


@given(MESSAGES, ABLE)
def test_what_was_rewritten_needs_no_rewriting(messages, able):
    parsed = ChatRequest.build(messages).messages

    once, told = rewritten(parsed, able, Traits.of(parsed))
    twice, again = rewritten(once, able, Traits.of(once))

    assert (once, ()) == (twice, again)
    assert bool(told) is (once is not parsed)


@given(MESSAGES)
def test_who_takes_all_gets_the_messages_themselves(messages):
    parsed = ChatRequest.build(messages).messages

    result = rewritten(parsed, Capabilities(), Traits.of(parsed))

    assert () == result.told
    assert result.messages is parsed
