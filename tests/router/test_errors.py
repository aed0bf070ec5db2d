"""What a request can end with, and how it reads."""

import pytest

from adapters import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ChatRouterError,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    ServiceFailed,
    Stalled,
    Truncated,
)
from router import AllProvidersFailed, Attempt, RequestAborted, RouterError, StreamInterrupted
from router.errors import verdict_of

NO_KEY = (
    "no provider answered; 'first' refused the key or session: waiting alone does not help, give a valid one"
)


def failed(provider: str, error: AdapterError, number: int = 1) -> Attempt:
    return Attempt(provider, number, 1, "waiting", "failed", error=error, reason=str(error), seconds=0.5)


def test_the_text_names_every_attempt_in_a_line_of_its_own():
    skipped = Attempt("second", 2, 1, "selection", "skipped", reason="takes no tools")
    error = AllProvidersFailed((failed("first", ServiceFailed("it said 503")), skipped))

    assert str(error) == (
        "no provider answered\n"
        "  first: failed after 0.50 s (ServiceFailed: it said 503)\n"
        "  second: skipped after 0.00 s (takes no tools)"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x0c", "\x1e"])
def test_an_error_of_several_lines_stays_in_its_line(newline):
    attempt = failed("first", BadReply(f"one{newline}two"))
    error = AllProvidersFailed((attempt,))

    assert len(str(error).splitlines()) == 2
    assert str(error).splitlines()[1] == "  first: failed after 0.50 s (BadReply: one two)"


def test_of_several_providers_each_refused_its_key():
    refused = (failed("first", AuthenticationFailed()), failed("second", AuthenticationFailed(), 2))

    assert str(AllProvidersFailed(refused)).startswith(
        "no provider answered; each refused the key or session"
    )


def test_the_causes_are_kept_in_order():
    first, second = ServiceFailed("x"), BadReply("y")
    skipped = Attempt("third", 3, 1, "selection", "skipped", reason="takes no tools")

    assert (first, second) == AllProvidersFailed(
        (failed("first", first), failed("second", second), skipped)
    ).causes


@pytest.mark.parametrize(
    ("errors", "settings", "head"),
    [
        ([], {}, "no provider could be asked"),
        ([], {"retry_after": 4.25, "retryable": True}, "no provider could be asked; try again in 4.2 s"),
        ([ServiceFailed()], {}, "no provider answered"),
        (
            [ServiceFailed()],
            {"retryable": True},
            "no provider answered; the same request may succeed later",
        ),
        (
            [InvalidRequest(), ContextTooLong()],
            {},
            "no provider takes this request; look at the messages and options",
        ),
        ([InvalidRequest(), ServiceFailed()], {}, "no provider answered"),
        ([AuthenticationFailed()], {"retry_after": 60, "retryable": True}, NO_KEY),
        (
            [AuthenticationFailed(), AuthenticationFailed(retry_after=9)],
            {"retry_after": 9, "retryable": True},
            "no provider answered; try again in 9.0 s",
        ),
        (
            [AuthenticationFailed(), ServiceFailed()],
            {"retry_after": 60, "retryable": True},
            "no provider answered; try again in 60.0 s",
        ),
        (
            [ModelNotFound(), ModelNotFound()],
            {"retry_after": 300, "retryable": True},
            "'first' does not have the model that is asked for; name another one: "
            "(await router.check()).providers lists the models of each",
        ),
        (
            [ModelNotFound(), ServiceFailed()],
            {"retry_after": 300, "retryable": True},
            "no provider answered; try again in 300.0 s",
        ),
        (
            [InvalidRequest()],
            {"out_of_time": True},
            "no provider answered before the deadline (Timeouts.total)",
        ),
    ],
)
def test_the_first_line_says_what_to_do(errors, settings, head):
    error = AllProvidersFailed(tuple(failed("first", error) for error in errors), **settings)

    assert head == str(error).splitlines()[0]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Truncated(), "truncated"),
        (ConnectionLost(), "truncated"),
        (ContentRefused(), "refused"),
        (Stalled(), "failed"),
        (ServiceFailed(), "failed"),
        (BadReply(), "failed"),
    ],
)
def test_each_error_after_content_has_its_verdict(error, verdict):
    assert verdict == verdict_of(error)


@pytest.mark.parametrize("kind", [AllProvidersFailed, RequestAborted, StreamInterrupted])
def test_every_error_of_a_request_is_of_one_family(kind):
    assert issubclass(kind, RouterError)
    assert issubclass(kind, ChatRouterError)
    assert not issubclass(kind, AdapterError)
