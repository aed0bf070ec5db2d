"""Unknown keywords of constructors are refused with what to write instead."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import adapters
import router
from adapters import Limits, OpenAICompatible, ScriptedAdapter
from adapters.contract.foreign_keywords import ROWS, instead
from adapters.http.settings import HTTPSettings
from router import (
    BreakerPolicy,
    Fastest,
    HedgePolicy,
    Interruption,
    Price,
    Prices,
    RetryBudget,
    RetryPolicy,
    Router,
    SyncRouter,
    Timeouts,
    Weighted,
)
from router.gateway import ClientKey, GatewaySettings
from router.history import History
from router.replicas import Replicas
from tests.depth import QUICK

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCKS = "a request has several clocks; write timeouts=Timeouts(total={})"
RETRY = "attempts count the first one, too; write retry=RetryPolicy(attempts={})"
REFUSED = "RetryPolicy has no setting"
BREAKER = "BreakerPolicy has no setting"
SETTINGS: tuple[type, ...] = (
    BreakerPolicy, ClientKey, Fastest, GatewaySettings, HedgePolicy, History, Interruption, Limits, Price,
    Prices, Replicas, RetryBudget, RetryPolicy, Router, SyncRouter, Timeouts, Weighted,
)  # fmt: skip
NAMES = {name for row in ROWS for name in row.names.split()}


@pytest.mark.parametrize(
    ("made", "settings", "words"),
    [
        (Router, {"timeout": 30}, f"Router has no setting 'timeout': {CLOCKS.format(30)}"),
        (Router, {"timeout": None}, f"Router has no setting 'timeout': {CLOCKS.format(60)}"),
        (Router, {"retries": 3}, f"Router has no setting 'retries': {RETRY.format(4)}"),
        (SyncRouter, {"max_retries": 2}, f"SyncRouter has no setting 'max_retries': {RETRY.format(3)}"),
        (SyncRouter, {"timeout": 5.5}, f"SyncRouter has no setting 'timeout': {CLOCKS.format(5.5)}"),
        (
            Router,
            {"observer": print},
            "Router has no setting 'observer'; did you mean 'observers'? Known are",
        ),
        (Timeouts, {"first": 3}, "Timeouts has no setting 'first'; did you mean 'first_content'? Known"),
        (Timeouts, {"zzz": 3}, "Timeouts has no setting 'zzz'. Known are first_content, stall, total,"),
        (
            RetryPolicy,
            {"max_retries": 9},
            "RetryPolicy has no setting 'max_retries': attempts count the first",
        ),
        (RetryPolicy, {"stop": 3}, f"{REFUSED} 'stop': attempts count the first one, too; write "),
        (RetryPolicy, {"backoff_factor": 2}, f"{REFUSED} 'backoff_factor': write RetryPolicy(backoff=2)"),
        (RetryPolicy, {"wait": print}, f"{REFUSED} 'wait': write RetryPolicy(backoff=0.5)"),
        (RetryPolicy, {"timeout": 9}, f"{REFUSED} 'timeout': a request has several clocks; write Router("),
        (
            BreakerPolicy,
            {"cooldown_time": 60},
            f"{BREAKER} 'cooldown_time': write BreakerPolicy(open_",
        ),
        (
            BreakerPolicy,
            {"allowed_fails": 3},
            f"{BREAKER} 'allowed_fails': write BreakerPolicy(cons",
        ),
        (BreakerPolicy, {"timeout": 30}, f"{BREAKER} 'timeout': write BreakerPolicy(open_for=30)"),
        (Timeouts, {"read": 9}, "Timeouts has no setting 'read': write Timeouts(stall=9)"),
        (
            Timeouts,
            {"connect": 9},
            "Timeouts has no setting 'connect': each provider has its own; write OpenAICompatible(base_url, ",
        ),
        (
            Limits,
            {"max_connections": 9},
            "Limits has no setting 'max_connections': write Limits(conn",
        ),
        (
            Router,
            {"fallbacks": []},
            "Router has no setting 'fallbacks': the next provider of the list is the fallback; write "
            "Router([first, second])",
        ),
        (
            Interruption,
            {"retries": 2},
            "Interruption has no setting 'retries'; did you mean 'times'? Known",
        ),
    ],
)
def test_an_unknown_keyword_is_refused_with_what_to_write(
    made: Callable[..., object], settings: dict[str, Any], words: str
) -> None:
    given = ([ScriptedAdapter("only")],) if made in (Router, SyncRouter) else ()

    with pytest.raises(TypeError) as raised:
        made(*given, **settings)

    assert str(raised.value).startswith(words)


@pytest.mark.parametrize("made", SETTINGS, ids=lambda made: made.__name__)
def test_every_class_of_settings_refuses_a_keyword_that_it_does_not_have(made: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=rf"^{made.__name__} has no setting 'zzz'\. Known are "):
        made(zzz=1)


def test_what_is_to_be_written_can_be_written() -> None:
    """Each name of another library, at each class: the code in the message runs."""
    there = namespace()
    values = [2, 0, 0.75, float("inf"), True, "text"]
    told: set[str] = set()
    for made in (*SETTINGS, OpenAICompatible):
        own = HTTPSettings.__annotations__.keys() if made is OpenAICompatible else set()
        known = inspect.signature(made).parameters.keys() | own
        told |= {instead(made.__name__, *each, known) for each in itertools.product(NAMES - known, values)}
    for code in {each.partition("write ")[2] for each in told if each}:
        eval(code if code[0].isupper() else f"dict({code})", there)


def namespace() -> dict[str, Any]:
    """What the code of the messages may name."""
    first, second = ScriptedAdapter("first"), ScriptedAdapter("second")
    ours = {name: getattr(package, name) for package in (adapters, router) for name in package.__all__}
    given = {
        "providers": [first, second],
        "base_url": "http://127.0.0.1:9",
        "url": "redis://127.0.0.1",
        "ssl_context": ssl.create_default_context(),
    }
    return (
        ours
        | given
        | {"first": first, "second": second, "observer": print, "httpx": httpx, "Replicas": Replicas}
    )


@pytest.mark.skipif(QUICK, reason="starts a Python; in full depth")
def test_the_keywords_of_others_are_read_when_one_is_refused() -> None:
    program = "import router, adapters, sys; print('adapters.contract.foreign_keywords' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout == "False\n"


def test_a_derived_class_has_keywords_of_its_own() -> None:
    class Ours(Router):
        def __init__(self, timeout: float) -> None:
            super().__init__([ScriptedAdapter("only")], timeouts=Timeouts(total=timeout))

    class Takes(Router):
        def __init__(self, **settings: Any) -> None:
            super().__init__([ScriptedAdapter("only")], timeouts=settings["clocks"])

    assert Ours(timeout=7).timeouts.total == 7
    assert Takes(clocks=Timeouts(total=8)).timeouts.total == 8


def test_clocks_are_copied_and_pickled_as_before() -> None:
    clocks = Timeouts(total=7)

    assert copy.copy(clocks) == clocks == pickle.loads(pickle.dumps(clocks))
