"""What the calls of chat-ui look like by generation, and what its errors mean."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from adapters import (
    AuthenticationFailed,
    BadReply,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.h2o.errors import advice_on, kind_of
from adapters.h2o.generations import (
    Family,
    Generation,
    conversation_of,
    models_of,
    models_of_page,
    parameters,
    parent_of,
    settings_body,
    turn_body,
)


def body_of(family: Family, **extra: Any) -> dict[str, Any]:
    form = "json" if family == "G1/G2" else "form"
    sent = turn_body(family, "json" if form == "json" else "form", "Hi", parent="p", options={}, extra=extra)
    found: dict[str, Any] = sent["json"] if form == "json" else json.loads(sent["form"]["data"])
    return found


def test_the_turn_of_2023_is_that_of_the_seed():
    body = body_of("G1/G2")
    ids = body["options"].pop("id"), body["options"].pop("response_id")

    assert body == {
        "inputs": "Hi",
        "parameters": {
            "temperature": 0.4,
            "truncate": 2048,
            "max_new_tokens": 1024,
            "do_sample": True,
            "repetition_penalty": 1.2,
            "return_full_text": False,
        },
        "stream": True,
        "options": {"is_retry": False, "use_cache": False, "web_search_id": ""},
    }
    assert len({UUID(each).version for each in ids}) == 1
    assert ids[0] != ids[1]


def test_later_turns_name_their_parent():
    assert body_of("G5") == {"inputs": "Hi", "is_retry": False, "id": "p"}
    assert body_of("G3/G4")["web_search"] is False
    without = turn_body("G3/G4", "json", "Hi", parent=None, options={}, extra={})
    assert "id" not in without["json"]


def test_extra_fields_are_merged():
    assert body_of("G5", timezone="UTC")["timezone"] == "UTC"
    body = body_of("G1/G2", parameters={"watermark": True}, web_search=False)
    assert body["parameters"]["watermark"] is True
    assert body["parameters"]["temperature"] == 0.4
    assert body["web_search"] is False


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"max_tokens": 7}, {"max_new_tokens": 7}),
        ({"temperature": 0.9, "top_k": 5, "seed": 1}, {"temperature": 0.9, "top_k": 5, "seed": 1}),
        ({"temperature": 0}, {"temperature": None, "do_sample": False}),
        ({"top_p": 1, "typical_p": 1.0}, {"top_p": None, "typical_p": None}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ("x", "y")}, {"stop": ["x", "y"]}),
    ],
)
def test_options_become_parameters_that_the_model_server_takes(options: Any, changed: dict[str, Any]):
    chosen = parameters(options)

    usual = {
        "temperature": 0.4,
        "truncate": 2048,
        "max_new_tokens": 1024,
        "do_sample": True,
        "repetition_penalty": 1.2,
        "return_full_text": False,
    }
    expected = {name: value for name, value in {**usual, **changed}.items() if value is not None}

    assert chosen == expected
    assert parameters({}) == usual  # which a request does not change


def test_the_forms_to_try_begin_with_the_known_one():
    assert Generation("G1/G2").settings_forms == ("form", "json")
    assert Generation("G1/G2", settings="json").settings_forms == ("json", "form")
    assert Generation("G3/G4").turn_forms == ("form", "json")
    assert Generation("G3/G4", turn="json").turn_forms == ("json", "form")
    assert (Generation("G5").settings_forms, Generation("G5").turn_forms) == ((), ("form",))


def test_settings_are_text_in_a_form_and_booleans_in_json():
    # Servers of 2023 check that the fields are there, in the order of the page's form.
    assert list(settings_body("form", "m")["form"].items()) == [
        ("ethicsModalAccepted", "true"),
        ("shareConversationsWithModelAuthors", "true"),
        ("ethicsModalAcceptedAt", ""),
        ("activeModel", "m"),
        ("searchEnabled", "true"),
    ]
    assert settings_body("json", "m") == {
        "json": {
            "ethicsModalAccepted": True,
            "shareConversationsWithModelAuthors": True,
            "activeModel": "m",
        }
    }


@pytest.mark.parametrize("created", [None, [], {}, {"conversationId": ""}, {"id": "x"}])
def test_an_answer_without_an_id_is_not_of_the_protocol(created: Any):
    with pytest.raises(BadReply, match="conversationId"):
        conversation_of(created)


@pytest.mark.parametrize("wrapped", [None, "", "{", 7, "null", '{"json":{"messages":[]}}', '{"json":[]}'])
def test_an_unreadable_conversation_is_no_failure(wrapped: Any):
    assert conversation_of({"conversationId": "c", "conversation": wrapped}) == ("c", None)


@pytest.mark.parametrize(
    ("conversation", "parent"),
    [
        ({"messages": [{"id": "a"}, {"id": "b"}]}, "b"),
        ({"json": {"messages": [{"id": "a"}], "rootMessageId": "r"}}, "a"),
        ({"json": {"messages": [], "rootMessageId": "r"}}, "r"),
        ({"messages": [{"id": 7}]}, None),
        ({"messages": [{"id": "x" * 201}]}, None),
        ([], None),
    ],
)
def test_the_parent_is_the_last_message(conversation: Any, parent: str | None):
    assert parent_of(conversation) == parent


def test_models_are_read_plain_and_wrapped():
    assert models_of([{"id": "a"}, {"id": 1}, "x"]) == ("a",)
    assert models_of({"json": [{"id": "a"}]}) == ("a",)
    assert models_of({"error": "x"}) == models_of(None) == ()
    assert models_of([{"id": "a", "unlisted": True}, {"id": "b", "unlisted": False}]) == ("b",)


def test_models_are_read_from_the_data_of_a_page():
    """As v0.3 writes it: numbers stand for places in the list, -1 for nothing."""
    places = [
        {"conversations": 1, "settings": 6, "models": 10, "user": -1},
        [2],
        {"id": 3, "title": 4, "model": 5},
        "6b0004065cc9de4a3d9fdc28",
        "Untitled 1",
        "mock/first",
        {"activeModel": 5, "searchEnabled": 9},
        True,
        ["Date", "2026-11-20T08:25:42.078Z"],
        False,
        [11, 13, 14, 99, "x"],
        {"id": 5, "name": 5, "websiteUrl": 12, "promptExamples": -1},
        "http://127.0.0.1/",
        {"id": 15, "name": 15},
        {"id": 16, "unlisted": 7},
        "mock/second",
        "mock/hidden",
    ]
    found = {"type": "data", "nodes": [None, {"type": "skip"}, {"type": "data", "data": places}]}

    assert models_of_page(found) == ("mock/first", "mock/second")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"nodes": 7},
        {"nodes": [{"data": {}}]},
        {"nodes": [{"data": []}]},
        {"nodes": [{"data": [{"models": 0}]}]},
        {"nodes": [{"data": [{"models": True}, []]}]},
        {"nodes": [{"data": [{"models": -1}, []]}]},
        {"nodes": [{"data": [{"models": 1}, [2, 3], {"id": 9}, "x"]}]},
        {"type": "redirect", "location": "/login"},
    ],
)
def test_the_data_of_other_pages_lists_no_models(data: Any):
    assert models_of_page(data) == ()


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("You have to be logged in.", None, AuthenticationFailed),
        ("You are sending too many messages. Try again later.", None, RateLimited),
        ("Exceeded number of messages before login", None, QuotaExhausted),
        ("Rate limit reached for requests", None, RateLimited),
        ("Model mock is currently loading", None, ServiceFailed),
        ("Incorrect API key provided", None, NotWorking),
        ("401 Unauthorized", 401, NotWorking),
        ("nothing to say", 401, NotWorking),
        ("404 no such model", 404, ModelNotFound),
        ("404 page", "404", NotWorking),
        ("400 bad request", None, InvalidRequest),
        ("Server response contains error: 500", None, ServiceFailed),
        ("Input validation error: inputs must have less than 2048 tokens", "validation", ContextTooLong),
        ("Input validation error: top_p", None, InvalidRequest),
        ("something", "validation", InvalidRequest),
        ("Model is overloaded", "overloaded", RateLimited),
        ("something", "new_kind", None),
        ("engine died", None, None),
        ("I wrote 450 lines", None, None),
        ("x", 200, None),
    ],
)
def test_what_errors_mean(message: str, status: int | str | None, kind: type[Exception] | None):
    assert kind_of(message, status) is kind


def test_advice_is_given_where_there_is_some():
    assert "cookie" in advice_on("You have to be logged in.")
    assert advice_on("engine died") == ""
