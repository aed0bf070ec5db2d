"""What is rewritten for a provider, and that nothing is lost by it."""

import pickle
from typing import Any

import pytest
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


CALLS: dict[str, Any] = {"role": "assistant", "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("given_content", "able", "sent_content", "told"),
    [
        (None, Capabilities(), None, ()),
        (None, Capabilities(null_content=False), "", ("null content -> empty text",)),
        (None, Capabilities(null_content="omit"), "-", ("null content -> left out",)),
        ("", Capabilities(), "", ()),
        ("", Capabilities(null_content=False), "", ()),
        ("", Capabilities(null_content="omit"), "", ()),
        ("", Capabilities(empty_content=False), None, ("empty text content -> null",)),
        (
            "",
            Capabilities(empty_content=False, null_content="omit"),
            "-",
            ("empty text content -> left out",),
        ),
        (
            [{"type": "text", "text": ""}],
            Capabilities(empty_content=False),
            None,
            ("empty text content -> null",),
        ),
        ("I look.", Capabilities(empty_content=False, null_content="omit"), "I look.", ()),
    ],
)
def test_no_words_beside_tool_calls_are_sent_as_the_provider_takes_them(
    given_content: Any, able: Capabilities, sent_content: Any, told: tuple[str, ...]
):
    parsed = (
        Message.parse({"role": "user", "content": "Hi"}),
        Message.parse({**CALLS, "content": given_content}),
    )
    result = rewritten(parsed, able, Traits.of(parsed))

    assert told == result.told
    for sent in (result.messages[1].as_dict(), result.messages[1].as_sent()):
        assert sent.get("content", "-") == sent_content
        assert [CALL] == sent["tool_calls"]
    assert result.messages[1] == pickle.loads(pickle.dumps(result.messages[1]))
    assert not rewritten(result.messages, able, Traits.of(result.messages)).told, "nothing is left to do"


def test_an_empty_answer_without_calls_stays_as_it_is():
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": ""},
        CALLS | {"content": "x"},
    ]

    sent, told = for_provider(Capabilities(empty_content=False), *messages)

    assert (messages, ()) == (sent, told)


def test_a_role_that_the_provider_calls_otherwise_is_renamed_and_told():
    able = Capabilities(role_names={"developer": "system", "tool": "function"})

    sent, told = for_provider(
        able, {"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}
    )

    assert ["system", "user"] == [message["role"] for message in sent]
    assert ("developer -> system",) == told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"null_content": "null"}, "true, false or 'omit'"),
        ({"null_content": False, "empty_content": False}, "both false"),
        ({"role_names": {"boss": "system"}}, "boss"),
        ({"role_names": {"developer": "sistem"}}, "did you mean 'system'"),
    ],
)
def test_wrong_capabilities_say_what_is_wrong(fields: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        Capabilities(**fields)
