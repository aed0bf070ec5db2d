"""Errors that are kept: they keep no prompt, key or frame alive, and survive pickle, copy and deepcopy."""

import copy
import gc
import pickle
from concurrent.futures import ProcessPoolExecutor
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType

import httpx
import pytest

from adapters import BadReply, Delta, OpenAICompatible, RateLimited
from adapters.contract import errors as ours
from adapters.contract.errors import (
    AdapterError,
    ChatRouterError,
    ConnectionLost,
    ContentRefused,
    ServiceFailed,
    alone,
)
from adapters.scripted import ScriptedAdapter
from router import (
    AllProvidersFailed,
    ConfigError,
    RequestAborted,
    RetryPolicy,
    Router,
    StreamInterrupted,
)
from router.errors import ConfigMistake
from router.events import Attempt

pytestmark = pytest.mark.anyio

PROMPT = "the prompt that nobody may keep " * 100
KEY = "sk-0123456789abcdef0123456789abcdef"
KINDS = [kind for kind in vars(ours).values() if isinstance(kind, type) and issubclass(kind, AdapterError)]
COPIES = [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]


def reached(start: object) -> list[object]:
    """Return all that `start` keeps alive, without what every program shares."""
    shared = (ModuleType, type, FunctionType, BuiltinFunctionType, CodeType)
    waiting, seen = [start], {}
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, shared):
            continue
        if isinstance(each, FrameType) and "/tests/" in each.f_code.co_filename:
            continue
        if isinstance(each, FrameType) and "site-packages" in each.f_code.co_filename:
            continue
        seen[id(each)] = each
        waiting += gc.get_referents(each)
    return list(seen.values())


def assert_light(error: object) -> None:
    for each in reached(error):
        if isinstance(each, str | bytes):
            text = each if isinstance(each, str) else each.decode("latin-1")
            assert PROMPT[:200] not in text
            assert KEY not in text
        assert not isinstance(each, httpx.Request)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("gone", request=request)


def unreadable(request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, json={"error": {"message": "slow down", "code": "rate_limit_exceeded"}})


@pytest.mark.parametrize("handler", [lost, unreadable])
@pytest.mark.parametrize("whole", [False, True])
async def test_the_error_of_a_request_keeps_neither_prompt_nor_key(handler, whole):
    adapter = OpenAICompatible(
        "http://127.0.0.1:9", api_key=KEY, transport=httpx.MockTransport(handler), name="first"
    )
    async with Router([adapter], retry=RetryPolicy(attempts=1), observers=[]) as router:
        ask = router.complete if whole else router.stream
        with pytest.raises(AllProvidersFailed) as caught:
            await ask([{"role": "user", "content": PROMPT}])
        error = caught.value
        assert_light(error)
        # What the router itself remembers of it.
        assert_light(router._providers["first"].standing.last_error)


class Buggy(ScriptedAdapter):
    async def stream(self, request):
        text = request.messages[0].text
        try:
            raise httpx.ReadError("gone", request=httpx.Request("POST", "http://x", content=text.encode()))
        except httpx.ReadError as error:
            setattr(error, "document", text)  # noqa: B010 - an attribute of its own
            raise
        yield Delta(text=text)


async def test_a_bug_of_an_adapter_keeps_no_frame_and_no_request():
    async with Router([Buggy(name="first")], observers=[]) as router:
        with pytest.raises(AllProvidersFailed) as caught:
            await router.stream([{"role": "user", "content": PROMPT}])
    (error,) = caught.value.causes
    assert isinstance(error, BadReply)
    assert isinstance(error.__cause__, httpx.ReadError)
    assert_light(caught.value)


class BreaksOff(ScriptedAdapter):
    async def stream(self, request):
        key = KEY + request.messages[0].text
        yield Delta(text="half")
        try:
            raise httpx.ReadError(key)
        except httpx.ReadError:
            raise ConnectionLost("it was lost") from None


async def test_an_interruption_keeps_neither_prompt_nor_key():
    async with Router([BreaksOff(name="first")], observers=[]) as router:
        stream = await router.stream([{"role": "user", "content": PROMPT}])
        with pytest.raises(StreamInterrupted) as caught:
            await stream.collect()
    del stream
    assert caught.value.partial == "half"
    assert_light(caught.value)


def test_of_a_foreign_cause_only_its_kind_is_kept():
    try:
        try:
            raise httpx.ReadError(PROMPT)
        except httpx.ReadError as foreign:
            raise ServiceFailed("it failed") from foreign
    except ServiceFailed as raised:
        error = alone(raised)
    assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)
    assert error.__notes__ == ["caused by httpx.ReadError"]


def test_errors_of_this_library_behind_an_error_are_kept_without_their_frames():
    first, second = ServiceFailed("first"), RateLimited("second")
    first.__cause__, second.__cause__ = second, first  # a circle ends
    try:
        raise second
    except RateLimited:
        assert alone(first) is first
    assert first.__cause__ is second
    assert second.__traceback__ is None


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_a_provider_survives_with_all_its_fields(kind, copied):
    error = kind("it failed", provider="first", status=429, retry_after=2.5, request_id="r-1")
    if kind is ConnectionLost:
        error.reused = True
    error.__cause__ = ContentRefused("why")
    again = copied(error)
    assert type(again) is kind
    assert str(again) == "it failed"
    assert vars(again) == vars(error)
    assert str(again.__cause__) == "why"


class Peculiar(AdapterError):
    def __init__(self, code: int, *, region: str) -> None:
        super().__init__(f"code {code}", provider="first")
        self.code, self.region = code, region


@pytest.mark.parametrize("copied", COPIES)
def test_the_error_of_a_third_party_survives_whatever_its_constructor_takes(copied):
    again = copied(Peculiar(7, region="eu"))
    assert (str(again), again.code, again.region, again.provider) == ("code 7", 7, "eu", "first")


def errors() -> list[ChatRouterError]:
    failed = Attempt(
        "first", 1, 1, "waiting", "failed", RateLimited("slow down", retry_after=3.0), "slow down"
    )
    aborted = RequestAborted("refused", (failed,))
    aborted.__cause__ = ContentRefused("no", provider="first")
    interrupted = StreamInterrupted(
        "broke off", provider="first", partial="half", verdict="truncated", attempts=(failed,)
    )
    interrupted.__cause__ = ConnectionLost("lost", reused=True)
    return [
        AllProvidersFailed((failed,), out_of_time=True, retryable=True, retry_after=3.0),
        aborted,
        interrupted,
        ConfigError("router.toml", (ConfigMistake("timeouts.stall", "is text", 3),)),
    ]


def same(error: object) -> object:
    return error


def assert_same(again: object, error: BaseException) -> None:
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert isinstance(again, ChatRouterError)
    assert str(again.__cause__) == str(error.__cause__)
    for name, value in vars(error).items():
        assert repr(getattr(again, name)) == repr(value)


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
def test_what_a_request_ends_with_survives_with_all_its_fields(error, copied):
    assert_same(copied(error), error)


def test_a_pool_of_processes_hands_errors_over():
    with ProcessPoolExecutor(1) as pool:
        for error in errors():
            assert_same(pool.submit(same, error).result(timeout=30), error)


def test_of_a_bug_behind_an_error_a_note_survives():
    error = BadReply("the adapter has a bug")
    error.__cause__ = KeyError(lambda: None)  # cannot be pickled
    again = pickle.loads(pickle.dumps(error))
    assert again.__notes__ == ["caused by builtins.KeyError"]
    assert not hasattr(error, "__notes__")
