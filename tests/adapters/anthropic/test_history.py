"""A dialogue crosses from OpenAI's form to Anthropic's, and nothing is lost that both know."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import ChatRequest, InvalidRequest, Message
from adapters.anthropic.body import Dialect, request_body
from adapters.anthropic.call_ids import CallIds
from adapters.anthropic.history import INVALID_JSON, History, history_of
from adapters.simulators.anthropic_requests import complaint
from tests.adapters.anthropic.replies import JSON, NAMES, SEARCH, WORDS, calls_of, decoded, details_of, wire
from tests.depth import how_many

PNG: Final = "data:image/png;base64,iVBORw0KGgo="
SPOKEN: Final = WORDS.filter(lambda text: bool(text.strip()))
IDS: Final = st.from_regex(r"[a-zA-Z0-9_:./-]{1,12}", fullmatch=True)


def history(*messages: Any, provider: str | None = None) -> History:
    return history_of([Message.parse(message) for message in messages], provider)


@st.composite
def dialogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a dialogue as OpenAI has it: with calls, each with its result, whatever the ids look like."""
    messages: list[dict[str, Any]] = []
    for role in draw(
        st.lists(st.sampled_from(["system", "user", "parts", "assistant", "calls"]), max_size=8)
    ):
        if role == "calls":
            names = draw(st.lists(NAMES, min_size=1, max_size=3))
            ids = draw(st.lists(IDS, min_size=len(names), max_size=len(names), unique=True))
            calls = [
                {
                    "id": identity,
                    "type": "function",
                    "function": {
                        "name": name,
                        "arguments": json.dumps(draw(st.dictionaries(WORDS, JSON, max_size=2))),
                    },
                }
                for identity, name in zip(ids, names, strict=True)
            ]
            said = draw(st.none() | SPOKEN)
            messages.append({"role": "assistant", "content": said, "tool_calls": calls})
            messages += [{"role": "tool", "tool_call_id": each, "content": draw(SPOKEN)} for each in ids]
        elif role == "parts":
            parts = [{"type": "text", "text": draw(SPOKEN)}, {"type": "image_url", "image_url": {"url": PNG}}]
            messages.append({"role": "user", "content": parts})
        else:
            messages.append({"role": role, "content": draw(SPOKEN)})
    return [{"role": "user", "content": draw(SPOKEN)}, *messages]


def facts(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what both protocols know of a dialogue in OpenAI's form, one fact behind the other."""
    found: list[tuple[Any, ...]] = []
    named: dict[str, int] = {}
    number = 0
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "system":
            continue
        if role == "tool":
            found.append(("result", named[message["tool_call_id"]], content))
            continue
        parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content or ()
        found += [(role, part.get("text") or part["image_url"]["url"]) for part in parts]
        for call in message.get("tool_calls", ()):
            number += 1
            named[call["id"]] = number
            found.append(
                ("call", number, call["function"]["name"], json.loads(call["function"]["arguments"]))
            )
    return found


def facts_back(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the same of a dialogue in Anthropic's form."""
    found: list[tuple[Any, ...]] = []
    named: dict[str, int] = {}
    for message in messages:
        content = message["content"]
        blocks: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "text":
                found.append((message["role"], block["text"]))
            elif block["type"] == "image":
                source = block["source"]
                found.append((message["role"], f"data:{source['media_type']};base64,{source['data']}"))
            elif block["type"] == "tool_use":
                named[block["id"]] = len(named) + 1
                found.append(("call", named[block["id"]], block["name"], block["input"]))
            else:
                found.append(("result", named[block["tool_use_id"]], block["content"]))
    return found


@settings(max_examples=how_many(200), deadline=None)
@given(dialogues())
def test_what_both_know_comes_back(messages: list[dict[str, Any]]) -> None:
    """And the API takes it: turns alternate, ids are in its letters and stand once, calls have results."""
    made = history(*messages)
    systems = [message["content"] for message in messages if message["role"] == "system"]
    expected = facts(messages)
    last = next(each for each in reversed(messages) if each["role"] != "system")  # systems are apart
    if last["role"] == "assistant" and "tool_calls" not in last:
        expected[-1] = ("assistant", expected[-1][1].rstrip())  # an answer to go on from

    assert systems == [block["text"] for block in made.system]
    assert expected == facts_back(made.messages)
    body = {"model": "m", "max_tokens": 1, "messages": made.messages}
    assert complaint(json.dumps(body).encode(), sampling=True)[1] is None


def test_ids_are_rewritten_alike_in_calls_and_results() -> None:
    ids = CallIds(["call:0", "call_0", "call:0", "", "fine-1"])

    assert [ids.of_call("call:0"), ids.of_call("call_0")] == ["call_0_2", "call_0"]
    assert [ids.of_result("call:0"), ids.of_result("call_0")] == ["call_0_2", "call_0"]
    assert (ids.of_call("call:0"), ids.of_result("call:0")) == ("call_0_3", "call_0_3")
    assert (ids.of_call(None), ids.of_result(None)) == ("call", "call")
    assert (ids.of_call("fine-1"), ids.of_call("fine-1")) == ("fine-1", "fine-1_2")


def test_systems_are_gathered_and_neighbours_of_one_role_are_one_turn() -> None:
    made = history(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "developer", "content": "In rhymes."},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "d"},
    )

    assert [block["text"] for block in made.system] == ["Be brief.", "In rhymes."]
    assert made.messages == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


def test_who_only_gives_instructions_speaks() -> None:
    made = history({"role": "system", "content": "One."}, {"role": "system", "content": "Two."})

    assert made == History([{"type": "text", "text": "One."}], [{"role": "user", "content": "Two."}], ())


def test_results_of_neighbouring_calls_stand_first_in_one_message() -> None:
    made = history(
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": each, "type": "function", "function": {"name": "f", "arguments": ""}} for each in "ab"
            ],
        },
        {"role": "user", "content": "wait"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "tool", "tool_call_id": "a", "content": ""},
    )

    assert made.messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "text", "text": "wait"},
    ]
    assert made.tools == ("f",)


@pytest.mark.parametrize("arguments", ["{broken", "[1]", '"text"', "NaN", '{"a": NaN}', '{"a": "\\ud800"}'])
def test_arguments_that_are_no_object_still_cross(arguments: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    made = history({"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call]})

    assert made.messages[1]["content"][0]["input"] == {INVALID_JSON: arguments}


def test_the_old_form_of_calls_crosses_too() -> None:
    made = history(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
    )

    assert [turn["content"][0] for turn in made.messages[1:]] == [
        {"type": "tool_use", "id": "call", "name": "f", "input": {}},
        {"type": "tool_result", "tool_use_id": "call", "content": "42"},
    ]


def test_parts_become_blocks() -> None:
    kept = {"cache_control": {"type": "ephemeral"}}
    native = {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}}
    made = history({
        "role": "user",
        "content": [
            {"type": "text", "text": "see", **kept},
            {"type": "text", "text": ""},
            {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,QUJD"}, **kept},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
            native,
        ],
    })  # fmt: skip

    pdf = {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}
    assert made.messages[0]["content"] == [
        {"type": "text", "text": "see", **kept},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}, **kept},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        native,
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "data:image/png,abc"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ],
)
def test_a_part_that_cannot_cross_is_an_error_and_not_left_out(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        history({"role": "user", "content": [part]})


def reply_of(blocks: list[dict[str, Any]], provider: str) -> Message:
    """Return the message that a router makes of a reply of these blocks."""
    deltas = decoded(wire(blocks, {"input_tokens": 1, "output_tokens": 1}, "tool_use"))
    calls = [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
        for identity, name, arguments in calls_of(deltas)
    ]
    text = "".join(delta.text for delta in deltas)
    message = Message.parse({"role": "assistant", "content": text or None, "tool_calls": calls or None})
    return Message(
        message.role, message.content, message.extra, {provider: {"reasoning_details": details_of(deltas)}}
    )


@settings(max_examples=how_many(150), deadline=None)
@given(st.data())
def test_a_reply_goes_back_to_who_signed_it_as_it_came(data: st.DataObject) -> None:
    """Block by block, in their order; to anybody else go the text and the calls alone."""
    kinds = data.draw(
        st.lists(st.sampled_from(["thinking", "redacted", "text", "call", "search"]), min_size=1, max_size=6)
    )
    blocks: list[dict[str, Any]] = []
    for number, kind in enumerate(kinds):
        if kind == "thinking":
            blocks.append({"type": "thinking", "thinking": data.draw(WORDS), "signature": f"c2ln{number}"})
        elif kind == "redacted":
            blocks.append({"type": "redacted_thinking", "data": f"cmVk{number}"})
        elif kind == "text" and not (blocks and blocks[-1]["type"] == "text"):
            blocks.append({"type": "text", "text": data.draw(SPOKEN).strip()})
        elif kind == "call":
            blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": "f", "input": {"n": number}})
        elif kind == "search":
            blocks += SEARCH
    if not blocks:
        return
    message = reply_of(blocks, "anthropic")
    ask = Message.parse({"role": "user", "content": "q"})
    ours = history_of([ask, message, ask], "anthropic").messages[1:-1]
    others = history_of([ask, message, ask], "second").messages[1:-1]

    returned = [
        {"type": "text", "text": t["content"]} if isinstance(t["content"], str) else t["content"]
        for t in ours
    ]
    flat = [block for each in returned for block in (each if isinstance(each, list) else [each])]
    special = any(kind in ("thinking", "redacted", "search") for kind in kinds)
    expected = blocks if special else sorted(blocks, key=lambda block: block["type"] == "tool_use")
    assert expected == (flat if special else _merged(flat, expected))
    kinds_of_others = {
        block["type"] for turn in others if isinstance(turn["content"], list) for block in turn["content"]
    }
    assert kinds_of_others <= {"text", "tool_use"}


def _merged(flat: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `flat`, or `expected` where the only difference is that texts around a call are joined."""
    joined = "".join(block["text"] for block in expected if block["type"] == "text")
    calls = [block for block in expected if block["type"] == "tool_use"]
    text = [{"type": "text", "text": joined}] if joined else []
    return expected if flat == [*text, *calls] else flat


def test_thinking_without_a_signature_and_that_of_others_stays_away() -> None:
    details = [{"type": "thinking", "thinking": "unsigned"}, {"type": "reasoning.text", "text": "of a relay"}]
    made = history(
        {"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "reasoning_details": details}
    )

    assert made.messages[1] == {"role": "assistant", "content": "a"}


def test_a_text_that_was_changed_stands_behind_the_thinking() -> None:
    details = [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "length": 999}]
    made = history(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "new", "reasoning_details": details},
    )

    assert made.messages[1]["content"] == [details[0], {"type": "text", "text": "new"}]


def test_tools_of_the_history_are_defined_though_none_are_offered() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    request = ChatRequest.build([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
    ])  # fmt: skip
    body = request_body(request, "claude-x", Dialect("2023-06-01"), (), "anthropic")

    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
