"""The public names: where users see them, and which names of an adapter are theirs."""

from __future__ import annotations

import pickle
import traceback

import pytest

import adapters
from adapters import HTTPAdapter, OpenAICompatible, RateLimited

CLASSES = [value for name in adapters.__all__ if isinstance(value := getattr(adapters, name), type)]
OF_AN_ADAPTER = {
    # what it is and does
    "name", "model", "models", "capabilities", "concurrency", "stream", "probe", "aclose", "model_for",
    "first_content", "stall", "per_request",
    # how it is
    "working", "working_at", "working_reason", "working_since", "recheck_at", "cautions", "refused_account",
    # what the router tells it, and how often it looks again
    "mark", "owner", "answer_probes", "recheck", "recheck_cap", "in_loop",
    # what another adapter takes over when the file is loaded anew, and what has to be closed
    "identity", "resume", "open_connections",
    # what it may be asked and paid for
    "requests_per_minute", "tokens_per_minute", "daily_requests", "budget",
}  # fmt: skip
OF_HTTP = {"base_url", "limits", "connect_timeout", "cleanup_timeout"}
OF_OPENAI = {"peculiarities", "preset"}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_stands_where_users_import_it(kind: type) -> None:
    assert kind.__module__ == "adapters"
    assert pickle.loads(pickle.dumps(kind)) is kind


def test_a_traceback_shows_the_public_name() -> None:
    assert traceback.format_exception_only(RateLimited("slow down")) == ["adapters.RateLimited: slow down\n"]
    assert repr(OpenAICompatible) == "<class 'adapters.OpenAICompatible'>"


def test_an_adapter_shows_its_users_their_names_only() -> None:
    adapter = OpenAICompatible("http://127.0.0.1:9/v1")

    assert {name for name in dir(adapters.Adapter) if name[0] != "_"} == OF_AN_ADAPTER
    assert {name for name in dir(adapter) if name[0] != "_"} == OF_AN_ADAPTER | OF_HTTP | OF_OPENAI
    assert issubclass(OpenAICompatible, HTTPAdapter)
