"""Each way in which a reply comes, with a server that plays faults in it and an adapter that speaks to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from adapters import Anthropic, Aura, ChatAnywhere, H2o, Limits, Opchatgpts, OpenAICompatible, OpenAssistant
from adapters.simulators.anthropic import AnthropicSimulator
from adapters.simulators.aura import AuraSimulator
from adapters.simulators.chat_anywhere import ChatAnywhereSimulator
from adapters.simulators.h2o import H2oSimulator
from adapters.simulators.opchatgpts import OpchatgptsSimulator
from adapters.simulators.open_assistant import OpenAssistantSimulator
from adapters.simulators.openai import Manner, Stream
from tests.faults.server import FaultServer, play_raw
from tests.faults.steps import CHUNKED, LAST, Script, chunked, head

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters import HTTPAdapter
    from adapters.simulators.framing import Framing as Notation
    from adapters.simulators.server import Exchange, Simulator

PIECES: Final = ("One", " two", " three,", " fünf", " 你好", " 🙂", " canary of the reply.")
TEXT: Final = "".join(PIECES)
KEY: Final = "sk-canary-of-the-key-4f81c2"
COOKIE: Final = "canary.of.the.cookie.77aa31"
HEADER: Final = "canary-of-a-header-9e02bd"


class Wire:
    """A reply in one notation, in bytes: its parts and the whole."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self.kind = notation.content_type
        self.pieces = [_bytes(piece) for piece in notation.content(PIECES)]

    @property
    def head(self) -> bytes:
        return head(200, CHUNKED, kind=self.kind)

    def head_with(self, *fields: str) -> bytes:
        return head(200, *fields, kind=self.kind)

    @property
    def opening(self) -> bytes:
        return b"".join(_bytes(piece) for piece in self._notation.opening())

    @property
    def half(self) -> bytes:
        """The first pieces, without any end."""
        return self.opening + b"".join(self.pieces[:3])

    @property
    def end(self) -> bytes:
        """The protocol's end mark. Some servers change their state when they write it."""
        return b"".join(_bytes(piece) for piece in self._notation.ending(TEXT))

    @property
    def body(self) -> bytes:
        return self.opening + b"".join(self.pieces) + self.end

    @property
    def full(self) -> bytes:
        """A whole answer."""
        return self.head + chunked([self.opening, *self.pieces, self.end]) + LAST

    def error(self) -> bytes:
        return _bytes(self._notation.error("The service failed"))

    def comment(self) -> bytes:
        return _bytes(self._notation.comment())


def _bytes(piece: bytes | str) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


def nth(scripts: Script | list[Script], number: int) -> Script:
    """Return the script of the n-th request; the last one repeats."""
    return scripts[min(number, len(scripts) - 1)] if isinstance(scripts, list) else scripts


def _matches(step: str, asked: str) -> bool:
    return asked.startswith(step[:-1]) if step.endswith("*") else asked == step


class Tampered:
    """Makes a simulator answer its turns with raw scripts; the steps before and after are its own."""

    plan: Callable[[Wire], Any]
    steps: Mapping[str, Script] = MappingProxyType({})

    async def answer(self, exchange: Exchange) -> None:
        asked = f"{exchange.received.method} {exchange.received.target}"
        script = next((script for step, script in self.steps.items() if _matches(step, asked)), None)
        if script is None:
            await super().answer(exchange)  # type: ignore[misc]  # of the class that it is mixed into
        else:
            await play_raw(exchange, script)

    async def turn(
        self, exchange: Exchange, framing: Notation, *, prompt: str = "", text: str | None = None
    ) -> None:
        self.turns: int
        self.turns += 1
        await play_raw(exchange, nth(self.plan(Wire(framing)), self.turns - 1))


class TamperedAnthropic(Tampered, AnthropicSimulator):
    """Anthropic."""


class TamperedAura(Tampered, AuraSimulator):
    """Aura."""


class TamperedChatAnywhere(Tampered, ChatAnywhereSimulator):
    """ChatAnywhere."""


class TamperedH2o(Tampered, H2oSimulator):
    """H2o."""


class TamperedOpchatgpts(Tampered, OpchatgptsSimulator):
    """Opchatgpts."""


class TamperedOpenAssistant(Tampered, OpenAssistantSimulator):
    """OpenAssistant."""


@dataclass(frozen=True)
class Framing:
    """One service as the catalogue sees it."""

    name: str
    simulate: Callable[..., Any] | None
    connect: Callable[..., HTTPAdapter]
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    suffix: str = ""

    def server(
        self, plan: Callable[[Wire], Any], steps: Mapping[str, Script] | None = None, **more: Any
    ) -> Simulator:
        """A server that answers requests for text with what `plan` says, and other steps as `steps` do."""
        if self.simulate is None:
            return FaultServer(lambda number: nth(plan(openai_wire()), number), **more)
        simulator: Any = self.simulate(**self.options, **more)
        simulator.plan = plan
        simulator.steps = steps or {}
        served: Simulator = simulator
        return served

    def adapter(self, url: str, **more: Any) -> HTTPAdapter:
        """An adapter that carries every kind of secret."""
        secrets = {"headers": {"x-canary": HEADER, "x-key": KEY}, "cookies": {"canary": COOKIE}}
        return self.connect(url + self.suffix, **{"name": "first", **secrets, **self.settings, **more})


def openai_wire() -> Wire:
    return Wire(Stream(Manner("", (), True, "stop", False), "chatcmpl-1", "m"))


OPENAI: Final = Framing(
    "openai", None, OpenAICompatible, {"model": "m", "api_key": KEY, "limits": Limits()}, {}, "/v1"
)
SESSION: Final = {"next-auth.session-token": COOKIE}
FRAMINGS: Final = {
    each.name: each
    for each in (
        OPENAI,
        Framing("anthropic", TamperedAnthropic, Anthropic, {"model": "m", "api_key": KEY}),
        Framing("chat_anywhere", TamperedChatAnywhere, ChatAnywhere),
        Framing("aura", TamperedAura, Aura, {"key": KEY}),
        Framing("opchatgpts", TamperedOpchatgpts, Opchatgpts),
        Framing("h2o", TamperedH2o, H2o),
        Framing(
            "open_assistant",
            TamperedOpenAssistant,
            OpenAssistant,
            {"cookies": SESSION},
            {"session": COOKIE, "text": TEXT},
        ),
    )
}
