"""`chat-router health` of a provider whose model is not among those that the service lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.simulators.aura import AuraSimulator
from adapters.simulators.h2o import MODELS, H2oSimulator
from adapters.simulators.open_assistant import OpenAssistantSimulator

if TYPE_CHECKING:
    from adapters.simulators.server import Simulator
    from tests.router.cli.conftest import Command, Serve

TOKEN = {"CHAT_ROUTER_OPEN_ASSISTANT_SESSION_TOKEN": "simulated.session.token"}


@pytest.mark.parametrize(
    ("service", "simulate", "options", "model"),
    [
        ("open_assistant", OpenAssistantSimulator, {}, "OA_SFT_Llama_30B_7"),
        ("aura", AuraSimulator, {}, "openchat_3.6"),
        ("h2o", H2oSimulator, {"generation": "G1"}, MODELS[1]),
        ("h2o", H2oSimulator, {"generation": "G5"}, MODELS[1]),
    ],
)
def test_a_model_that_the_service_does_not_list_is_not_healthy(
    service: str,
    simulate: type[Simulator],
    options: dict[str, Any],
    model: str,
    serve: Serve,
    command: Command,
) -> None:
    simulator = serve(simulate(**options))
    listed = command("health", "--provider", f"{service}={simulator.url}#{model}", **TOKEN)
    missing = command("health", "--provider", f"{service}={simulator.url}#nope", **TOKEN)

    assert (listed.code, missing.code) == (0, 1)
    assert "degraded" in missing.out
    assert "'nope'" in missing.out
    assert simulator.turns == 0
