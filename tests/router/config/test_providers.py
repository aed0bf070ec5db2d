"""Adapters of others are configured by what their constructors say, in whatever way they say it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from adapters import Adapter, ChatRequest, Delta, H2o, Secret, catalogue
from adapters.conformance import check_adapter
from adapters.http import HTTPAdapter
from router import ConfigError, Router
from router.config import load, shown
from tests.router.config.good import KEY, mistakes, put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from some.package import Unknown  # type: ignore[import-not-found]  # there is none; the annotation names it

HERE = __name__


class Bare(Adapter):
    """No constructor at all."""

    async def stream(self, request: ChatRequest) -> Any:
        yield Delta(text="Hello")
        yield Delta(finish_reason="stop")


class Typed(Bare):
    """Every kind of annotation.

    Args:
        region: Where it runs.
        tiers: Names of tiers.
    """

    def __init__(
        self,
        region: Literal["eu", "us"],
        tiers: Sequence[str] = (),
        scores: Mapping[str, float] | None = None,
        ratio: float | str = 1.0,
        unknown: Unknown | None = None,
        either: Unknown | int = 3,
        password: str | None = None,
        headers: dict[str, str] | None = None,
        token: Secret | None = None,
        anything=None,
        *,
        strict: bool = False,
    ) -> None:
        self.region, self.tiers, self.scores, self.ratio = region, tiers, scores, ratio
        self.either, self.password, self.headers, self.token = either, password, headers, token
        self.anything, self.strict = anything, strict


class Handing(HTTPAdapter):
    """Hands on what it does not know."""

    def __init__(self, zone: int, *arguments: Any, **settings: Any) -> None:
        self.zone = zone
        self.kept = settings.pop("kept", None)
        super().__init__(*arguments, **settings)

    async def stream(self, request: ChatRequest) -> Any:
        yield Delta(finish_reason="stop")


class Taking(Bare):
    """Takes anything."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings


class Refusing(Bare):
    """Quotes what it refuses."""

    def __init__(self, api_key: str, code: int = 0) -> None:
        raise [KeyError, OSError, RuntimeError][code](f"no {api_key} here")


def table(kind: type | str, rest: str = "") -> str:
    name = kind if isinstance(kind, str) else f"{HERE}:{kind.__name__}"
    return f'[[provider]]\nadapter = "{name}"\n{rest}\n'


def made(tmp_path: Path, text: str) -> Any:
    config = load(put(tmp_path, text), {"SOME_KEY": KEY})
    again = load(put(tmp_path, shown(config)), {"SOME_KEY": KEY})
    assert shown(config) == shown(again)
    assert KEY not in shown(config)
    return config.providers[0]


def test_an_adapter_without_a_constructor_has_what_every_adapter_has(tmp_path: Path) -> None:
    adapter = made(tmp_path, table(Bare, 'name = "mine"\nmodel = "m"\nmodels = { a = "b" }'))

    assert (adapter.name, adapter.model, adapter.models) == ("mine", "m", {"a": "b"})


def test_two_of_one_kind_need_two_names(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, table(Bare) + table(Bare))

    assert "called 'bare'" in mistake.text
    assert not mistakes(tmp_path, table(Bare) + table(Bare, 'name = "another"'))


def test_annotations_are_understood(tmp_path: Path) -> None:
    text = """region = "eu"
tiers = ["a", "b"]
scores = { a = 1 }
ratio = "all"
either = 4
password = { env = "SOME_KEY" }
headers = { x = { env = "SOME_KEY" }, y = { plain = "z" } }
token = { env = "SOME_KEY" }
anything = [1, { a = 2024-02-29 }]
strict = true"""
    adapter = made(tmp_path, table(Typed, text))

    assert (adapter.region, adapter.tiers, adapter.scores, adapter.ratio) == (
        "eu",
        ("a", "b"),
        {"a": 1},
        "all",
    )
    assert (adapter.either, adapter.strict) == (4, True)
    assert (adapter.password, adapter.headers) == (KEY, {"x": KEY, "y": "z"})
    assert adapter.token == Secret(KEY)
    assert adapter.anything[0] == 1


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('region = "asia"', "region", "There are: eu, us"),
        ('tiers = "a"', "tiers", "is text; it must be an array"),
        ("tiers = [1]", "tiers 1", "it must be text"),
        ('scores = { a = "b" }', "scores.a", "it must be a number"),
        ("ratio = true", "ratio", "it must be a number or text"),
        ("unknown = 1", "unknown", "cannot be given in a file"),
        ('either = "a"', "either", "a whole number, without quotes"),
        ('password = "hunter2"', "password", "must not stand in this file"),
        ('headers = { x = "hunter2" }', "headers.x", "must not stand in this file"),
        ('token = "hunter2"', "token", "must not stand in this file"),
        ("strict = 1", "strict", "it must be true or false"),
        ("strickt = true", "strickt", "did you mean 'strict'?"),
        ('name = ""', "name", "printable"),
    ],
)
def test_what_does_not_fit_is_told(line: str, key: str, words: str, tmp_path: Path) -> None:
    region = "" if line.startswith("region") else 'region = "eu"\n'
    (mistake,) = mistakes(tmp_path, table(Typed, region + line))

    assert mistake.key == f"provider 1: {key}"
    assert words in mistake.text
    assert "hunter2" not in mistake.text


def test_what_is_handed_on_is_checked_where_it_is_known(tmp_path: Path) -> None:
    text = table(Handing, 'zone = 1\nbase_url = "http://127.0.0.1:1"\nlimits.connections = 3\nkept = "mine"')
    adapter = made(tmp_path, text)

    assert (adapter.zone, adapter.base_url, adapter.limits.connections) == (1, "http://127.0.0.1:1", 3)
    assert adapter.kept == "mine"
    assert [m.key for m in mistakes(tmp_path, f"{text}conect_timeout = 1")] == ["provider 1: conect_timeout"]
    assert [m.key for m in mistakes(tmp_path, f'{text}verify = "no"')] == ["provider 1: verify"]


def test_who_takes_anything_gets_anything_but_literal_secrets(tmp_path: Path) -> None:
    adapter = made(tmp_path, table(Taking, 'a = 1\nb = ["x"]\napi_key = { env = "SOME_KEY" }'))
    (mistake,) = mistakes(tmp_path, table(Taking, 'api_key = "hunter2"'))

    assert adapter.settings == {"a": 1, "b": ["x"], "api_key": KEY}
    assert "must not stand in this file" in mistake.text


@pytest.mark.parametrize("code", range(3))
def test_a_constructor_that_fails_is_a_mistake_without_the_secret(code: int, tmp_path: Path) -> None:
    text = table(Refusing, f'api_key = {{ env = "SOME_KEY" }}\ncode = {code}')
    with pytest.raises(ConfigError) as caught:
        load(put(tmp_path, text), {"SOME_KEY": KEY})

    assert "the constructor failed" in str(caught.value)
    assert "***" in str(caught.value)
    assert KEY not in str(caught.value)


def test_an_entry_point_is_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"theirs": lambda: Bare, "broken": lambda: 1 / 0, "other": lambda: dict}

    def installed() -> list[SimpleNamespace]:
        return [SimpleNamespace(name=n, load=load) for n, load in points.items()]

    monkeypatch.setattr(catalogue, "installed", installed)

    assert isinstance(load(put(tmp_path, table("theirs")), {}, trusted=False).providers[0], Bare)
    assert "ZeroDivisionError" in mistakes(tmp_path, table("broken"))[0].text
    assert "not a class derived from Adapter" in mistakes(tmp_path, table("other"))[0].text
    assert "theirs" in mistakes(tmp_path, table("thiers"))[0].text


@pytest.mark.parametrize("body", ["import nothing_of_this_name", "1 / 0", "raise OSError('hunter2')", "("])
def test_a_module_that_cannot_be_imported_is_a_mistake(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_of_theirs.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))
    (mistake,) = mistakes(tmp_path, table("broken_of_theirs:Some"))

    assert "cannot be loaded: " in mistake.text
    sys.modules.pop("broken_of_theirs", None)


def test_a_module_that_is_not_found_is_told_with_how_to_start_from_its_folder(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, table("saysay:Say"))

    assert "ModuleNotFoundError: No module named 'saysay'; make saysay importable" in mistake.text
    assert "with `PYTHONPATH=. chat-router …`" in mistake.text


def test_a_class_in_a_class_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nested_of_theirs")
    module.Outer = SimpleNamespace(Inner=Bare)  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "nested_of_theirs", module)

    assert isinstance(load(put(tmp_path, table("nested_of_theirs:Outer.Inner")), {}).providers[0], Bare)


@pytest.mark.anyio
async def test_an_adapter_of_a_file_answers(tmp_path: Path) -> None:
    async with Router.from_config(put(tmp_path, table(Bare)), environ={}) as router:
        reply = await router.complete([{"role": "user", "content": "Hi"}])

    assert reply.text == "Hello"
    assert (await check_adapter(Bare)).ok


def test_a_subclass_of_ours_is_its_own_class(tmp_path: Path) -> None:
    text = table("adapters.h2o:H2o", 'base_url = "http://127.0.0.1:1"')

    assert isinstance(made(tmp_path, text), H2o)
