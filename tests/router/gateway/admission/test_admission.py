"""Keys: taken from two headers, kept as hashes, told apart from each other, and changed while serving."""

import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from router.gateway.admission import Admission, Caller
from router.gateway.admission.admission import ANYBODY
from router.gateway.failure import Refused
from router.gateway.settings import ClientKey, GatewaySettings

ALPHA, BETA, ADMIN = "key-of-alpha", "key-of-beta!", "key-of-the-admin"
SETTINGS = GatewaySettings(
    keys=[ClientKey("alpha", ALPHA, models=["small"]), ClientKey("beta", BETA)], admin_key=ADMIN
)


def scope(headers: Mapping[str, str]) -> dict[str, Any]:
    return {"headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]}


def bearer(key: str) -> dict[str, Any]:
    return scope({"authorization": f"Bearer {key}"})


@pytest.fixture
def admission() -> Admission:
    return Admission(SETTINGS, local=True, clock=lambda: 0.0)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {ALPHA}"},
        {"authorization": f"bearer  {ALPHA} "},
        {"x-api-key": ALPHA},
        {"authorization": "Basic eA==", "x-api-key": ALPHA},
    ],
)
def test_a_key_is_taken_from_either_header(admission: Admission, headers: dict[str, str]) -> None:
    caller = admission.caller(scope(headers))

    assert (caller.name, caller.models) == ("alpha", frozenset({"small"}))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": ALPHA}, "missing_api_key"),
        ({"cookie": f"key={ALPHA}"}, "missing_api_key"),
        ({"authorization": "Bearer "}, "invalid_api_key"),
        ({"authorization": f"Bearer {ALPHA}x"}, "invalid_api_key"),
        ({"authorization": f"Bearer {ALPHA[:-1]}"}, "invalid_api_key"),
        ({"x-api-key": ADMIN}, "invalid_api_key"),
        ({"x-api-key": "\xe9\xff"}, "invalid_api_key"),
    ],
)
def test_a_wrong_key_is_refused(admission: Admission, headers: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as caught:
        admission.caller(scope(headers))

    assert (caught.value.failure.status, caught.value.failure.code) == (401, code)


def test_without_keys_anybody_may_ask() -> None:
    assert Admission(GatewaySettings()).caller(scope({})) is ANYBODY


def test_no_key_is_kept() -> None:
    for key in (ALPHA, BETA, ADMIN):
        assert key not in repr(SETTINGS)
        assert key.encode() not in pickle.dumps(SETTINGS)
    assert dataclasses.replace(SETTINGS, queue=3).keys == SETTINGS.keys


def test_the_admin_key_is_a_key_of_its_own(admission: Admission) -> None:
    assert admission.admin(bearer(ADMIN))
    assert admission.admin(scope({"x-api-key": ADMIN}))
    assert not admission.admin(bearer(ALPHA))
    assert not admission.admin(scope({"cookie": ADMIN}))


@pytest.mark.parametrize(("settings", "local", "may"), [
    (GatewaySettings(), True, True), (GatewaySettings(), False, False), (SETTINGS, True, False),
])  # fmt: skip
def test_who_shows_no_admin_key_may_look_on_the_loopback_address_alone(
    settings: GatewaySettings, local: bool, may: bool
) -> None:
    admission = Admission(settings, local=local)

    assert admission.may_look(scope({})) is may
    assert not admission.admin(scope({}))


def test_keys_change_and_what_was_used_stays_counted() -> None:
    limited = ClientKey("alpha", ALPHA, requests_per_minute=1)
    admission = Admission(GatewaySettings(keys=[limited]), clock=lambda: 0.0)
    with admission.admit(admission.caller(bearer(ALPHA))):
        pass
    admission.change(GatewaySettings(keys=[dataclasses.replace(limited, key="another-key")]), priced=False)

    with pytest.raises(Refused, match="does not know"):
        admission.caller(bearer(ALPHA))
    with pytest.raises(Refused, match="1 requests a minute"), admission.admit(caller_of(admission)):
        pass


def caller_of(admission: Admission) -> Caller:
    return admission.caller(bearer("another-key"))


def test_a_budget_of_money_needs_prices() -> None:
    settings = GatewaySettings(keys=[ClientKey("alpha", ALPHA, cost_per_day=3)])
    with pytest.raises(ValueError, match="no prices"):
        Admission(settings)

    Admission(settings, priced=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"keys": [ClientKey("a", ALPHA), ClientKey("a", BETA)]}, "two are called 'a'"),
        ({"keys": [ClientKey("a", ALPHA), ClientKey("b", ALPHA)]}, "'a' and 'b' are the same key"),
        ({"admin_key": "short"}, "openssl rand"),
        ({"cors": ["*"]}, "https://chat.example.org"),
        ({"cors": ["https://a/b"]}, "without a path"),
        ({"hosts": ["a:80"]}, "without scheme, port and path"),
    ],
)
def test_wrong_settings_are_told(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        GatewaySettings(**wrong)

    assert ALPHA not in str(caught.value)
