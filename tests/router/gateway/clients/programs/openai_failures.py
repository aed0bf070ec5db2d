"""What the openai client makes of failures."""

from __future__ import annotations

import time

import openai

from tests.router.gateway.clients.programs.rows import (
    HELLO,
    WEATHER,
    client,
    completions,
    raised,
    refusal,
    row,
)


@row("A field that nobody knows is 400 with its name")
def unknown(url: str) -> None:
    """It is not dropped in silence."""
    error = refusal(openai.BadRequestError, url, model="echo/m", extra_body={"temperatur": 1})
    assert (error.status_code, error.param, error.code) == (400, "temperatur", "unknown_parameter")
    assert "temperature" in str(error)


@row("BadRequestError: messages of a wrong shape, options out of range, a demand that nobody meets")
def bad_requests(url: str) -> None:
    """Each says what is wrong."""
    assert "role" in str(refusal(openai.BadRequestError, url, model="echo/m", messages=[{"role": "me"}]))
    assert "temperature" in str(refusal(openai.BadRequestError, url, model="echo/m", temperature=-1))
    refusal(openai.BadRequestError, url, model="echo/m", messages=[])
    error = refusal(openai.BadRequestError, url, model="plain/m", tools=[WEATHER])
    assert error.type == "invalid_request_error"
    error = refusal(openai.BadRequestError, url, model="filter/m")
    assert error.code == "content_filter"


@row("NotFoundError: a model that the provider lacks, an endpoint that the gateway lacks")
def not_found(url: str) -> None:
    """Also when it is asked again, and the router remembers."""
    for _ in range(2):
        error = refusal(openai.NotFoundError, url, model="other/lost")
        assert (error.code, error.param) == ("model_not_found", "model")
    raised(openai.NotFoundError, lambda: client(url).embeddings.create(model="m", input="x"))


@row("RateLimitError with Retry-After, also while the limit is remembered")
def limited(url: str) -> None:
    """429 where all that stands in the way is a rate limit."""
    for _ in range(2):
        error = refusal(openai.RateLimitError, url, model="limited/m", stream=True)
        assert 1 <= int(error.response.headers["retry-after"]) <= 7
        assert error.code == "rate_limit_exceeded"


@row("InternalServerError: a provider is down, or refuses its key")
def down(url: str) -> None:
    """The account is the gateway's."""
    assert refusal(openai.InternalServerError, url, model="broken/m").status_code == 503
    for _ in range(2):
        error = refusal(openai.InternalServerError, url, model="locked/m")
        assert error.status_code == 503
        assert error.code in ("upstream_account", "no_provider")
        assert error.response.headers["x-should-retry"] == "false"
        assert "sk-" not in str(error)
    error = refusal(openai.InternalServerError, url, model="cut/m")
    assert (error.status_code, error.code) == (502, "reply_interrupted")


@row("A body that is too long is 413")
def too_long(url: str) -> None:
    """An APIStatusError of its own status."""
    long = [{"role": "user", "content": "x" * 400_000}]
    error = refusal(openai.APIStatusError, url, model="echo/m", messages=long)
    assert (error.status_code, error.code) == (413, "request_too_large")


@row("APIError in the middle of a stream, after the text")
def interrupted(url: str) -> None:
    """What came before is there."""
    for model in ("cut/m", "failing/m"):
        text: list[str] = []

        def read(model: str = model, text: list[str] = text) -> None:
            for chunk in client(url).chat.completions.create(model=model, messages=HELLO, stream=True):
                text.append(chunk.choices[0].delta.content or "")
                assert chunk.choices[0].finish_reason is None

        assert raised(openai.APIError, read).code == "reply_interrupted"
        assert "".join(text).startswith("some")


@row("max_retries repeats a failure that passes, and not one that stays")
def retries(url: str) -> None:
    """By the status, Retry-After and x-should-retry."""
    reply = client(url, max_retries=2).chat.completions.create(model="flaky/m", messages=HELLO)
    assert reply.choices[0].finish_reason == "stop"
    ask = client(url, max_retries=2).chat.completions.create
    error = raised(openai.InternalServerError, lambda: ask(model="locked/m", messages=HELLO))
    assert error.response.headers["x-should-retry"] == "false"
    assert error.response.request.headers["x-stainless-retry-count"] == "0"


@row("with_options() sets timeout and max_retries of one request")
def with_options(url: str) -> None:
    """They hold for it alone."""
    made = client(url, timeout=20)
    ask = made.with_options(max_retries=1, timeout=0.2).chat.completions.create
    error = raised(openai.APITimeoutError, lambda: ask(model="stall/m", messages=HELLO))
    assert error.request.headers["x-stainless-retry-count"] == "1"
    assert made.chat.completions.create(model="echo/m", messages=HELLO).choices[0].finish_reason == "stop"


@row("request_id of an error is the one of the log")
def request_ids(url: str) -> None:
    """Of failures of providers, of the client's own, and of those in the middle of a stream."""
    for fields in ({"model": "broken/m"}, {"model": "echo/m", "temperature": -1}, {"model": "other/lost"}):
        error = refusal(openai.APIStatusError, url, strictly=False, **fields)
        assert error.request_id == error.response.headers["x-request-id"]
        assert len(error.request_id) == 16


@row("APIConnectionError: nobody listens there")
def unreachable(url: str) -> None:
    """The one class of errors that is not the gateway's."""
    ask = client("http://127.0.0.1:9/v1").chat.completions.create
    raised(openai.APIConnectionError, lambda: ask(model="echo/m", messages=HELLO))


@row("parse() raises LengthFinishReasonError where the reply met its limit, and tells a refusal as one")
def unfinished(url: str) -> None:
    """What was cut is not taken for a whole object."""
    ask = completions(url).parse
    raised(
        openai.LengthFinishReasonError,
        lambda: ask(model="short/m", messages=HELLO, response_format={"type": "json_object"}),
    )
    reply = client(url).chat.completions.create(model="refusing/m", messages=HELLO)
    assert (reply.choices[0].message.refusal, reply.choices[0].message.content) == ("No.", None)


@row("timeout raises APITimeoutError")
def timeouts(url: str) -> None:
    """Of the client, while the provider is silent."""
    began = time.monotonic()
    ask = client(url, timeout=0.2).chat.completions.create
    raised(openai.APITimeoutError, lambda: ask(model="stall/m", messages=HELLO, stream=True))
    assert time.monotonic() - began < 2
