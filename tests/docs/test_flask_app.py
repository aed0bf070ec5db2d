"""The application of docs/guides/sync.md, asked by Flask's own client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from anyio.from_thread import start_blocking_portal

from adapters.simulators.openai import OpenAISimulator
from router import RequestEnded
from tests.docs.pages import blocks
from tests.docs.running import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

APP: Final = next(block for block in blocks("python") if block.page == "docs/guides/sync.md" and block.apart)
HELLO: Final = {"messages": [{"role": "user", "content": "Hello"}]}


def test_it_streams_the_reply_and_a_visitor_who_leaves_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    simulator = OpenAISimulator(text="one two three")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(simulator):
        provider = f'[[provider]]\nadapter = "openai"\nbase_url = "{simulator.url}/v1"\nmodel = "small"\n'
        (tmp_path / "router.toml").write_text(provider, encoding="utf-8")
        module = run(APP, {})
        ended: list[RequestEnded] = []
        with module.router as router:
            router.observe(lambda event: ended.append(event) if isinstance(event, RequestEnded) else None)
            client = module.app.test_client()
            assert client.post("/chat", json=HELLO).text == "one two three"
            simulator.script = replace(simulator.script, text="word " * 5000, delay=0.02)
            with client.post("/chat", json=HELLO, buffered=False) as answer:
                assert next(filter(None, answer.iter_encoded())).startswith(b"word")

            simulator.script = replace(simulator.script, fault="500")
            failed = client.post("/chat", json=HELLO)
            assert (failed.status_code, failed.json) == (503, {"error": "AllProvidersFailed"})

    assert [event.verdict for event in ended] == ["complete", "closed", "failed"]
