"""What `chat-router health` says of each fault that a simulator has: the state, and the exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from adapters.simulators import load
from adapters.simulators.faults import FAULTS
from router.cli.simulate import MODELS, PREFIXES
from tests.depth import sampled

if TYPE_CHECKING:
    from tests.router.cli.conftest import Command, Serve

BEHIND_CONTENT: Final = {"stall_after", "cut", "cut_clean", "reset_after", "error_after", "slow"}
"""Faults that strike a reply behind its first content, where a probe for an answer has seen enough."""
TOLERATED: Final = {"gzip"}
"""What an adapter makes the best of."""
STATES: Final = {
    fault: "healthy" if fault in BEHIND_CONTENT | TOLERATED else "unhealthy" for fault in FAULTS
} | {
    "429": "degraded"  # it works, and asks to be left alone
}
CODES: Final = {"healthy": 0, "degraded": 2, "unhealthy": 2}
"""Of a chain of one provider; who is held back cannot answer."""
QUICK: Final = ("--timeout", "0.5", "--format", "json")


def provider(serve: Serve, service: str, fault: str | None, label: str | None = None) -> tuple[str, str]:
    url = serve(load(service)(fault=fault)).url
    name = f"{label}:{service}" if label else service
    return "-p", f"{name}={url}{PREFIXES.get(service, '')}#{MODELS.get(service, '')}".rstrip("#")


ASKED: Final = [(fault, service) for fault in FAULTS for service in ("openai", "h2o", "opchatgpts")]


@pytest.mark.parametrize(
    ("fault", "service"), sampled(ASKED, 0.35, "faults that a probe sees", lambda pair: pair[0])
)
def test_a_probe_for_an_answer_sees_each_fault_before_content(
    service: str, fault: str, serve: Serve, command: Command
) -> None:
    found = command("health", *provider(serve, service, fault), "--level", "answer", *QUICK)
    (entry,) = json.loads(found.out)["providers"]

    assert (entry["state"], found.code) == (STATES[fault], CODES[STATES[fault]])
    assert entry["probe"]["level"] == "answer"
    assert found.err == ""


@pytest.mark.parametrize("fault", sorted(load("aura").faults))
def test_a_probe_that_only_reaches_out_sees_who_is_not_there(
    fault: str, serve: Serve, command: Command
) -> None:
    found = command("health", *provider(serve, "aura", fault), *QUICK)
    (entry,) = json.loads(found.out)["providers"]
    refused = fault == "refuse"

    assert (entry["state"], found.code) == (("unhealthy", 2) if refused else ("healthy", 0))


@pytest.mark.parametrize(
    ("faults", "fail_on", "verdict", "code"),
    [
        ((None, None), "degraded", "healthy", 0),
        ((None, "refuse"), "degraded", "degraded", 1),
        (("refuse", None), "degraded", "degraded", 1),
        (("refuse", "refuse"), "degraded", "unhealthy", 2),
        ((None, None), "unhealthy", "healthy", 0),
        ((None, "refuse"), "unhealthy", "degraded", 0),
        (("refuse", "refuse"), "unhealthy", "unhealthy", 2),
    ],
)
def test_the_exit_code_is_the_chain_s(
    faults: tuple[str | None, ...],
    fail_on: str,
    verdict: str,
    code: int,
    backend: str,
    serve: Serve,
    command: Command,
) -> None:
    chain = [
        part
        for number, fault in enumerate(faults)
        for part in provider(serve, "h2o", fault, f"number-{number}")
    ]
    found = command("health", *chain, "--fail-on", fail_on, "--backend", backend, *QUICK)

    assert (json.loads(found.out)["verdict"], found.code) == (verdict, code)
