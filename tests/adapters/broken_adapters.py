"""Adapters that are each broken in one place, for the checks to find."""

from contextvars import ContextVar

import anyio

from adapters import BadReply, Delta, Outcome, ProbeResult
from adapters.answer_probe import PROMPT
from adapters.scripted import Pause, ScriptedAdapter, Step

VARIABLE = ContextVar[str]("VARIABLE")
SCRIPT: list[Step] = ["Hel", Pause(1), "lo", Pause(1), " there"]


class Broken(ScriptedAdapter):
    """A sound adapter, to be broken in one place by each subclass."""

    def __init__(self) -> None:
        super().__init__("broken", SCRIPT)


class NoGenerator(Broken):
    async def stream(self, request):  # type: ignore[override]  # this is what is broken
        return ["Hello"]


class PlainList(Broken):
    def stream(self, request):
        return [Delta("Hello")]


class YieldsText(Broken):
    async def stream(self, request):
        yield "Hello"
        yield Delta(finish_reason="stop")


class SwallowsCancellation(Broken):
    async def stream(self, request):
        try:
            yield Delta("Hel")
            await anyio.sleep(5)
            yield Delta("lo", finish_reason="stop")
        except anyio.get_cancelled_exc_class():
            return


class RenamesCancellation(Broken):
    async def stream(self, request):
        yield Delta("Hel")
        try:
            await anyio.sleep(5)
        except BaseException as error:
            raise BadReply("the connection broke") from error
        yield Delta("lo", finish_reason="stop")


class LeavesConversations(Broken):
    async def _delete(self, conversation, request):
        await anyio.sleep(0.1)  # unshielded: a cancellation strikes here too
        self.deleted.add(conversation)
        self.closed += 1


class ClosesSlowly(Broken):
    async def _delete(self, conversation, request):
        with anyio.CancelScope(shield=True):
            await anyio.sleep(30)
        await super()._delete(conversation, request)


class HoldsAScope(Broken):
    async def stream(self, request):
        with anyio.fail_after(60):
            yield Delta("Hel")  # noqa: ASYNC119 - this is what is broken
            yield Delta("lo", finish_reason="stop")  # noqa: ASYNC119 - as above


class HoldsATaskGroup(Broken):
    async def stream(self, request):
        async with anyio.create_task_group():
            yield Delta("Hel")  # noqa: ASYNC119 - this is what is broken
            yield Delta("lo", finish_reason="stop")  # noqa: ASYNC119 - as above


class BelongsToATask(Broken):
    async def stream(self, request):
        token = VARIABLE.set("mine")
        yield Delta("Hel")
        VARIABLE.reset(token)
        yield Delta("lo", finish_reason="stop")


class SharesItsState(Broken):
    current = 0

    async def stream(self, request):
        SharesItsState.current += 1
        mine = SharesItsState.current
        for text in ("Hel", "lo"):
            await anyio.sleep(1)
            if mine != SharesItsState.current:
                raise BadReply("another stream took the connection")
            yield Delta(text)
        yield Delta(finish_reason="stop")


class ChangesTheRequest(Broken):
    async def stream(self, request):
        request.extra.get("another", {"nested": {}})["nested"].clear()
        yield Delta("Hello", finish_reason="stop")


class ChokesOnOptions(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = type(self.capabilities)()

    async def stream(self, request):
        if "temperature" in request.options:
            raise BadReply("the service refuses the field temperature")
        yield Delta("Hello", finish_reason="stop")


class ProbesBadly(Broken):
    async def probe(self, level="reach"):
        raise OSError("no route")


class ProbesToNothing(Broken):
    async def probe(self, level="reach"):
        return None


class ProbesWithoutReason(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(True, "")


class ForgetsItsProbe(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(True, "it answered")


class FindsItselfDown(Broken):
    async def probe(self, level="reach"):
        return ProbeResult(False, "it is down")


class MistakesTheLevel(Broken):
    async def probe(self, level="reach"):
        self.mark(Outcome(0.0))
        return ProbeResult(True, "it is there")


class CannotBeProbed(Broken):
    def stream(self, request):
        if request.messages[0].text == PROMPT:
            raise KeyError("bug")
        return super().stream(request)


class ForgetsItsAnswer(Broken):
    def mark(self, outcome):
        """Learn nothing."""


class ClosesOnce(Broken):
    async def aclose(self):
        if self.acloses:
            raise RuntimeError("closed twice")
        self.acloses += 1


class Nameless(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.name = ""


class Incapable(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = None  # type: ignore[assignment]  # this is what is broken


class InventsOptions(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.capabilities = type(self.capabilities)(options=frozenset({"temprature"}))


class DownFromTheStart(Broken):
    def __init__(self) -> None:
        super().__init__()
        self._found(False, "gone", 0)


class FailsOnClosing(Broken):
    async def stream(self, request):
        try:
            for _ in range(9):
                yield Delta("Hel")
        except GeneratorExit:
            raise OSError("the DELETE failed") from None
        yield Delta("lo", finish_reason="stop")


class NeverAnswers(Broken):
    async def stream(self, request):
        await anyio.sleep_forever()
        yield Delta("Hello")


class NeverEnds(Broken):
    async def stream(self, request):
        while True:
            yield Delta()
