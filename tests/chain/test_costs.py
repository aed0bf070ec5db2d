"""Costs and limits over real sockets: a simulator counts, a file says prices, limits and budget."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from adapters.simulators.openai import OpenAISimulator
from router import AllProvidersFailed, Router, Timeouts
from router.history import History, HistoryFile
from router.history.schema import STEPS, prepare

pytestmark = pytest.mark.anyio
ASK = [{"role": "user", "content": "Hello"}]
FILE = """
[[provider]]
adapter = "openai"
name = "dear"
base_url = "{dear}/v1"
model = "large"
concurrency = 2
budget = {{ usd = 0.0001 }}

[[provider]]
adapter = "openai"
name = "cheap"
base_url = "{cheap}/v1"
model = "tiny"
requests_per_minute = 2
tokens_per_minute = 20000
daily_requests = 10

[strategy]
kind = "cheapest"

[prices.table.dear.large]
input = 2.5
output = 10

[prices.table.cheap."*"]
input = 0.15
output = 0.6
"""


async def test_a_file_says_prices_limits_and_budget(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    history = tmp_path / "history.db"
    async with OpenAISimulator(text="one two") as dear, OpenAISimulator(text="three four") as cheap:
        file.write_text(FILE.format(dear=dear.url, cheap=cheap.url))
        async with Router.from_config(file, history=History(history), observers=[]) as router:
            replies = [await router.complete(ASK, timeouts=Timeouts(total=5)) for _ in range(5)]
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(ASK, timeouts=Timeouts(total=5))
            report = {each.provider: each for each in router.health().providers}

    usage = replies[0].usage
    assert usage is not None
    assert usage.prompt_tokens is not None
    assert usage.completion_tokens is not None
    cheap_cost = (usage.prompt_tokens * Decimal("0.15") + usage.completion_tokens * Decimal("0.6")) / 10**6
    dear_cost = (usage.prompt_tokens * Decimal("2.5") + usage.completion_tokens * 10) / 10**6
    assert [reply.provider for reply in replies] == ["cheap", "cheap", "dear", "dear", "dear"]
    assert [reply.cost.amount for reply in replies if reply.cost] == [cheap_cost] * 2 + [dear_cost] * 3
    assert "requests_per_minute" in str(caught.value)
    assert "budget of 0.0001 USD" in str(caught.value)
    assert {each.name: each.used for each in report["cheap"].limits} == {
        "requests_per_minute": 2,
        "tokens_per_minute": 2 * (usage.prompt_tokens + usage.completion_tokens),
        "daily_requests": 2,
    }
    kept = {row.provider: row for row in HistoryFile(history).costs(0, 10**6)}
    assert kept["dear"].spent == int(3 * dear_cost * 10**12)
    assert kept["cheap"].answers == 2


def test_a_history_of_an_older_version_opens_and_has_no_costs(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path, STEPS[:2])
    connection.close()

    assert HistoryFile(path).costs(0, 10**6) == []


async def test_sums_that_wait_are_written_soon_without_a_report(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("router.history.recorder.SOON", 0.05)
    path = tmp_path / "history.db"
    async with OpenAISimulator(text="one") as dear, OpenAISimulator(text="two") as cheap:
        file = tmp_path / "router.toml"
        file.write_text(FILE.format(dear=dear.url, cheap=cheap.url))
        async with Router.from_config(file, history=History(path), observers=[]) as router:
            await router.complete(ASK)
            with anyio.fail_after(10):
                while not path.exists() or not HistoryFile(path).costs(0, 10**6):  # noqa: ASYNC110 - a thread writes it
                    await anyio.sleep(0.02)
