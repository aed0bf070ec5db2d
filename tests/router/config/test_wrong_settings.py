"""Wrong settings of services with an OpenAI-compatible API: one clear error each, before anything is sent.

Each is made of a good call and a good file by one change, and says what is wrong, where, and what to do.
"""

from __future__ import annotations

import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters import OpenAICompatible
from adapters.http import HTTPSettings
from adapters.openai.dialect import OWN
from router.config import writing
from tests.depth import sampled
from tests.router.config.good import mistakes

if TYPE_CHECKING:
    from pathlib import Path

GOOD: Final[dict[str, Any]] = {
    "model": "m",
    "base_url": "http://127.0.0.1:1/v1",
    "rename": {"max_tokens": "max_completion_tokens"},
}
WRONG: Final[list[tuple[str, Any, str]]] = [
    ("base_url", "127.0.0.1:1", "must begin with http:// or https://"),
    ("base_url", "ftp://127.0.0.1", "must begin with http:// or https://"),
    ("base_url", "http://me:secret-1@127.0.0.1", "user name or password"),
    ("base_url", "http://127.0.0.1/v1?key=a", "has a query or fragment"),
    ("base_url", "http://127.0.0.1:99999", "port"),
    ("base_url", 1, "text"),
    ("name", "", "give the provider a short printable name"),
    ("connect_timeout", 0, "more than 0"),
    ("connect_timeout", "5", "number"),
    ("cleanup_timeout", -1, "more than 0"),
    ("headers", {"x y": "a"}, ""),
    ("headers", "x", ""),
    ("cookies", ["a"], ""),
    ("verify", "yes", ""),
    ("trust_env", "no", ""),
    ("models", ["a"], ""),
    ("key_header", "", "cannot be the name of a header"),
    ("key_header", "api key", "cannot be the name of a header"),
    ("key_header", "schlüssel", "ASCII only"),
    ("query", {"api-version": 1}, "text"),
    ("query", {"api-key": "secret-1"}, "looks like a key"),
    ("query", {"token": "secret-1"}, "pass api_key"),
    ("query", {"": "a"}, "without a name"),
    ("query", "api-version=1", ""),
    ("query", ["api-version"], ""),
    ("body", {"messages": []}, "those of the request"),
    ("body", {"stream": False}, "write stream = false beside it"),
    ("body", {"model": "x"}, "write model beside it"),
    ("body", {"since": datetime.date(2026, 1, 1)}, "cannot be sent as JSON"),
    ("body", {"ratio": float("nan")}, "not finite"),
    ("body", "safe", ""),
    ("omit", ["messages"], "those of the request"),
    ("omit", ["stream"], "write stream = false beside it"),
    ("omit", [""], "give the name of a field"),
    ("omit", [1], ""),
    ("omit", "stream_options", ""),
    ("rename", {"max_token": "x"}, "did you mean 'max_tokens'?"),
    ("rename", {"max_tokens": ""}, "give the name of another field"),
    ("rename", {"max_tokens": "messages"}, "give the name of another field"),
    ("rename", {"max_tokens": 1}, "text"),
    ("rename", ["max_tokens"], ""),
    ("roles", {"develper": "system"}, "did you mean 'developer'?"),
    ("roles", {"developer": "sytem"}, "did you mean 'system'?"),
    ("roles", {"developer": "boss"}, "There are: system, developer"),
    ("roles", "system", ""),
    ("stream", "no", "rue or "),
    ("stream", 0, "rue or "),
    ("stream_options", "include_usage", "rue or "),
    ("stream_options", {"include_usage": True}, "rue or "),
    ("takes", ["topk"], "did you mean 'top_k'?"),
    ("takes", ["stream_options"], "no generation option"),
    ("takes", "top_k", ""),
    ("takes", [1], ""),
    ("refuses", ["temprature"], "did you mean 'temperature'?"),
    ("refuses", ["x"], "no generation option"),
    ("refuses", 1, ""),
    ("capabilities", {"tool": True}, "did you mean 'tools'?"),
    ("capabilities", {"tools": 1}, "true or false"),
    ("capabilities", {"images": "no"}, "true or false"),
    ("capabilities", {"context_size": 0}, "at least 1"),
    ("capabilities", {"context_size": True}, "whole number"),
    ("capabilities", {"context_size": 1.5}, ""),
    ("capabilities", {"context_tokens": 0}, "at least 1 (tokens)"),
    ("capabilities", {"json_schema": 1}, "true or false"),
    ("capabilities", ["tools"], ""),
    ("models_path", "models", "pass a path such as '/models'"),
    ("models_path", "//evil.example/models", "pass a path such as '/models'"),
    ("models_path", "/models?x=1", "pass a path such as '/models'"),
    ("models_path", "/модели", "ASCII"),
    ("models_path", False, ""),
    ("capabilities", {"null_content": "null"}, "it must be true, false or 'omit'"),
    ("capabilities", {"null_content": False, "empty_content": False}, "one has to be taken, or 'omit'"),
    ("capabilities", {"empty_content": "no"}, "true or false"),
    ("capabilities", {"many_system": 1}, "true or false"),
    ("name", 1, ""),
    ("model", "", "empty"),
    ("model", 1, ""),
    ("proxy", "x", "must begin with one of http://, https://"),
    ("proxy", "", "empty"),
    ("proxy", "ftp://host", "must begin with one of http://, https://"),
    ("proxy", "http://host:99999", "ports are 1 to 65535"),
    ("proxy", 1, "text"),
    ("http2", "yes", "rue or "),
    ("http2", 1, "rue or "),
    ("limits", {"connection": 5}, ""),
    ("limits", 5, ""),
    ("concurrency", 0, "at least 1"),
    ("concurrency", "4", "whole number"),
    ("concurrency", True, "whole number"),
    ("requests_per_minute", 0, "at least 1"),
    ("requests_per_minute", 1.5, "whole number"),
    ("tokens_per_minute", -1, "at least 1"),
    ("tokens_per_minute", True, "whole number"),
    ("daily_requests", 0, "at least 1"),
    ("daily_requests", "9", "whole number"),
    ("budget", {"usd": 0}, "it must be more than 0"),
    ("budget", {"usd": float("inf")}, "finite"),
    ("budget", {"usd": "5"}, "number"),
    ("budget", {"usd": 5, "eur": 5}, ""),
    ("budget", 5, ""),
    ("first_content", 0, "more than 0"),
    ("first_content", "5", "number"),
    ("stall", -1, "more than 0"),
    ("stall", float("nan"), "more than 0"),
    ("stall", True, "number"),
    ("api_keys", [], "at least one"),
    ("api_keys", "secret-1", ""),
]
"""Setting, a value that it cannot have, and words of the error."""
IN_CODE: Final[list[tuple[str, Any, str]]] = [
    ("body", {"stream_options": None}, "omit=['stream_options']"),
    ("body", {1: "a"}, "its names are text"),
    ("body", {"x": object()}, "cannot be sent as JSON"),
    ("models_path", None, "pass a path"),
    ("key_header", None, "cannot be the name of a header"),
    ("api_key", "", "empty"),
    ("api_key", "a\nb", "control"),
    ("api_key", 7, "text"),
    ("api_keys", ["a", "a"], "twice"),
    ("api_keys", [7], "text"),
    ("limits", {"connections": 5}, "pass adapters.Limits"),
    ("transport", "x", "httpx.AsyncBaseTransport"),
]
"""Values that no file can hold."""


@pytest.mark.parametrize(("setting", "value", "words"), [*WRONG, *IN_CODE])
def test_a_wrong_value_in_code_is_one_clear_error(setting: str, value: Any, words: str) -> None:
    given: dict[str, Any] = {**GOOD, setting: value}
    for preset in (None, "groq"):
        make: Any = OpenAICompatible
        if preset is not None:
            make = partial(OpenAICompatible.preset, preset, environ={})
        with pytest.raises((TypeError, ValueError)) as raised:
            make(**given)

        said = str(raised.value)
        assert words in said
        assert "\n" not in said
        assert "secret-1" not in said
        assert any(name in said for name in (setting, setting.rstrip("s"), "port", "header", "authorization"))


SAMPLE: Final = sampled(WRONG, 0.3, "wrong settings", lambda row: row[0])


@pytest.mark.parametrize("adapter", ["openai", "groq"])
@pytest.mark.parametrize(("setting", "value", "words"), SAMPLE)
def test_a_wrong_value_in_a_file_is_one_mistake_with_its_line(
    adapter: str, setting: str, value: Any, words: str, tmp_path: Path
) -> None:
    settings = {**GOOD, setting: value}
    lines = [f"{key} = {writing.value(item)}" for key, item in settings.items()]
    text = "\n".join(["[[provider]]", f'adapter = "{adapter}"', *lines])
    (mistake,) = mistakes(tmp_path, text)

    assert mistake.key.startswith(f"provider 1: {setting}")
    assert mistake.line == 3 + list(settings).index(setting)
    assert words in mistake.text
    assert "secret-1" not in mistake.text


@pytest.mark.parametrize("setting", sorted(OWN))
def test_a_misspelt_setting_shows_the_right_one(setting: str, tmp_path: Path) -> None:
    misspelt = setting[:-1] + ("q" if setting[-1] != "q" else "p")
    with pytest.raises(TypeError) as raised:
        OpenAICompatible("http://127.0.0.1:1", **{misspelt: 1})  # type: ignore[arg-type] # that is the point
    (mistake,) = mistakes(tmp_path, f'[[provider]]\nadapter = "ollama"\n{misspelt} = 1\n')

    assert f"has no setting {misspelt!r}; did you mean {setting!r}?" in str(raised.value)
    assert f"did you mean {setting!r}?" in mistake.text
    assert mistake.line == 3


def test_every_setting_is_given_wrongly_once() -> None:
    """A new setting needs a row here; a `transport` and a bare key cannot stand in a file."""
    in_a_file = {setting for setting, _, _ in WRONG}
    in_code = {setting for setting, _, _ in IN_CODE}
    settings = OWN | set(HTTPSettings.__annotations__) | {"base_url", "api_key", "api_keys"}

    assert settings - in_a_file == {"transport", "api_key"}
    assert settings <= in_a_file | in_code


def test_a_secret_in_a_list_is_refused_with_what_to_write_in_its_place(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, '[[provider]]\nadapter = "groq"\napi_keys = ["secret-1"]\n')

    assert (mistake.key, mistake.line) == ("provider 1: api_keys 1", 3)
    assert 'write { env = "NAME" } for an environment variable, or { file = "path" }' in mistake.text
    assert "secret-1" not in mistake.text


def test_there_are_at_least_a_hundred() -> None:
    assert len(WRONG) + len(IN_CODE) + len(OWN) >= 100
