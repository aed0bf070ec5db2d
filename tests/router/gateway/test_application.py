"""The application itself, called as ASGI servers call it, on both event loops."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from adapters.contract import errors
from adapters.scripted import Forever, ScriptedAdapter, Unfinished
from router import RetryPolicy, Router
from router.events import RequestEnded
from router.gateway import ClientKey, GatewaySettings, app
from router.gateway.admission import Admission
from router.gateway.answer import Dropped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.anyio


class Call:
    """One request to an application; the client leaves when it is told to."""

    def __init__(
        self,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/chat/completions",
        method: str = "POST",
    ) -> None:
        self.sent: list[dict[str, Any]] = []
        self.left = anyio.Event()
        said: dict[str, Any] = {} if "input" in body else {"messages": []}
        self._parts = [json.dumps({"model": "chat-router", **said, **body}).encode()]
        self._headers, self._path, self._method = headers or {}, path, method

    async def to(self, application: Any) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._method,
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in {"host": "gateway", **self._headers}.items()],
        }
        await application(scope, self._receive, self._send)
        return int(self.sent[0]["status"]) if self.sent else 0

    async def _receive(self) -> dict[str, Any]:
        if self._parts:
            return {"type": "http.request", "body": self._parts.pop(), "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


USER: Sequence[Mapping[str, str]] = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("streams", [False, True])
async def test_it_answers(streams: bool) -> None:
    async with Router([ScriptedAdapter("one", ["Hel", "lo"])], observers=[]) as router:
        call = Call({"messages": USER, "stream": streams})

        assert await call.to(app(router)) == 200
        assert (b"[DONE]" in call.body) is streams
        assert b"Hel" in call.body


async def test_a_client_that_leaves_cancels_the_reply() -> None:
    adapter = ScriptedAdapter("one", [Forever])
    async with Router([adapter], observers=[]) as router:
        call = Call({"messages": USER, "stream": True})
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(call.to, app(router))
                await anyio.wait_all_tasks_blocked()
                assert len(adapter.requests) == 1
                call.left.set()

    assert not call.sent


async def test_a_reply_that_breaks_off_is_dropped() -> None:
    async with Router([ScriptedAdapter("one", ["Hel", Unfinished])], observers=[]) as router:
        call = Call({"messages": USER, "stream": True})
        with pytest.raises(Dropped):
            await call.to(app(router))

    assert b'"error":' in call.body
    assert call.sent[-1]["more_body"] is True


async def test_room_keys_and_the_queue() -> None:
    settings = GatewaySettings(concurrency=1, queue=1, queue_seconds=30, keys=[ClientKey("a", "key-of-a")])
    async with Router([ScriptedAdapter("one", [Forever])], observers=[]) as router:
        application = app(router, settings)
        key = {"x-api-key": "key-of-a"}
        first, second, third = (Call({"messages": USER}, key) for _ in range(3))
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for each in (first, second):
                    group.start_soon(each.to, application)
                    await anyio.wait_all_tasks_blocked()
                assert await third.to(application) == 503
                assert await Call({"messages": USER}).to(application) == 401
                first.left.set()
                await anyio.wait_all_tasks_blocked()
                assert not second.sent, "it is its turn now"
                second.left.set()

    assert json.loads(third.body)["error"]["code"] == "gateway_full"


async def test_no_prompt_and_no_reply_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with Router([ScriptedAdapter("one", ["a reply of hunter2"])]) as router:
        call = Call({"messages": [{"role": "user", "content": "hunter3"}], "model": "one/small"})
        assert await call.to(app(router)) == 200

    assert "model='one/small' provider='one' status=200" in caplog.text
    assert "hunter" not in caplog.text


async def test_it_can_be_mounted_beside_others() -> None:
    async with Router([ScriptedAdapter("one", ["Hello"])], observers=[]) as router:
        mounted = Starlette(routes=[Mount("/chain", app(router))])
        call = Call({"messages": USER}, path="/chain/v1/chat/completions")

        assert await call.to(mounted) == 200
        assert b"Hello" in call.body


async def test_a_bug_before_the_answer_is_told_in_the_words_of_the_api(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    async with Router([ScriptedAdapter("one", ["Hello"])], observers=[]) as router:
        call = Call({"messages": USER}, path="/v1/messages")
        monkeypatch.setattr(Admission, "admit", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            await call.to(app(router))

    assert call.sent[0]["status"] == 500
    assert json.loads(call.body)["error"]["type"] == "api_error"


API_PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses"]
ASKED: Mapping[str, Any] = {"messages": USER, "input": "Hi", "max_tokens": 9}


def body_for(path: str, **further: Any) -> dict[str, Any]:
    drop = {"/v1/responses": ("messages", "max_tokens"), "/v1/messages": ("input",)}.get(path, ("input",))
    return {name: value for name, value in {**ASKED, **further}.items() if name not in drop}


@pytest.mark.parametrize("path", API_PATHS)
async def test_every_failure_names_its_request(path: str) -> None:
    ended: list[str] = []

    def observe(event: object) -> None:
        if isinstance(event, RequestEnded):
            ended.append(event.request_id)

    key = {"x-api-key": "key-of-a"}
    failing = ScriptedAdapter("one", [errors.ServiceFailed])
    retry = RetryPolicy(attempts=1)
    async with Router([failing], observers=[observe], retry=retry) as router:
        application = app(router, GatewaySettings(keys=[ClientKey("a", "key-of-a")]))
        failed = Call(body_for(path), key, path)
        keyless, wrong = Call(body_for(path), {}, path), Call({"model": 3}, key, path)
        assert [await each.to(application) for each in (failed, keyless, wrong)] == [503, 401, 400]

    names = [request_id_of(each) for each in (failed, keyless, wrong)]
    assert names[0] == ended[0]
    assert len({*names}) == 3
    for call, name in zip((failed, keyless, wrong), names, strict=True):
        document = json.loads(call.body)
        assert document.get("request_id") == (name if path == "/v1/messages" else None)
    assert dict(keyless.sent[0]["headers"])[b"www-authenticate"].startswith(b"Bearer")
    assert b"www-authenticate" not in dict(failed.sent[0]["headers"])


def request_id_of(call: Call) -> str:
    headers = dict(call.sent[0]["headers"])
    assert headers[b"x-request-id"] == headers[b"request-id"]
    return str(headers[b"x-request-id"].decode())


@pytest.mark.parametrize("path", API_PATHS)
async def test_a_failure_after_content_has_the_id_of_the_head(path: str) -> None:
    async with Router([ScriptedAdapter("one", ["Hel", Unfinished])], observers=[]) as router:
        call = Call({"model": "chat-router", **body_for(path, stream=True)}, path=path)
        with pytest.raises(Dropped) as raised:
            await call.to(app(router))

    name = request_id_of(call)
    assert len(name) == 16
    if path == "/v1/messages":
        assert f'"request_id":"{name}"'.encode() in call.body
    assert raised.value.args == ()


async def test_addresses_that_there_are_not_and_foreign_pages_name_the_request_too() -> None:
    async with Router([ScriptedAdapter("one", ["x"])], observers=[]) as router:
        lost = Call({}, path="/v2/chat")
        foreign = Call({}, {"origin": "https://evil.example"})
        assert [await lost.to(app(router)), await foreign.to(app(router))] == [404, 403]

    for call in (lost, foreign):
        assert json.loads(call.body)["request_id"] == request_id_of(call)


async def test_there_is_no_other_address() -> None:
    async with Router([ScriptedAdapter("one", ["x"])], observers=[]) as router:
        call = Call({}, path="/v2/chat")

        assert await call.to(app(router)) == 404
        assert json.loads(call.body)["error"]["code"] == "unknown_url"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/messages/", "/v1/messages"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/openai/responses", "/v1/responses"),
        ("/messages/count_tokens", "/v1/messages/count_tokens"),
    ],
)
async def test_a_path_without_its_beginning_is_told_the_whole_one(path: str, meant: str) -> None:
    async with Router([ScriptedAdapter("one", ["x"])], observers=[]) as router:
        call, mounted = Call({}, path=path), Call({}, path=f"/chain{path}")
        assert await call.to(app(router)) == 404
        assert await mounted.to(Starlette(routes=[Mount("/chain", app(router))])) == 404

    said = json.loads(call.body)["error"]["message"]
    assert said.startswith(f"the gateway has no POST {path}; did you mean {meant}? ")
    assert "a base_url that ends in /v1" in said
    assert f"did you mean /chain{meant}?" in json.loads(mounted.body)["error"]["message"]


async def test_a_path_like_none_is_told_those_that_there_are_and_a_wrong_method_the_right_one() -> None:
    async with Router([ScriptedAdapter("one", ["x"])], observers=[]) as router:
        lost, read = Call({}, path="/v1/embeddings"), Call({}, method="GET")
        assert [await lost.to(app(router)), await read.to(app(router))] == [404, 405]

    assert "; it answers /v1/chat/completions, /v1/messages, " in json.loads(lost.body)["error"]["message"]
    assert json.loads(read.body)["error"]["message"] == "/v1/chat/completions takes POST, not GET"
    assert dict(read.sent[0]["headers"])[b"allow"] == b"POST"
