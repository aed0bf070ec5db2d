"""The README is true: its examples run, its tables name what the code has."""

from __future__ import annotations

import inspect
import re
import tomllib
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jsonschema
import pytest
import typer
from anyio.from_thread import start_blocking_portal

from adapters.contract import Adapter, errors
from adapters.contract.errors import AdapterError, Disposition
from adapters.http import Limits
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.openai import OpenAISimulator
from router import BreakerPolicy, HedgePolicy, RetryPolicy, Router, Timeouts
from router.cli.app import app
from router.cli.health import spelled_out
from router.cli.inspection import FORMATS
from router.config import schema
from router.health.probes import AT_ONCE
from router.observers import _attributes, prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

README: Final = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES: Final = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SAYS: Final = {  # what an example prints, at least
    0: ["Hello from the chat-ui simulator", "h2o complete", "committed"],
    1: ["openai stop"],
    2: ["first choice", "h2o"],
    3: ["[half broke off, whole goes on]", "forty-two.", "whole (Switch("],
    4: ["no provider answered", "dead: failed", "ConnectFailed", "True None ['dead', 'dead']"],
    5: ["h2o healthy reach", "dead unhealthy reach no connection", "True through ('h2o',)", "degraded"],
    6: ["Say it again"],
    7: [],
    8: ["1.0", "dead out for", "no connection could be made"],
    9: ['chat_router_requests_total{verdict="complete"} 1.0', 'error="ConnectFailed"'],
    10: ["down      degraded", "the chain can answer: 1 healthy, 1 degraded"],
}


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """The two servers of `make simulators`, on free ports."""
    h2o, openai = H2oSimulator(text="Hello from the chat-ui simulator"), OpenAISimulator()
    with start_blocking_portal() as portal, ExitStack() as stack:
        for simulator in (h2o, openai):
            stack.enter_context(portal.wrap_async_context_manager(simulator))
        yield {"http://127.0.0.1:8001": h2o.url, "http://127.0.0.1:8002": openai.url}


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(
    number: int,
    addresses: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    code = EXAMPLES[number]
    for written, real in addresses.items():
        code = code.replace(written, real)
    exec(compile(code, f"README example {number}", "exec"), {"__name__": "example"})
    printed = capsys.readouterr()

    assert not printed.err
    for words in SAYS[number]:
        assert words in printed.out


@pytest.mark.parametrize("text", re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
def test_an_example_of_a_configuration_loads(text: str, tmp_path: Path) -> None:
    environ = dict.fromkeys(re.findall(r'env = "(\w+)"', text), "a-key")
    for name in re.findall(r'file = "(.+?)"', text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a-secret\n", encoding="utf-8")
    file = tmp_path / "router.toml"
    file.write_text(text, encoding="utf-8")
    names = Router.from_config(file, environ=environ).providers

    assert f"# ok: {len(names)} providers: {' > '.join(names)}\n" in README
    jsonschema.validate(tomllib.loads(text), schema())


def test_the_table_of_forms_names_them_all() -> None:
    table = README[README.index("## The health report") : README.index("## The services")]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(FORMATS)


@pytest.mark.parametrize("line", re.findall(r"^chat-router health (.*?) *(?:#.*)?$", README, re.MULTILINE))
def test_a_command_of_health_is_one(line: str) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    arguments = list(spelled_out(line.split()))

    assert commands["health"].make_context("health", arguments).params["form"] in FORMATS


def test_the_table_of_errors_names_every_class_and_what_follows() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \| .*? \| (.*?) \| ([a-z; ]+) \|$", README, re.MULTILINE)
    listed = {name: follows for names, follows, _ in rows for name in re.findall(r"`(\w+)`", names)}
    scopes = {name: scope for names, _, scope in rows for name in re.findall(r"`(\w+)`", names)}
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, AdapterError) and kind is not AdapterError
    }

    assert set(classes) <= set(listed)
    for name, kind in classes.items():
        aborts = "RequestAborted" in listed[name]
        again = re.search(r"\bagain\b", listed[name]) is not None
        assert aborts is (kind.disposition is Disposition.ABORT), name
        assert again is (kind.disposition is Disposition.RETRY), name
        assert ("cannot be told" if kind.ambiguous else kind.scope) in scopes[name], name


def _numbers(text: str) -> list[float]:
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "Mi": 1 << 20}
    found = re.findall(r"([\d.]+(?: \d{3})*)(?: (KiB|MiB|Mi)\b)?", text)
    return [float(number.replace(" ", "")) * units.get(unit, 1) for number, unit in found]


@pytest.mark.parametrize("owner", [Timeouts, RetryPolicy, Limits, BreakerPolicy, HedgePolicy])
def test_the_table_of_defaults_is_true(owner: type) -> None:
    table = README[README.index("## The defaults") : README.index("## The log events")]
    shown: dict[str, float] = {}
    for names, values in re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE):
        if owner.__name__ in names:
            keys = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", names)]
            shown.update(zip(keys, _numbers(values), strict=False))
    defaults = {
        f.name: f.default
        for f in fields(owner)
        if isinstance(f.default, int | float) and not isinstance(f.default, bool)
    }

    assert defaults == shown


def test_the_table_of_defaults_has_the_adapter_s() -> None:
    assert (
        f"| `Adapter.recheck`, `recheck_cap` | {Adapter.recheck:g} s, doubling, {Adapter.recheck_cap:g} s |"
        in README
    )
    assert f"| `Adapter.answer_probes` | {Adapter.answer_probes:g} an hour |" in README


def test_the_table_of_defaults_has_the_monitor_s() -> None:
    shown = {name: each.default for name, each in inspect.signature(Router.monitor).parameters.items()}
    numbers = '{interval:g} s, {jitter:g}, "{level}"; {most} probes'.format(**shown, most=AT_ONCE)

    assert f"| `Router.monitor`: `interval`, `jitter`, `level` | {numbers}" in README


def test_the_table_of_metrics_names_them_all() -> None:
    table = README[README.index("## The metrics and spans") : README.index("## What is at least once")]
    said = prometheus.__doc__ or ""

    assert re.findall(r"`(chat_router_[a-z_]+)`", table) == re.findall(
        r"^ *(chat_router_\S+)", said, re.MULTILINE
    )


def test_the_table_of_spans_names_every_attribute_of_the_attributes() -> None:
    table = README[README.index("## The metrics and spans") : README.index("## What is at least once")]
    used = {value for value in vars(_attributes).values() if isinstance(value, str) and "." in value}
    listed = set(re.findall(r"`((?:gen_ai|error)\.[a-z_.]+)`", table))

    assert listed == {name for name in used if name.startswith(("gen_ai.", "error."))}


def test_the_table_of_log_events_names_them_all() -> None:
    source = (Path(__file__).parent.parent / "router" / "observers" / "structlog.py").read_text(
        encoding="utf-8"
    )
    used = set(re.findall(r'"([a-z]+\.[a-z]+)"', source))
    table = README[README.index("## The log events") : README.index("## The metrics and spans")]

    assert used == set(re.findall(r"`([a-z]+\.[a-z]+)`", table))
