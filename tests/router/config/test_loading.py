"""What a file says is what the router is made of, and `shown` says the same again."""

import dataclasses
import inspect
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import (
    Aura,
    Busy,
    ChatAnywhere,
    ContentRefused,
    Disposition,
    Opchatgpts,
    OpenAICompatible,
    OpenAssistant,
)
from router import (
    BreakerPolicy,
    Fastest,
    HedgePolicy,
    Interruption,
    Priority,
    RetryPolicy,
    Router,
    Timeouts,
    Weighted,
)
from router.config import Config, load, schema, shown, writing
from tests.router.config.good import ENVIRON, GOOD, KEY, TOKEN, put, read


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return read(tmp_path, GOOD)


def test_the_order_of_the_tables_is_the_priority(tmp_path: Path) -> None:
    router = Router.from_config(put(tmp_path, GOOD), environ=ENVIRON)

    assert ("first", "opchatgpts", "open_assistant", "aura", "chat_anywhere") == router.providers


def test_each_table_is_the_adapter_that_it_names(config: Config) -> None:
    kinds = [OpenAICompatible, Opchatgpts, OpenAssistant, Aura, ChatAnywhere]

    assert [type(adapter) for adapter in config.providers] == kinds


def test_settings_reach_the_adapters(config: Config) -> None:
    first, second, third, fourth, _ = config.providers
    assert isinstance(first, OpenAICompatible)
    assert isinstance(second, Opchatgpts)
    assert isinstance(third, OpenAssistant)
    assert isinstance(fourth, Aura)

    assert (first.base_url, first.model) == ("http://127.0.0.1:1/v1", "small")
    assert first.models == {"fast": "small-1", "good": "large-1"}
    assert (first.connect_timeout, first.cleanup_timeout) == (2.5, 2)
    assert (first.limits.connections, first.limits.idle_seconds, first.limits.steps) == (7, 0.5, 12)
    assert (second.base_url, second.page, second.bot_id) == ("http://127.0.0.1:3", "/chat", "one")
    assert third.silence == 20
    assert fourth.token_limit == 4096
    assert fourth.working is False  # without an address it points at a host that is gone


def test_policies_reach_the_router(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    router = Router.from_config(tmp_path / "router.toml", environ=ENVIRON)

    assert Timeouts(first_content=20, stall=21, total=120, drip_rate=5) == router.timeouts
    assert (router.retry.attempts, router.retry.stay, router.retry.backoff) == (
        3,
        2,
        0.1,
    )
    assert router.retry.wait_for_held
    assert dict(router.retry.dispositions) == {
        ContentRefused: Disposition.FAILOVER,
        Busy: Disposition.ABORT,
    }
    assert HedgePolicy(delay=3) == router.retry.hedge
    assert repr(router.retry.budget) == ("<RetryBudget inf of inf left, +0.5 per request, +1 per second>")
    assert BreakerPolicy(consecutive=4, ratio=None) == config.breaker
    assert isinstance(config.strategy, Weighted)
    assert Interruption("restart", 2) == config.interruption


def test_what_is_not_said_is_the_default(tmp_path: Path) -> None:
    config = read(tmp_path, '[[provider]]\nadapter = "aura"\nbase_url = "http://127.0.0.1:1"\n')

    assert (config.timeouts, config.breaker, config.interruption) == (
        Timeouts(),
        BreakerPolicy(),
        Interruption(),
    )
    assert dataclasses.replace(config.retry, budget=None) == RetryPolicy()
    assert isinstance(config.strategy, Priority)
    assert [adapter.working for adapter in config.providers] == [None]


def test_the_environment_is_that_of_the_process_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    assert len(load(put(tmp_path, GOOD)).providers) == 5


def test_each_load_makes_adapters_of_its_own(tmp_path: Path) -> None:
    """An adapter belongs to one router."""
    file = put(tmp_path, GOOD)
    one = Router.from_config(file, environ=ENVIRON, observers=())

    assert one.providers == Router.from_config(str(file), environ=ENVIRON, observers=()).providers


def test_a_file_decides_everything_but_who_watches() -> None:
    """A policy that a router learns is one that a file must be able to say."""
    others = {"providers", "observers", "history", "random_source", "utc"}
    parameters = set(inspect.signature(Router).parameters) - others

    assert parameters <= set(Config("", ()).policies)


@pytest.mark.parametrize("text", [GOOD, '[[provider]]\nadapter = "h2o"\n', '[[provider]]\nadapter = "aura"'])
def test_what_is_shown_loads_as_the_same(text: str, tmp_path: Path) -> None:
    config = read(tmp_path, text)
    text = shown(config)
    again = read(tmp_path, text)

    assert text == shown(again)
    assert [repr(adapter) for adapter in config.providers] == [repr(adapter) for adapter in again.providers]
    assert repr(config.policies) == repr(again.policies)
    jsonschema.validate(tomllib.loads(text), schema())


def test_what_is_shown_has_every_setting_and_no_secret(config: Config) -> None:
    text = shown(config)
    table = tomllib.loads(text)

    assert KEY not in text
    assert TOKEN not in text
    assert table["provider"][0]["api_key"] == {"env": "SOME_KEY"}
    assert table["provider"][2]["session_token"] == {"file": "token"}
    assert table["provider"][3]["limits"]["steps"] == 12
    assert set(table["timeouts"]) == {field.name for field in dataclasses.fields(Timeouts)}
    assert set(table["breaker"]) == {field.name for field in dataclasses.fields(BreakerPolicy)}
    assert set(table["retry"]) == {field.name for field in dataclasses.fields(RetryPolicy)}


def test_what_is_off_is_shown_as_off(tmp_path: Path) -> None:
    text = shown(read(tmp_path, '[[provider]]\nadapter = "aura"\n'))

    assert "# [retry.hedge] is not set: off" in text
    assert "slow_call = false" in text
    assert "# base_url is not set" in text
    assert 'kind = "priority"' in text


numbers = st.floats(min_value=0.5, max_value=1e9) | st.integers(1, 10**6)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            field.name: numbers | st.just(False) if field.default is None else numbers
            for field in dataclasses.fields(Timeouts)
        },
    ),
    st.sampled_from([Fastest(0.25, 60.0), Priority()]),
)
def test_any_clocks_and_strategy_come_through(
    tmp_path_factory: Any, clocks: dict[str, Any], way: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    strategy = {"kind": type(way).__name__.lower(), **(vars(way) if isinstance(way, Fastest) else {})}
    text = (
        f"timeouts = {writing.value(clocks)}\nstrategy = {writing.value(strategy)}\n"
        '[[provider]]\nadapter = "aura"\n'
    )
    config = read(folder, text)
    clocks = {name: None if value is False else value for name, value in clocks.items()}

    assert Timeouts(**clocks) == config.timeouts
    assert repr(way) == repr(config.strategy)
    assert shown(read(folder, shown(config))) == shown(config)
