"""What this machine offers without a file: keys in variables, and servers on their usual local ports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters.openai import OpenAICompatible
from adapters.openai.presets import PRESETS, Preset, key_variable, model_variable
from router.errors import ConfigError, ConfigMistake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.contract import Adapter

WAIT: Final = 0.3
"""Seconds that a local server has to list its models."""
_GATEWAY: Final = "chat-router"
"""The first model in the list of a gateway of ours: its whole chain."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        preset: The preset's name.
        what: What was found, in words; a variable by its name, never by its value.
        adapter: What is asked then; None where something is missing.
        missing: What is missing, and what to do.
    """

    preset: str
    what: str
    adapter: Adapter | None = None
    missing: str = ""

    @property
    def line(self) -> str:
        """The finding in one line."""
        if self.adapter is None:
            return f"{self.preset}: {self.what}, not asked: {self.missing}"
        model = self.adapter.model or "the model that it chooses"
        return f"{self.preset}: {self.what}, asked for {model}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found, in the order in which it is asked.

    Attributes:
        findings: All of it.
        left_out: What answers here and is not taken, a line each.
    """

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """What is asked, in order."""
        return tuple(each.adapter for each in self.findings if each.adapter is not None)

    def required(self) -> tuple[Adapter, ...]:
        """Return what is asked.

        Raises:
            ConfigError: It is nothing.
        """
        if not self.adapters:
            text = "; ".join(self.lines)
            raise ConfigError("the environment", (ConfigMistake("", text),))
        return self.adapters

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, a line each, and last the order in which it is asked."""
        names = [adapter.name for adapter in self.adapters]
        order = f"asked in this order, and nobody else: {' > '.join(names)}"
        nobody = NOT_READY if self.findings else NOTHING
        return (*(each.line for each in self.findings), *self.left_out, order if names else nobody)


NOT_READY: Final = "nobody can be asked before that is mended"
NOTHING: Final = (
    "nobody can be asked: no variable holds a key (such as OPENAI_API_KEY), and no local server (such as "
    "Ollama) lists its models; set one, start one, or write a file"
)


async def look_around(
    environ: Mapping[str, str] | None = None,
    models: Mapping[str, str] | None = None,
    *,
    local: bool = True,
) -> Surroundings:
    """Return what can be asked here: services whose usual variable holds a key, then local servers.

    A key is not tried out. A local server is asked for its list of models, on the loopback address only, for
    `WAIT` seconds at most, all at once. A gateway of ours is left out: one that serves what is found would
    ask itself without end.

    Args:
        environ: Where keys are looked up, and models: `CHAT_ROUTER_GROQ_MODEL`; the environment of the
            process by default.
        models: Preset -> the model to ask for; it wins over the variable.
        local: Whether local servers are looked for.

    Raises:
        ValueError: `models` names an unknown preset, or a key cannot be used.
    """
    environ = os.environ if environ is None else environ
    for name in models or ():
        if name not in PRESETS:
            raise ValueError(f"models names {name!r}, which is no preset; there are: {', '.join(PRESETS)}")
    given = {name: model for name in PRESETS if (model := _model(name, models or {}, environ))}
    found: list[Finding] = []
    servers = {name: each for name, each in PRESETS.items() if each.local and not each.needs_key}
    for name, each in PRESETS.items():
        if name not in servers and (variable := key_variable(each, environ)) is not None:
            found.append(_hosted(each, variable, environ, given.get(name)))
    gateways: list[str] = []
    if local:
        listed: dict[str, Finding] = {}
        async with anyio.create_task_group() as tasks:
            for each in servers.values():
                tasks.start_soon(_look_at, each, environ, given.get(each.name), listed, gateways)
        found += [listed[name] for name in servers if name in listed]
    return Surroundings(tuple(found), tuple(sorted(gateways)))


def _model(name: str, models: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    return models.get(name) or environ.get(model_variable(name), "").strip() or None


def _hosted(preset: Preset, variable: str, environ: Mapping[str, str], model: str | None) -> Finding:
    """Return the finding about a service whose variable is set."""
    what = f"{variable} is set"
    if preset.ended:
        return Finding(preset.name, what, missing=f"the service ended {preset.ended}")
    if preset.shared_variables and model is None:
        missing = f"the variable serves other things too; to ask it set {model_variable(preset.name)}"
        return Finding(preset.name, what, missing=missing)
    if preset.base_url is None:
        return Finding(preset.name, what, missing="its address is not known; name it with a provider")
    model = model or preset.model
    if model is None:
        missing = f"no usual model of it is known; set {model_variable(preset.name)} ({preset.documentation})"
        return Finding(preset.name, what, missing=missing)
    settings: dict[str, Any] = {"model": model}
    adapter = OpenAICompatible.preset(preset.name, environ=environ, **settings)
    return Finding(preset.name, what, adapter)


async def _look_at(
    preset: Preset,
    environ: Mapping[str, str],
    model: str | None,
    listed: dict[str, Finding],
    gateways: list[str],
) -> None:
    """Note a local server that lists its models within the time, or a gateway of ours in its place."""
    adapter = OpenAICompatible.preset(preset.name, environ=environ, connect_timeout=WAIT)
    result = None
    with anyio.move_on_after(WAIT):
        result = await adapter.probe("reach")
    with anyio.CancelScope(shield=True):
        await adapter.aclose()
    if result is None or result.working is not True:
        return
    models = result.models or ()
    if models[:1] == (_GATEWAY,):
        gateways.append(
            f"a chat-router gateway at {preset.base_url}: left out; to ask it, name its address in a file"
        )
        return
    what = f"a server at {preset.base_url} lists {len(models)} model{'s' if len(models) != 1 else ''}"
    if model is None and not models:
        listed[preset.name] = Finding(preset.name, what, missing="load a model first")
        return
    asked = OpenAICompatible.preset(preset.name, environ=environ, model=model or models[0])
    listed[preset.name] = Finding(preset.name, what, asked)
