"""A session of Open-Assistant that comes from an exported file or from Firefox, in code and in TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters import BrowserCookies, OpenAssistant
from adapters.contract import Outcome
from adapters.contract.errors import AuthenticationFailed
from adapters.open_assistant.next_auth import PLAIN, SECURE
from router import AllProvidersFailed, ConfigError, RetryPolicy, Router
from tests.adapters.bodies import read, text
from tests.adapters.http.cookies.exported import EARLIER, Cookie, extension, firefox, netscape
from tests.adapters.open_assistant.talk import TEXT, TOKEN, site
from tests.router.recording import Recorder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
ASK = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("form", [netscape, extension, firefox])
async def test_the_session_of_a_browser_is_taken(form: Any, tmp_path: Path) -> None:
    where = form(tmp_path / "cookies", Cookie(PLAIN, TOKEN), Cookie("other", "x", "example.org"))
    given = BrowserCookies("firefox", str(where)) if form is firefox else where
    async with (
        site() as simulator,
        Router([OpenAssistant(simulator.url, cookies=given, polling=0.002)], observers=[]) as router,
    ):
        assert (await router.complete(ASK)).text == TEXT


async def test_a_file_names_the_file(tmp_path: Path) -> None:
    netscape(tmp_path / "cookies.txt", Cookie(PLAIN, TOKEN))
    firefox(tmp_path / "profile", Cookie(PLAIN, TOKEN))
    config = tmp_path / "chain.toml"
    for written in ('{ file = "cookies.txt" }', f'{{ browser = "firefox", profile = "{tmp_path}/profile" }}'):
        async with site() as simulator:
            config.write_text(
                f'[[provider]]\nadapter = "open_assistant"\nbase_url = "{simulator.url}"\npolling = 0.002\n'
                f"cookies = {written}\n"
            )
            async with Router.from_config(config, observers=[]) as router:
                assert (await router.complete(ASK)).text == TEXT


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{ file = "none.txt" }', "cannot be read: No such file"),
        ('{ file = "empty.txt" }', "has no cookie for 127.0.0.1"),
        ('{ browser = "chrome" }', "encrypted"),
        ('{ browser = "firefox", profile = 5 }', "must be the folder of a profile"),
        ('{ browser = "firefox", profile = "/nowhere" }', "has no cookies.sqlite"),
        ('"cookies.txt"', "a table"),
    ],
)
async def test_a_wrong_file_is_told_before_anything_is_sent(written: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# Netscape HTTP Cookie File\n")
    config = tmp_path / "chain.toml"
    config.write_text(
        f'[[provider]]\nadapter = "open_assistant"\nbase_url = "http://127.0.0.1:9"\ncookies = {written}\n'
    )
    with pytest.raises(ConfigError, match=said):
        Router.from_config(config)


async def test_a_file_without_the_session_says_exactly_what_to_do(tmp_path: Path) -> None:
    file = netscape(
        tmp_path / "cookies.txt",
        Cookie("theme", "dark", "chat.example.org"),
        Cookie(SECURE, "gone", "chat.example.org", expires=EARLIER),
    )
    with pytest.raises(ValueError, match="has no session") as error:
        OpenAssistant("https://chat.example.org", cookies=file)
    assert str(error.value) == (
        f"cookies: the file {str(file)!r} has no session, a cookie called next-auth.session-token or "
        "__Secure-next-auth.session-token, for chat.example.org (__Secure-next-auth.session-token expired on "
        "2023-11-14); open https://chat.example.org in the browser, sign in, and export its cookies again, "
        "and give the new file"
    )


# -- a session that ends, and a file that is exported again


async def test_a_file_that_was_exported_again_is_read_when_the_session_has_ended(tmp_path: Path) -> None:
    file = netscape(tmp_path / "cookies.txt", Cookie(PLAIN, "ended.session.canary"))
    seen = Recorder()
    async with site() as simulator:
        adapter = OpenAssistant(simulator.url, cookies=file, polling=0.002)
        async with Router([adapter], observers=[seen], retry=RetryPolicy(attempts=1)) as router:
            with pytest.raises(AllProvidersFailed) as caught:
                await router.complete(ASK)
            router.reset(adapter.name)
            adapter.mark(Outcome(0.0, reason="asked again by the test"))
            netscape(file, Cookie(PLAIN, TOKEN))
            replies = [(await router.complete(ASK)).text for _ in range(2)]

    assert [TEXT, TEXT] == replies
    assert [attempt.outcome for attempt in seen.ledger] == ["failed", "failed", "committed", "committed"]
    assert f"the file {str(file)!r} still has the same; open {simulator.url}" in str(caught.value)
    assert "has other cookies now, which are taken" in seen.ledger[1].reason
    assert "canary" not in str(caught.value) + repr(seen.events) + repr(adapter)


async def test_what_is_wrong_with_the_new_file_is_said(tmp_path: Path) -> None:
    file = netscape(tmp_path / "cookies.txt", Cookie(PLAIN, "ended.session"))
    async with site() as simulator:
        adapter = OpenAssistant(simulator.url, cookies=file, polling=0.002)
        for content, said in (
            (
                [Cookie(PLAIN, TOKEN, expires=EARLIER)],
                f"({PLAIN} expired on 2023-11-14); open {simulator.url}",
            ),
            ([Cookie("theme", "dark")], "has no session"),
            (None, "cannot be read: No such file"),
        ):
            netscape(file, *content) if content else file.unlink()
            _, error = await read(adapter)
            assert isinstance(error, AuthenticationFailed)
            assert not error.other_key
            assert said in str(error)
        await adapter.aclose()


async def test_a_probe_reads_the_file_again_too(tmp_path: Path) -> None:
    file = netscape(tmp_path / "cookies.txt", Cookie(PLAIN, "ended.session"))
    async with site() as simulator:
        adapter = OpenAssistant(simulator.url, cookies=file, polling=0.002)
        before = await adapter.probe()
        netscape(file, Cookie(PLAIN, TOKEN))
        after = await adapter.probe()
        await adapter.aclose()

    assert (False, True) == (before.working, after.working)


async def test_a_store_of_a_browser_is_read_again(tmp_path: Path) -> None:
    firefox(tmp_path, Cookie(PLAIN, "ended.session"))
    async with site() as simulator:
        adapter = OpenAssistant(
            simulator.url, cookies=BrowserCookies("firefox", str(tmp_path)), polling=0.002
        )
        (tmp_path / "cookies.sqlite").unlink()
        firefox(tmp_path, Cookie(PLAIN, TOKEN))
        _, refused = await read(adapter)
        deltas, error = await read(adapter)
        await adapter.aclose()

    assert refused is not None
    assert (refused.other_key, error, text(deltas).strip()) == (True, None, TEXT)
