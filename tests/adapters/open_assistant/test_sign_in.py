"""OpenAssistant shows its session to the site, and to nobody else."""

from __future__ import annotations

from typing import Any, Final

import pytest

from adapters.contract import Outcome
from adapters.contract.errors import AuthenticationFailed, ServiceFailed
from adapters.open_assistant import OpenAssistant
from adapters.open_assistant.next_auth import PLAIN, SECURE, SPLIT
from tests.adapters.open_assistant.talk import TEXT, TOKEN, adapted, read, site, text

pytestmark = pytest.mark.anyio

LONG: Final = "".join(chr(97 + n % 26) for n in range(SPLIT + 500))


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"session_token": TOKEN},
        {"session_token": None, "cookies": {PLAIN: TOKEN}},
        {"session_token": None, "cookies": {SECURE: TOKEN, "theme": "dark"}},
        {"session_token": None, "cookies": {f"{SECURE}.0": TOKEN[:9], f"{SECURE}.1": TOKEN[9:]}},
    ],
)
async def test_the_site_finds_the_session_whatever_address_it_believes_in(
    secure: bool, settings: dict[str, Any]
):
    async with site(secure=secure) as simulator, adapted(simulator, **settings) as adapter:
        assert text(await read(adapter)) == TEXT
        assert (await adapter.probe()).working is True


@pytest.mark.parametrize("secure", [False, True])
async def test_a_long_session_is_found_too(secure: bool):
    async with (
        site(secure=secure, session=LONG) as simulator,
        adapted(simulator, session_token=LONG) as adapter,
    ):
        assert text(await read(adapter)) == TEXT
        assert (await adapter.probe()).working is True


async def test_an_authorization_header_of_the_user_is_not_replaced():
    header = {"Authorization": "Basic dXNlcg=="}
    async with (
        site(session=LONG) as simulator,
        adapted(simulator, session_token=LONG, headers=header) as adapter,
    ):
        assert text(await read(adapter)) == TEXT
        assert simulator.requests[0].header("authorization") == "Basic dXNlcg=="


@pytest.mark.parametrize("settings", [{"session_token": None}, {"session_token": "expired"}])
async def test_without_a_session_the_error_says_which_cookie_to_give(settings: dict[str, Any]):
    async with site() as simulator, adapted(simulator, **settings) as adapter:
        with pytest.raises(AuthenticationFailed, match=r"next-auth\.session-token") as caught:
            await read(adapter)
        probe = await adapter.probe()
        adapter.mark(Outcome(1.0, caught.value))

        assert caught.value.status == 403
        assert (probe.working, adapter.working) == (False, False)
        assert "nobody is signed in" in probe.reason
        assert "expired" not in str(caught.value).replace("missing, expired", "")


async def test_the_secret_shows_nowhere():
    said = f"at {TOKEN} and {LONG}"
    async with site(fault="error_event", worker_says=said) as simulator, adapted(simulator) as adapter:
        with pytest.raises(ServiceFailed) as caught:
            await read(adapter)

        assert TOKEN not in f"{caught.value!r} {adapter!r} {vars(adapter)}"
    long = OpenAssistant(session_token=LONG)
    assert LONG[:30] not in f"{long!r} {vars(long)} {long._client.shown('x' + LONG)}"
