"""The tables of the reference name what the code has."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

from adapters.contract import Adapter, errors
from adapters.contract.errors import AdapterError, Disposition
from adapters.http import Limits
from router import BreakerPolicy, HedgePolicy, RetryPolicy, Router, Timeouts
from router.health.probes import AT_ONCE
from router.observers import _attributes, prometheus
from tests.docs import configuration
from tests.docs.pages import read


def _metrics_and_spans() -> str:
    page = read("docs/reference/events.md")
    return page[page.index("## The metrics and spans") :]


def test_the_table_of_errors_names_every_class_and_what_follows() -> None:
    rows = re.findall(
        r"^\| (`[A-Z].*?) \| .*? \| (.*?) \| ([a-z; ]+) \|$", read("docs/reference/errors.md"), re.MULTILINE
    )
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
    table = read("docs/reference/defaults.md")
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
        in read("docs/reference/defaults.md")
    )
    assert f"| `Adapter.answer_probes` | {Adapter.answer_probes:g} an hour |" in read(
        "docs/reference/defaults.md"
    )


def test_the_table_of_defaults_has_the_monitor_s() -> None:
    shown = {name: each.default for name, each in inspect.signature(Router.monitor).parameters.items()}
    numbers = '{interval:g} s, {jitter:g}, "{level}"; {most} probes'.format(**shown, most=AT_ONCE)

    assert f"| `Router.monitor`: `interval`, `jitter`, `level` | {numbers}" in read(
        "docs/reference/defaults.md"
    )


def test_the_table_of_metrics_names_them_all() -> None:
    table = _metrics_and_spans()
    said = prometheus.__doc__ or ""

    assert re.findall(r"`(chat_router_[a-z_]+)`", table) == re.findall(
        r"^ *(chat_router_\S+)", said, re.MULTILINE
    )


def test_the_table_of_spans_names_every_attribute_of_the_attributes() -> None:
    table = _metrics_and_spans()
    used = {value for value in vars(_attributes).values() if isinstance(value, str) and "." in value}
    listed = set(re.findall(r"`((?:gen_ai|error)\.[a-z_.]+)`", table))

    assert listed == {name for name in used if name.startswith(("gen_ai.", "error."))}


def test_the_table_of_log_events_names_them_all() -> None:
    source = read("router/observers/structlog.py")
    used = set(re.findall(r'"([a-z]+\.[a-z]+)"', source))
    table = read("docs/reference/events.md").partition("## The metrics and spans")[0]

    assert used == set(re.findall(r"`([a-z]+\.[a-z]+)`", table))


def test_the_page_of_the_configuration_is_that_of_the_schema() -> None:
    """After a change of a setting: python -m tests.docs.configuration"""
    assert configuration.page() == configuration.PAGE.read_text(encoding="utf-8")
