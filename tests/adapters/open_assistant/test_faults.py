"""OpenAssistant where the site fails, before and after content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ConnectFailed,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    ServiceFailed,
)
from tests.adapters.open_assistant.talk import adapted, read, read_into, request, site, text

if TYPE_CHECKING:
    from adapters.contract import Delta

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"fault": "401"}, AuthenticationFailed),
        ({"fault": "403"}, AuthenticationFailed),
        ({"fault": "404"}, NotWorking),
        ({"fault": "429"}, ServiceFailed),
        ({"fault": "500"}, ServiceFailed),
        ({"fault": "503"}, ServiceFailed),
        ({"fault": "html"}, BadReply),
        ({"fault": "json_error"}, BadReply),
        ({"fault": "redirect"}, BadReply),
        ({"fault": "garbage"}, BadReply),
        ({"fault": "error_event"}, ServiceFailed),
        ({"fault": "error_event", "worker_says": "Input length 2000 exceeds 1024"}, ContextTooLong),
        ({"fault": "timeout_error"}, ServiceFailed),
        ({"fault": "cancelled"}, ServiceFailed),
        ({"fault": "cut", "afterwards": "aborted_by_worker", "deltas": ["", "a"]}, ServiceFailed),
        ({"chat": False}, NotWorking),
        ({"longest": 5}, ContextTooLong),
    ],
)
async def test_failures_before_content(options: dict[str, Any], kind: type[AdapterError]):
    async with site(**options) as simulator, adapted(simulator) as adapter:
        with pytest.raises(AdapterError) as caught:
            await read(adapter)

    assert type(caught.value) is kind
    assert str(caught.value).startswith("open_assistant: ")


async def test_a_full_queue_says_when_to_come_back():
    async with site(fault="503", retry_after="7") as simulator, adapted(simulator) as adapter:
        with pytest.raises(ServiceFailed, match="busy") as caught:
            await read(adapter)

    assert (caught.value.status, caught.value.retry_after) == (503, 7.0)


async def test_a_refused_connection():
    async with site(fault="refuse") as simulator, adapted(simulator) as adapter:
        with pytest.raises(ConnectFailed):
            await read(adapter)


async def test_an_unknown_model():
    async with site() as simulator, adapted(simulator, model="nope") as adapter:
        with pytest.raises(ModelNotFound, match="Model nope not found"):
            await read(adapter)


async def test_a_nul_character_is_refused_before_anything_is_asked():
    async with site() as simulator, adapted(simulator) as adapter:
        with pytest.raises(InvalidRequest, match="NUL"):
            await read(adapter, request("a\0b"))

        assert simulator.requests == []


@pytest.mark.parametrize(
    "options", [{"fault": "error_after"}, {"fault": "cut", "afterwards": "aborted_by_worker"}]
)
async def test_failures_after_content_come_after_it(options: dict[str, Any]):
    got: list[Delta] = []
    async with site(**options) as simulator, adapted(simulator) as adapter:
        with pytest.raises(ServiceFailed, match="gave the answer up"):
            await read_into(got, adapter)

    assert text(got) == "Hello from"
