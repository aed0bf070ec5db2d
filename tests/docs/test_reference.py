"""The tables of the reference name what the code has."""

from __future__ import annotations

import re

from adapters.contract import errors
from adapters.contract.errors import AdapterError, Disposition
from router.observers import _attributes, prometheus
from tests.docs import configuration
from tests.docs.pages import read


def _metrics_and_spans() -> str:
    page = read("docs/reference/events.md")
    return page[page.index("## The metrics and spans") :]


def test_the_table_of_errors_names_every_class_and_what_follows() -> None:
    page = read("docs/reference/errors.md").partition("## What other requests notice")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \| .*? \| (.*?) \| ([a-z; ]+) \|$", page, re.MULTILINE)
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


def test_the_table_of_metrics_names_them_all() -> None:
    table = _metrics_and_spans()
    said = prometheus.__doc__ or ""

    assert re.findall(r"`(chat_router_(?!health_)[a-z_]+)`", table) == re.findall(
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
