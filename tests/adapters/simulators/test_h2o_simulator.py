"""The simulated chat-ui, as the recorded servers were seen from outside."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest

from adapters.simulators.h2o import GENERATIONS, MODELS, H2oSimulator

pytestmark = pytest.mark.anyio
COOKIE: Final = {"cookie": "hf-chat=5a1c7e0e-0000-4000-8000-000000000001"}


class Browser:
    """A client that does as it is told, with a session cookie and the right origin."""

    def __init__(self, simulator: H2oSimulator, client: httpx.AsyncClient) -> None:
        self.url = simulator.url
        self.client = client
        self.headers = {**COOKIE, "origin": self.url, "referer": self.url + "/"}

    async def post(self, path: str, **body: Any) -> httpx.Response:
        headers = {**self.headers, **body.pop("headers", {})}
        return await self.client.post(self.url + path, headers=headers, **body)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(self.url + path, headers=self.headers)


async def kinds(generation: str, *paths: str) -> list[tuple[int, str]]:
    async with H2oSimulator(generation=generation) as simulator, httpx.AsyncClient() as client:
        answers = [await client.get(simulator.url + path) for path in paths]
        return [(answer.status_code, answer.headers["content-type"]) for answer in answers]


async def test_families_can_be_told_apart_by_their_models():
    seen = {each: await kinds(each, "/api/v2/models", "/api/models") for each in GENERATIONS}

    html, page, found = (404, "text/html"), (200, "text/html"), (200, "application/json")
    assert seen == {
        "G1": [html, html],
        "G2": [html, html],
        "G3": [html, found],
        "G4": [page, found],
        "G5": [found, found],
    }


@pytest.mark.parametrize("generation", GENERATIONS[:4])
async def test_nothing_is_written_before_the_welcome_text_is_accepted(generation: str):
    async with H2oSimulator(generation=generation) as simulator, httpx.AsyncClient() as client:
        browser = Browser(simulator, client)
        refused = await browser.post("/conversation", json={"model": MODELS[0]})
        accepted = {"ethicsModalAccepted": "true", "activeModel": MODELS[0]}
        how, other = ("data", "json") if generation == "G1" else ("json", "data")
        wrong = await browser.post("/settings", **{other: accepted})
        right = await browser.post("/settings", **{how: accepted})
        created = await browser.post("/conversation", json={"model": MODELS[0]})

    assert (refused.status_code, wrong.status_code) == (405, 500)
    assert (right.status_code, created.status_code) == (200, 200)
    assert simulator.created == {created.json()["conversationId"]}


@pytest.mark.parametrize(("generation", "needed"), [("G1", "referer"), ("G5", "origin")])
async def test_forms_need_to_come_from_here(generation: str, needed: str):
    async with H2oSimulator(generation=generation) as simulator, httpx.AsyncClient() as client:
        browser = Browser(simulator, client)
        del browser.headers[needed]
        missing = await browser.post("/settings", data={"a": "b"})
        foreign = await browser.post("/settings", data={"a": "b"}, headers={needed: "http://evil.example"})

    assert (missing.status_code, foreign.status_code) == (403, 403)


async def test_a_turn_of_the_newest_generation():
    async with H2oSimulator(text="Hello {prompt}") as simulator, httpx.AsyncClient() as client:
        browser = Browser(simulator, client)
        created = (await browser.post("/conversation", json={"model": MODELS[0]})).json()
        path = f"/conversation/{created['conversationId']}"
        parent = json.loads(created["conversation"])["json"]["messages"][-1]["id"]
        read = await browser.get(f"/api/v2/conversations/{created['conversationId']}")
        wrong = await browser.post(path, json={"inputs": "you", "id": parent})
        foreign = await browser.get("/api/conversation/ffffffffffffffffffffffff")
        nothing = await browser.post(path, data={"other": "x"})
        orphan = await browser.post(path, data={"data": json.dumps({"inputs": "you"})})
        turn = await browser.post(path, data={"data": json.dumps({"inputs": "you", "id": parent})})
        gone = await client.delete(simulator.url + path, headers=COOKIE)
        again = await client.delete(simulator.url + path, headers=COOKIE)

    assert read.json()["json"]["messages"][-1]["id"] == parent
    assert (wrong.status_code, orphan.status_code, nothing.status_code) == (500, 500, 500)
    assert foreign.status_code == 404
    assert (gone.status_code, again.status_code) == (200, 404)
    lines = [json.loads(line) for line in turn.text.splitlines() if line.strip()]
    assert turn.headers["content-type"] == "application/jsonl"
    assert lines[2] == {"type": "stream", "token": "Hello".ljust(16, "\0")}
    assert [each["type"] for each in lines[-4:]] == ["finalAnswer", "status", "title", "status"]
    assert " " * 4096 + '{"type":"status","status":"keepAlive"}' in turn.text
    assert simulator.deleted == simulator.created


async def test_a_turn_of_the_oldest_generation_is_passed_through():
    simulator = H2oSimulator(generation="G1", disclaimer=False, text="Hi")
    async with simulator, httpx.AsyncClient() as client:
        browser = Browser(simulator, client)
        name = (await browser.post("/conversation", json={"model": MODELS[0]})).json()["conversationId"]
        ids = {"id": "5a1c7e0e-0000-4000-8000-000000000001", "response_id": COOKIE["cookie"][8:]}
        body = {"inputs": "x", "stream": True, "parameters": {}, "options": ids}
        turn = await browser.post(f"/conversation/{name}", json=body)
        blank = await browser.post(f"/conversation/{name}", json={**body, "inputs": " "})
        whole = await browser.post(f"/conversation/{name}", json={**body, "stream": False})
        other = await browser.post(f"/conversation/{name}", json=body, headers={"cookie": "hf-chat=x"})

    first, last = turn.text.split("\n\n")[:2]
    assert json.loads(first.removeprefix("data:"))["token"]["text"] == "Hi"
    assert json.loads(last.removeprefix("data:"))["generated_text"] == "Hi"
    assert (blank.status_code, whole.status_code, other.status_code) == (500, 500, 404)


@pytest.mark.parametrize(("generation", "status"), [("G2", 500), ("G4", 400), ("G5", 400)])
async def test_unknown_models_and_pages(generation: str, status: int):
    async with H2oSimulator(generation=generation, disclaimer=False) as simulator:
        async with httpx.AsyncClient() as client:
            browser = Browser(simulator, client)
            assert (await browser.post("/conversation", json={"model": "no/such"})).status_code == status
            assert (await browser.get("/nowhere")).status_code == 404

        assert [each.path for each in simulator.unknown] == ["/nowhere"]


def test_there_are_five_generations():
    with pytest.raises(ValueError, match="G5"):
        H2oSimulator(generation="G6")
