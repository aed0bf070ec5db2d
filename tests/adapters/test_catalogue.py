"""Adapters are found by short names, and whoever misspells one is helped."""

from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

import adapters
from adapters import catalogue
from adapters.scripted import ScriptedAdapter


class Installed:
    """The entry points of one installed package of a third party."""

    def __init__(self, **found: object) -> None:
        self.found = found

    def __call__(self):
        return [SimpleNamespace(name=n, load=lambda f=f: f) for n, f in self.found.items()]


@pytest.mark.parametrize("name", sorted(catalogue.BUILT_IN))
def test_every_adapter_of_ours_can_be_loaded(name):
    module, _, attribute = catalogue.BUILT_IN[name].partition(":")
    if find_spec(module) is None:
        pytest.skip(f"{module} is not built yet")

    assert getattr(import_module(module), attribute) is catalogue.load(name)
    assert attribute in adapters.__all__


def test_adapters_of_third_parties_stand_beside_ours(monkeypatch):
    monkeypatch.setattr(catalogue, "installed", Installed(theirs=ScriptedAdapter))

    assert tuple(sorted([*catalogue.BUILT_IN, "theirs"])) == catalogue.names()
    assert ScriptedAdapter is catalogue.load("theirs")


def test_a_third_party_does_not_take_the_name_of_one_of_ours(monkeypatch):
    monkeypatch.setattr(catalogue, "installed", Installed(openai=ScriptedAdapter))

    assert ScriptedAdapter is not catalogue.load("openai")
    assert len(set(catalogue.names())) == len(catalogue.names())


def test_what_is_installed_is_asked_for_by_its_group_and_once(monkeypatch):
    asked = []

    def looked(group):
        asked.append(group)
        return ()

    monkeypatch.setattr(catalogue, "entry_points", looked)
    catalogue.installed.cache_clear()
    try:
        assert catalogue.names() == catalogue.names() == tuple(sorted(catalogue.BUILT_IN))
    finally:
        catalogue.installed.cache_clear()

    assert asked == ["chat_router.adapters"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "opchatgtps",
            "no adapter is called 'opchatgtps'; did you mean 'opchatgpts'? There are: anthropic, ",
        ),
        ("zzz", "no adapter is called 'zzz'. There are: anthropic, "),
    ],
)
def test_an_unknown_name_is_an_error_that_helps(name, words):
    with pytest.raises(LookupError) as caught:
        catalogue.load(name)

    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("found", [object(), dict, lambda: None])
def test_a_name_that_leads_to_no_adapter_is_an_error(monkeypatch, found):
    monkeypatch.setattr(catalogue, "installed", Installed(theirs=found))

    with pytest.raises(
        TypeError, match=r"adapter 'theirs' leads to .*, which is not a class derived from Adapter"
    ):
        catalogue.load("theirs")


def test_a_name_of_the_package_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'adapters' has no attribute 'Nothing'"):
        adapters.Nothing  # type: ignore[attr-defined]  # noqa: B018 - looking it up is what is tested
