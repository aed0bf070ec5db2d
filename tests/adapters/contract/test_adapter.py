"""The defaults of an adapter, and the rules by which it learns."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import (
    Adapter,
    AuthenticationFailed,
    Capabilities,
    ChatRequest,
    Delta,
    ModelNotFound,
    NotWorking,
    Outcome,
    QuotaExhausted,
    Scope,
    ServiceFailed,
    ToolCallFragment,
    Usage,
)

HELLO = {"role": "user", "content": "Hello"}


class EchoServer2(Adapter):
    """The smallest adapter."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        yield Delta(text=request.messages[-1].text)
        yield Delta(finish_reason="stop")


def request(*messages: dict[str, Any], **options: Any) -> ChatRequest:
    return ChatRequest.build(messages or [HELLO], **options)


@pytest.mark.anyio
async def test_one_method_makes_an_adapter():
    adapter = EchoServer2()

    deltas = [delta async for delta in adapter.stream(request())]
    await adapter.aclose()

    assert "Hello" == "".join(map(str, deltas))
    assert deltas[-1].is_last


@pytest.mark.anyio
async def test_an_adapter_without_a_probe_says_so():
    result = await EchoServer2().probe()

    assert (None, "this adapter has no probe", "reach") == (result.working, result.reason, result.level)


def test_a_class_without_stream_cannot_be_made():
    class Nothing(Adapter):
        pass

    with pytest.raises(TypeError, match="stream"):
        Nothing()  # type: ignore[abstract]  # that it cannot be made is what is tested


def test_the_name_is_that_of_the_class_unless_it_says_another():
    class H2o(EchoServer2):
        pass

    class Other(EchoServer2):
        name = "mine"

    assert ("echo_server2", "h2o", "mine") == (EchoServer2.name, H2o.name, Other.name)


@pytest.mark.parametrize(
    ("delta", "has_content", "is_last"),
    [
        (Delta(), False, False),
        (Delta(text="a"), True, False),
        (Delta(reasoning="a"), True, False),
        (Delta(tool_calls=(ToolCallFragment(0),)), True, False),
        (Delta(usage=Usage(1, 2, 3), model="m"), False, False),
        (Delta(finish_reason="stop"), False, True),
        (Delta(finish_reason=""), False, True),
        (Delta(ends=True, final_text="all"), False, True),
        (Delta(text="a", ends=True), True, True),
    ],
)
def test_a_delta_knows_whether_it_is_progress_and_whether_it_is_the_end(delta, has_content, is_last):
    assert (has_content, is_last) == (delta.has_content, delta.is_last)
    assert delta.text == str(delta)


def test_models_are_named_as_the_service_names_them():
    adapter = EchoServer2()
    adapter.model, adapter.models = "their-default", {"fast": "their-fast"}

    names = [adapter.model_for(request(model=model)) for model in (None, "fast", "unknown")]

    assert ["their-default", "their-fast", "unknown"] == names


IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
SYSTEM = {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize(
    ("capabilities", "messages", "options", "why"),
    [
        ({}, [SYSTEM, HELLO, HELLO], {}, None),
        ({"models": frozenset({"m"})}, [HELLO], {"model": "m"}, None),
        ({"models": frozenset({"m"})}, [HELLO], {"model": "n"}, "does not serve the model 'n'"),
        ({"system_messages": False}, [SYSTEM, HELLO], {}, "takes no system messages"),
        ({"system_messages": False}, [SYSTEM | {"role": "developer"}, HELLO], {}, "takes no system messages"),
        ({"history": False}, [SYSTEM, HELLO], {}, None),
        ({"history": False}, [HELLO, HELLO], {}, "takes no earlier turns"),
        ({}, [HELLO], {"tools": [{"type": "x"}]}, "takes no tools"),
        ({}, [CALL, HELLO], {}, "takes no tools"),
        ({}, [HELLO | {"role": "tool", "tool_call_id": "c1"}], {}, "takes no tools"),
        (
            {"tools": True},
            [CALL, HELLO | {"role": "tool", "tool_call_id": "c1"}],
            {"tools": [{"type": "x"}]},
            None,
        ),
        ({}, [IMAGE], {}, "takes text only"),
        ({"images": True}, [IMAGE], {}, None),
        ({}, [HELLO], {"n": 1, "temperature": 1}, None),
        ({}, [HELLO], {"n": 2, "logprobs": True}, "does not take logprobs, n, which the request demands"),
        ({"options": frozenset({"n"})}, [HELLO], {"n": 2}, None),
        ({}, [HELLO], {"seed": 1, "require": ["seed"]}, "does not take seed, which the request demands"),
        ({"context_size": 5}, [HELLO], {}, None),
        ({"context_size": 4}, [HELLO], {}, "takes at most 4 characters; the messages have 5"),
    ],
)
def test_what_a_provider_cannot_take_is_said(capabilities, messages, options, why):
    asked = request(*messages, **options)

    assert why == Capabilities(**capabilities).refuses(asked, asked.model)


@pytest.mark.parametrize("error", [AuthenticationFailed("no key"), NotWorking("gone")])
def test_only_a_failed_sign_in_and_not_working_itself_mean_not_working(error):
    adapter = EchoServer2()

    adapter.mark(Outcome(10.0, error))

    assert (False, str(error), 10.0) == (adapter.working, adapter.working_reason, adapter.working_since)
    assert f"<EchoServer2 'echo_server2': not working ({error})>" == repr(adapter)


@pytest.mark.parametrize("error", [ServiceFailed("500"), QuotaExhausted("no money"), ModelNotFound("no m")])
def test_any_other_error_says_nothing_about_working(error):
    adapter = EchoServer2()

    adapter.mark(Outcome(10.0, error))

    assert (None, None) == (adapter.working, adapter.working_since)
    assert "<EchoServer2 'echo_server2': not known (not known yet)>" == repr(adapter)


def test_the_finding_of_one_adapter_is_not_that_of_another():
    first, second = EchoServer2(), EchoServer2()

    first.mark(Outcome(1.0, NotWorking("gone")))

    assert (False, None) == (first.working, second.working)


def test_not_working_lapses_and_each_repetition_doubles_the_pause():
    adapter, now, pauses = EchoServer2(), 0.0, []

    for _ in range(6):
        adapter.mark(Outcome(now, NotWorking("gone")))
        start = now
        while adapter.working_at(now) is False:
            now += 15
        pauses.append(now - start)

    assert [60, 120, 240, 480, 900, 900] == pauses
    assert (None, "gone") == (adapter.working_at(now), adapter.working_reason)
    assert False is adapter.working_at(now - 15)  # a question changes nothing


@pytest.mark.parametrize("kind", [NotWorking, AuthenticationFailed])
@pytest.mark.parametrize("scope", [*Scope, None])
@pytest.mark.parametrize("ambiguous", [True, False])
def test_only_what_speaks_about_the_account_or_the_provider_makes_it_not_working(kind, scope, ambiguous):
    """What the router says of the failure goes before what the failure says of itself."""
    adapter = EchoServer2()
    adapter.mark(Outcome(0.0, kind("gone", ambiguous=ambiguous), scope))

    concerns_all = scope in (Scope.ACCOUNT, Scope.PROVIDER) or (scope is None and not ambiguous)
    assert (False if concerns_all else None) is adapter.working


def test_an_answer_forgets_the_failures_before_it():
    adapter = EchoServer2()
    for _ in range(5):
        adapter.mark(Outcome(0.0, NotWorking("gone")))

    adapter.mark(Outcome(5.0))
    adapter.mark(Outcome(7.0, NotWorking("gone")))

    assert (False, None) == (adapter.working_at(66.9), adapter.working_at(67.0))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, NotWorking, AuthenticationFailed, ServiceFailed]), st.floats(0, 2000)
        )
    )
)
def test_working_follows_the_last_word_that_counts(events):
    adapter, now = EchoServer2(), 0.0
    expected: bool | None = None
    since: float | None = None

    for error, seconds in events:
        now += seconds
        before = adapter.working_at(now)
        adapter.mark(Outcome(now, None if error is None else error("so")))
        if error is not ServiceFailed:
            expected = error is None
            since = since if before is expected else now
            assert since == adapter.working_since
        else:
            expected = before
            since = adapter.working_since
        assert expected is adapter.working_at(now)
