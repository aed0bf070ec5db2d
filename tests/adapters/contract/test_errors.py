"""The tree of errors is the one that the module's docstring shows, and each class says what follows."""

import copy
import inspect
import pickle
import re

import pytest

from adapters.contract import errors
from adapters.contract.errors import (
    AdapterError,
    ChatRouterError,
    ConnectionLost,
    Disposition,
    RateLimited,
    Scope,
)


def documented() -> dict[str, tuple[str, str, str]]:
    """Return class -> (parent, disposition, scope), as the module's docstring has them."""
    found, parents = {}, {2: "ChatRouterError", 4: "AdapterError"}
    tree = re.findall(
        r"^    ( +)(\w+)(?: .*)?  +(RETRY|FAILOVER|ABORT)  +(\w+)$",
        inspect.getdoc(errors) or "",
        re.MULTILINE,
    )
    for indent, name, disposition, scope in tree:
        parents[len(indent) + 2] = name
        found[name] = (parents[len(indent)], disposition.lower(), scope)
    return found


def subclasses(cls: type[AdapterError]) -> list[type[AdapterError]]:
    return [inner for direct in cls.__subclasses__() for inner in (direct, *subclasses(direct))]


CLASSES = [
    cls for cls in subclasses(AdapterError) if cls.__module__ in ("adapters", "adapters.contract.errors")
]


def test_the_docstring_shows_the_tree():
    built = {
        cls.__name__: (
            cls.__mro__[1].__name__,
            str(cls.disposition),
            "ambiguous" if cls.ambiguous else str(cls.scope),
        )
        for cls in CLASSES
    }

    assert built == documented()
    assert issubclass(AdapterError, ChatRouterError)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_keeps_what_it_was_told_also_through_copies_and_pickles(cls):
    error = cls(
        "it failed",
        provider="h2o",
        status=500,
        retry_after=1.5,
        request_id="r1",
        scope=Scope.REQUEST,
        ambiguous=True,
    )

    for same in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(same) is cls
        assert "it failed" == str(same)
        assert ("h2o", 500, 1.5, "r1") == (same.provider, same.status, same.retry_after, same.request_id)
        assert (Scope.REQUEST, True) == (same.scope, same.ambiguous)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_exported_and_says_what_it_is(cls):
    import adapters

    assert cls.__name__ in adapters.__all__
    assert (cls.__doc__ or "").strip().splitlines()[0].endswith((".", ":"))


def test_a_lost_connection_knows_whether_it_was_reused():
    assert (True, False) == (ConnectionLost(reused=True).reused, ConnectionLost().reused)
    assert copy.copy(ConnectionLost(reused=True)).reused


def test_an_error_may_know_nothing_but_its_class():
    error = RateLimited()

    assert ("", None, None) == (str(error), error.provider, error.retry_after)
    assert Disposition.RETRY is error.disposition
