"""Whose piece is whose: calls come out right, whatever a service does with index, id and name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.errors import AdapterError, BadReply
from adapters.openai.tool_calls import ToolCallReader
from router.reply.transcript import join_tool_calls
from tests.adapters.limits import meter
from tests.adapters.wire.documents import JSON

if TYPE_CHECKING:
    from adapters.contract import ToolCallFragment

A, B = '{"city":"A"}', '{"city":"B"}'


def piece(name: Any = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {**fields, "function": {key: value for key, value in function.items() if value is not None}}


def fragments(*chunks: Any) -> list[ToolCallFragment]:
    reader = ToolCallReader(meter())
    found = [fragment for chunk in chunks for fragment in reader.read(chunk)]
    return [*found, *reader.held()]


def calls(*chunks: Any) -> list[tuple[str | None, str | None, str]]:
    return [(call.id, call.name, call.arguments) for call in join_tool_calls(fragments(*chunks))]


ONE = [("c1", "w", A)]
TWO = [("c1", "w", A), ("c2", "w", B)]
KINDS = {
    "as OpenAI streams them": (
        [
            [piece("w", "", index=0, id="c1")], [piece(None, A, index=0)],
            [piece("w", "", index=1, id="c2")], [piece(None, B, index=1)],
        ],
        TWO,
    ),
    "interleaved by index": (
        [
            [piece("w", A[:4], index=0, id="c1")], [piece("w", B[:4], index=1, id="c2")],
            [piece(None, A[4:], index=0), piece(None, B[4:], index=1)],
        ],
        TWO,
    ),
    "all of index 0, whole": ([[piece("w", A, index=0, id="c1")], [piece("w", B, index=0, id="c2")]], TWO),
    "all of index 0, in pieces": (
        [
            [piece("w", "", index=0, id="c1")], [piece(None, A, index=0)],
            [piece("w", "", index=0, id="c2")], [piece(None, B[:3], index=0)], [piece(None, B[3:], index=0)],
        ],
        TWO,
    ),
    "no index": ([[piece("w", A[:3], id="c1")], [piece(None, A[3:])], [piece("w", B, id="c2")]], TWO),
    "no index, together": ([[piece("w", A, id="c1"), piece("w", B, id="c2")]], TWO),
    "no index, together, in pieces": (
        [[piece("w", A[:3], id="c1"), piece("w", B[:4], id="c2")], [piece(None, A[3:]), piece(None, B[4:])]],
        TWO,
    ),
    "no index and no id": ([[piece("w", A)], [piece("w", B)]], [(None, "w", A), (None, "w", B)]),
    "no id, index 0, other names": (
        [[piece("v", "", index=0)], [piece("w", "", index=0)], [piece(None, A, index=0)]],
        [(None, "v", ""), (None, "w", A)],
    ),
    "id and name in each piece": (
        [[piece("w", A[:5], index=0, id="c1")], [piece("w", A[5:], index=0, id="c1")]], ONE,
    ),
    "id and name in each piece, no index": (
        [[piece("w", A[:5], id="c1")], [piece("w", A[5:], id="c1")], [piece("w", "", id="c1")]], ONE,
    ),
    "the name in each piece": (
        [[piece("w", A[:5], index=0)], [piece("w", A[5:], index=0)]], [(None, "w", A)],
    ),
    "the same id at another index": (
        [[piece("w", A[:5], index=0, id="c1")], [piece(None, A[5:], index=1, id="c1")]], ONE,
    ),
    "one id for all calls": (
        [[piece("w", A, index=0, id="c")], [piece("w", B, index=1, id="c")]], [("c", "w", A), ("c", "w", B)],
    ),
    "the id later": ([[piece("w", A[:5], index=0)], [piece(None, A[5:], index=0, id="c1")]], ONE),
    "numeric ids": (
        [[piece("w", A, index=0, id=7)], [piece("w", B, index=0, id=8)]], [("7", "w", A), ("8", "w", B)],
    ),
    "arguments as an object": ([[piece("w", {"city": "A"}, id="c1")]], [("c1", "w", '{"city": "A"}')]),
    "a call that is no list": ([piece("w", A, id="c1")], ONE),
    "a flat call": ([[{"id": "c1", "name": "w", "arguments": A}]], ONE),
    "odd indexes": ([[piece("w", A, index="0", id="c1")], [piece("w", B, index=-1, id="c2")]], TWO),
}  # fmt: skip


@pytest.mark.parametrize(("chunks", "expected"), KINDS.values(), ids=KINDS)
def test_the_calls_come_out_right(chunks, expected):
    assert expected == calls(*chunks)


@pytest.mark.parametrize(("chunks", "expected"), KINDS.values(), ids=KINDS)
def test_id_and_name_stand_in_one_fragment_of_each_call(chunks, expected):
    found = fragments(*chunks)

    for index in {fragment.index for fragment in found}:
        mine = [fragment for fragment in found if fragment.index == index]
        assert [fragment.name is not None for fragment in mine] == [True] + [False] * (len(mine) - 1)
        assert sum(fragment.id is not None for fragment in mine) <= 1


def test_the_old_form_is_one_call():
    reader = ToolCallReader(meter())

    found = [
        *reader.read_old_form({"name": "now", "arguments": ""}),
        *reader.read_old_form({"arguments": "{}"}),
    ]
    (call,) = join_tool_calls(found)

    assert (None, "now", "{}", "function_call") == (call.id, call.name, call.arguments, call.type)


def test_a_custom_tool_has_its_input_as_it_is():
    (call,) = join_tool_calls(
        fragments(
            [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}],
            [{"index": 0, "custom": {"input": " 1"}}],
        )
    )

    assert ("c", "sql", "SELECT 1", "custom", "SELECT 1") == (
        call.id,
        call.name,
        call.arguments,
        call.type,
        call.parsed,
    )


def test_signatures_are_kept_and_stand_in_the_signed_call_alone():
    google = {"google": {"thought_signature": "U0lH"}}
    (call,) = join_tool_calls(
        fragments([{**piece("now", "{}", id="c"), "type": "function", "extra_content": google}])
    )
    plain = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}

    assert {"extra_content": google} == call.extra
    assert plain == call.as_dict()
    assert {**plain, "extra_content": google} == call.as_dict(signed=True)


def test_a_signature_inside_the_function_goes_back_there():
    (call,) = join_tool_calls(
        fragments([{"id": "c", "function": {"name": "now", "arguments": "", "sig": "x"}}])
    )

    assert {"name": "now", "arguments": "", "sig": "x"} == call.as_dict(signed=True)["function"]


def test_the_arguments_of_a_call_are_parsed():
    (call,) = join_tool_calls(fragments([piece("w", A)]))
    (cut,) = join_tool_calls(fragments([piece("w", A[:5])]))
    (empty,) = join_tool_calls(fragments([piece("w", "")]))

    assert ({"city": "A"}, {}) == (call.parsed, empty.parsed)
    with pytest.raises(ValueError, match="the arguments of the tool call 'w' are not JSON"):
        _ = cut.parsed


@pytest.mark.parametrize("wrong", ["x", [1], [{"function": "x"}], 7])
def test_a_call_of_an_unknown_shape_is_not_lost_unnoticed(wrong):
    with pytest.raises(BadReply, match="another shape"):
        fragments(wrong)


@given(st.lists(JSON | st.lists(st.fixed_dictionaries({}, optional={
    "index": JSON, "id": JSON, "type": JSON, "custom": JSON, "x": JSON,
    "function": st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON}),
})), max_size=4))  # fmt: skip
def test_any_json_is_fragments_that_can_be_encoded_or_a_library_error(chunks):
    try:
        found = fragments(*chunks)
    except AdapterError:
        return
    for call in join_tool_calls(found):
        json.dumps([call.id, call.name, call.arguments], ensure_ascii=False).encode()
