"""An adapter that follows a script: texts, pauses, errors. The fake beside the real ones, for your own tests.

    first = ScriptedAdapter("first", [ServiceFailed])
    second = ScriptedAdapter("second", ["Hel", 0.5, "lo"])
    async with Router([first, second]) as router:
        ...

    assert len(first.requests) == 1

A script is a sequence of steps, run in order:

    str                 a delta with this text
    Delta               this delta
    a number, Pause     so many seconds of silence
    an exception        raised, the class or an instance: an AdapterError as a service's failure, any other
                        as a bug of the adapter
    Forever             silence without end
    Unfinished          the reply stops here, without the proof of its end

A script that comes to its end proves it with `finish_reason="stop"`, unless one of its deltas has done so.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast

import anyio
import anyio.lowlevel

from adapters.contract import OPTIONS, Adapter, Capabilities, Delta, ProbeResult
from adapters.contract.errors import AdapterError, ServiceFailed
from adapters.contract.message import EMPTY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, ProbeLevel

__all__ = ["Forever", "Pause", "Script", "ScriptedAdapter", "Step", "Unfinished"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A step of silence.

    Args:
        seconds: How long.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not _is_seconds(self.seconds):
            raise ValueError(f"a pause of {self.seconds!r} seconds; give a number from 0, or use Forever")


class Forever:
    """A step of silence that does not end. Stands in a script as the class itself."""


class Unfinished:
    """The step after which a reply stops without proof of its end. Stands in a script as the class itself."""


Step: TypeAlias = (
    str | Delta | float | Pause | BaseException | type[BaseException] | type[Forever] | type[Unfinished]
)
"""What can stand in a script."""
Script: TypeAlias = str | Sequence[Step]
"""What one request is answered with; a bare text is a script of one step."""

_TAKES_ALL: Final = Capabilities(tools=True, images=True, options=OPTIONS)


class ScriptedAdapter(Adapter):
    """An adapter that answers each request with its script, and records what happened to it.

    It behaves as a real one: it may be cancelled before each delta, and it opens a conversation at an
    imagined service, which it deletes in its `finally`, shielded and bounded.

    Args:
        name: The provider's name.
        script: What each request is answered with; see the module. For several, see `each`.
        capabilities: What it takes; by default, everything.
        model: The model asked for where a request names none.
        models: The caller's model names -> its own.
        probe_results: What the probes of level `reach` find, one after the other, the last one again and
            again. True and False stand for a result with that finding; the `seconds` of a result pass in the
            probe; an exception is raised, which no adapter should do.
        cleanup_seconds: How long the service takes to delete a conversation.
        cleanup_timeout: How long the adapter waits for that.

    Attributes:
        requests: The requests, in the order in which their streams were started.
        opened: How many streams were started.
        closed: How many of them ended, in whatever way, and have done their clean-up.
        created: The conversations opened.
        deleted: The conversations deleted again.
        probes: How many probes of level `reach` there were.
        acloses: How often `aclose` was called.

    Raises:
        TypeError: A step is none; the message shows its place.
        ValueError: A pause is negative or not finite, or the name is empty.
    """

    def __init__(
        self,
        name: str = "scripted",
        script: Script = "Hello",
        *,
        capabilities: Capabilities = _TAKES_ALL,
        model: str | None = None,
        models: Mapping[str, str] = EMPTY,
        probe_results: Sequence[ProbeResult | BaseException | bool | None] = (True,),
        cleanup_seconds: float = 0.0,
        cleanup_timeout: float = 1.0,
    ) -> None:
        if not name:
            raise ValueError("a scripted adapter needs a name, for example 'first'")
        self.name = name
        self.capabilities = capabilities
        self.model = model
        self.models = models
        self.cleanup_seconds = cleanup_seconds
        self.cleanup_timeout = cleanup_timeout
        self.requests: list[ChatRequest] = []
        self.opened = self.closed = self.probes = self.acloses = 0
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self._scripts: tuple[tuple[Step, ...], ...] = (_steps(script),)
        self._probe_results = tuple(probe_results) or (None,)

    @classmethod
    def each(cls, name: str, scripts: Sequence[Script], **settings: Any) -> Self:
        """Return an adapter that answers its first request with the first script, and so on.

        Args:
            name: The provider's name.
            scripts: One per request; the last one is used again and again.
            settings: As of the constructor.
        """
        if isinstance(scripts, str) or not scripts:
            raise ValueError("each needs a list of scripts, at least one, for example [['Hello'], [Forever]]")
        made = cls(name, scripts[0], **settings)
        made._scripts = tuple(_steps(script) for script in scripts)
        return made

    @property
    def leftovers(self) -> frozenset[str]:
        """The conversations that were opened and not deleted."""
        return frozenset(self.created - self.deleted)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Run the script of this request; see `Adapter.stream`."""
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.requests.append(request)
        self.opened += 1
        conversation = f"{self.name}-{self.opened}"
        self.created.add(conversation)
        proved = False
        try:
            for step in script:
                if step is Unfinished:
                    return
                delta = await self._play(step)
                if delta is not None:
                    proved = proved or delta.is_last
                    yield delta
            if not proved:
                await anyio.lowlevel.checkpoint()
                yield Delta(finish_reason="stop")
        finally:
            await self._delete(conversation, request)

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Return the next of the scripted results, and keep its finding in `working`.

        The level `answer` runs the script instead, as a request does.
        """
        if level == "answer":
            return await super().probe(level)
        found = self._probe_results[min(self.probes, len(self._probe_results) - 1)]
        self.probes += 1
        await anyio.lowlevel.checkpoint()
        if isinstance(found, BaseException):
            raise found
        result = found if isinstance(found, ProbeResult) else ProbeResult(found, "as scripted", level)
        await anyio.sleep(result.seconds)
        if result.working is not None:
            self._found(result.working, result.reason, anyio.current_time())
        return replace(result, level=level)

    async def aclose(self) -> None:
        """Count the call; there is nothing to let go of."""
        self.acloses += 1
        await anyio.lowlevel.checkpoint()

    async def _play(self, step: Step) -> Delta | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        await anyio.lowlevel.checkpoint()  # a real one would read from its connection here
        if step is Forever:
            await anyio.sleep_forever()
        if isinstance(step, str):
            return Delta(text=step)
        if isinstance(step, Delta):
            return step
        raise _fresh(cast("BaseException | type[BaseException]", step), self.name)

    async def _delete(self, conversation: str, request: ChatRequest) -> None:
        with anyio.move_on_after(self.cleanup_timeout, shield=True):
            await anyio.sleep(self.cleanup_seconds)
            self.deleted.add(conversation)
        self.closed += 1
        if conversation not in self.deleted:
            text = f"the conversation {conversation} was not deleted within {self.cleanup_timeout} s"
            request.conditions.on_leftover(ServiceFailed(text, provider=self.name))


def _fresh(error: BaseException | type[BaseException], name: str) -> BaseException:
    """Return the exception to raise. Errors are copied: a router writes into them, and scripts repeat."""
    if isinstance(error, AdapterError):
        made = copy.copy(error)
        made.__cause__ = error.__cause__
        return made
    if isinstance(error, BaseException):
        return error
    text = f"{name} was told to fail with {error.__name__}"
    return error(text, provider=name) if issubclass(error, AdapterError) else error(text)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _steps(script: Script) -> tuple[Step, ...]:
    steps = (script,) if isinstance(script, str) else tuple(script)
    return tuple(_step(step, place) for place, step in enumerate(steps))


def _step(step: Any, place: int) -> Step:
    if isinstance(step, int | float) and not isinstance(step, bool):
        return Pause(step)
    if isinstance(step, str | Delta | Pause | BaseException) or step in (Forever, Unfinished):
        return step  # type: ignore[no-any-return] # `in` narrows nothing, so the checker still sees Any
    if isinstance(step, type) and issubclass(step, BaseException):
        return step
    raise TypeError(
        f"step {place} of the script is {step!r}; allowed are text, Delta, seconds, an exception, "
        "Forever and Unfinished"
    )


ScriptedAdapter.__module__ = "adapters"
