"""What stands beside the text: reasoning, usage, images, sound, notes, further choices, the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.contract import Beside, Delta, Usage
from adapters.contract.delta import together
from adapters.contract.errors import ReplyTooLarge, ServiceFailed
from adapters.openai.codec import ChunkDecoder
from adapters.wire.reply_limits import Meter
from router.reply.transcript import Reply, Transcript
from tests.adapters.limits import EMPTY, LINE, meter

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def sse(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def says(
    content: Any = None, finish_reason: str | None = None, index: int = 0, **fields: Any
) -> dict[str, Any]:
    choice = {"index": index, "delta": {"content": content, **fields}, "finish_reason": finish_reason}
    return {"choices": [choice]}


def read(*chunks: Any, choices: int = 1, counting: Meter | None = None) -> tuple[list[Delta], ChunkDecoder]:
    decoder = ChunkDecoder(counting or meter(), LINE, EMPTY, choices=choices)
    deltas = decoder.feed(sse(*chunks)) + decoder.feed(b"data: [DONE]\n\n")
    deltas += decoder.flush()
    return deltas + ([decoder.last()] if decoder.proved and decoder.failure is None else []), decoder


def reply(*chunks: Any, choices: int = 1) -> Reply:
    transcript = Transcript()
    for delta in read(*chunks, choices=choices)[0]:
        transcript.add(delta)
    return transcript.reply("first", "complete", ())


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning": {"content": "hm"}},
        {"reasoning_text": "hm"},
        {"thinking": "hm"},
        {"thinking": {"thinking": "hm"}},
        {"reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"summary": "m"}]},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning_content": "", "reasoning": "hm"},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
    ],
    ids=str,
)
def test_reasoning_is_known_under_every_name_and_is_progress(fields):
    deltas, _ = read(says(**fields))

    assert "hm" == deltas[0].reasoning
    assert deltas[0].has_content


@pytest.mark.parametrize(
    "fields",
    [{"reasoning": 5}, {"thinking": True}, {"reasoning_details": "x"}, {"images": 3}, {"audio": "x"},
     {"annotations": [1]}, {"refusal": {"a": 1}}, {"reasoning_content": [1]}, {"function_call": None}],
    ids=str,
)  # fmt: skip
def test_an_unknown_shape_at_the_side_costs_no_reply(fields):
    deltas, decoder = read({"model": 1, **says("Hi", **fields)}, {"usage": "x", **says(" you", "stop")})

    assert ("Hi you", None, True) == ("".join(d.text for d in deltas), decoder.failure, decoder.proved)


@pytest.mark.parametrize(
    ("chunks", "usage"),
    [
        ([{"usage": {"prompt_tokens": 3.0, "completion_tokens": 2.0, "total_tokens": 5.0}}], Usage(3, 2, 5)),
        ([{"choices": [{"index": 0, "delta": {}, "usage": {"total_tokens": 5}}]}], Usage(total_tokens=5)),
        (
            [{**says("a"), "usage": {"total_tokens": 4}}, {**says("b"), "usage": {"total_tokens": 5}}],
            Usage(total_tokens=5),
        ),
        ([{"usage": {"prompt_tokens": float("inf"), "total_tokens": 1}}], Usage(total_tokens=1)),
        ([{"usage": {"input_tokens": 3, "output_tokens": 2}}], Usage(3, 2)),
        (
            [
                {
                    "usage": {
                        "total_tokens": 5,
                        "prompt_tokens_details": {"cached_tokens": 1},
                        "completion_tokens_details": {"reasoning_tokens": 2},
                    }
                }
            ],
            Usage(None, None, 5, 1, 2),
        ),
        ([{"usage": {"total_tokens": 5, "prompt_cache_hit_tokens": 4}}], Usage(None, None, 5, 4)),
    ],
)
def test_usage_is_read_wherever_and_however_it_comes(chunks, usage):
    assert usage == reply(*chunks).usage


@pytest.mark.parametrize(
    "fields",
    [{"content": "", "images": [IMAGE]}, {"images": IMAGE}, {"content": [IMAGE]}],
    ids=["a list", "one", "a part"],
)
def test_an_image_is_content(fields):
    deltas, _ = read(says(**fields), says(None, "stop"))

    assert deltas[0].has_content
    assert (IMAGE,) == reply(says(**fields)).images


def test_sound_is_content_and_its_pieces_are_kept():
    whole = reply(says(audio={"id": "a"}), says(audio={"data": "AA=="}), says(audio={"transcript": "Hi"}))
    begun, sounding, *_ = read(says(audio={"id": "a"}), says(audio={"data": "AA=="}))[0]

    assert ({"id": "a"}, {"data": "AA=="}, {"transcript": "Hi"}) == whole.audio
    assert (False, True) == (begun.has_content, sounding.has_content)


def test_notes_and_the_rest_of_the_chunks_are_kept():
    note = {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
    token = {"token": "Hi", "logprob": -0.1, "top_logprobs": []}
    chunk = says("Hi", annotations=[note])
    chunk["choices"][0]["logprobs"] = {"content": [token]}
    whole = reply(
        {"id": "r1", "model": "m", "service_tier": "flex", **says(None, role="assistant")},
        chunk,
        {"citations": ["https://a.example"], **says(None, "stop")},
    )

    assert ((note,), (token,), ("https://a.example",)) == (whole.annotations, whole.logprobs, whole.citations)
    assert {"id": "r1", "service_tier": "flex", "citations": ["https://a.example"]} == whole.extra


def test_a_refusal_is_text_and_is_kept_apart_too():
    whole = reply(says(refusal="I "), says(refusal="can't."), says("", "stop"))

    assert ("I can't.", "I can't.") == (whole.text, whole.refusal)
    assert reply(says("Hi")).refusal is None


def test_further_choices_are_delivered_where_they_were_asked_for():
    chunks = [
        says("a"), says("x", index=1), says("b", "stop"), says("y", index=1),
        says(None, "length", index=1), {"choices": [], "usage": {"total_tokens": 9}},
    ]  # fmt: skip
    deltas, _ = read(*chunks, choices=2)
    whole = reply(*chunks, choices=2)
    (other,) = whole.choices

    assert ("ab", "stop", Usage(total_tokens=9)) == (whole.text, whole.finish_reason, whole.usage)
    assert (1, "xy", "length") == (other.index, other.text, other.finish_reason)
    assert [False, False, False, False, True] == [delta.is_last for delta in deltas]
    assert all(delta.has_content for delta in deltas[:4])
    assert () == reply(*chunks).choices


def test_a_choice_that_never_finishes_does_not_hide_the_reason_of_the_first():
    deltas, decoder = read(says("a", "stop"), says("x", index=1), choices=2)

    assert (True, "stop") == (decoder.proved, deltas[-1].finish_reason)


def test_an_error_inside_a_choice_is_an_error():
    failed = {"choices": [{"index": 0, "delta": {}, "error": {"message": "it broke", "code": 502}}]}
    deltas, decoder = read(says("Hal"), failed)

    assert ["Hal"] == [delta.text for delta in deltas]
    assert isinstance(decoder.failure, ServiceFailed)
    assert "it broke" in str(decoder.failure)


@pytest.mark.parametrize("chunk", [
    says(images=[{"url": "x" * 40}]), {"x": "x" * 40, "choices": []}, says(annotations=[{"x": "x" * 40}]),
])  # fmt: skip
def test_what_is_beside_the_text_counts_against_the_limit_of_the_reply(chunk):
    chunks = [{**chunk, "y": number} for number in range(10)]

    _, decoder = read(*chunks, counting=Meter(characters=200, empty=EMPTY))

    assert isinstance(decoder.failure, ReplyTooLarge)


def test_deep_nesting_at_the_side_is_cut():
    nested: Any = {}
    for _ in range(400):
        nested = {"a": [nested]}
    whole = reply({"x": nested, **says(None, "stop", images=[{"a": nested}])})

    assert (1, "stop") == (len(whole.images), whole.finish_reason)


def test_a_plain_delta_has_nothing_beside():
    deltas, _ = read(
        {"model": "m", **says("a")}, {"id": "x", "system_fingerprint": "f", **says("b")}, says("c")
    )

    assert [None, None, None] == [delta.beside for delta in deltas[:3]]


def test_parts_beside_the_text_are_joined_in_order():
    parts = [
        None,
        Beside(images=({"a": 1},), refusal="n", extra={"x": 1}),
        Beside(images=({"b": 2},), refusal="o"),
    ]

    assert Beside(images=({"a": 1}, {"b": 2}), refusal="no", extra={"x": 1}) == together(parts)
    assert together([None]) is None
