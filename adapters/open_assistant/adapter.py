"""Open-Assistant: any installation of its web site (open-assistant.io is gone).

    POST   {base_url}/api/chat                               -> {"id"}        a chat of our own
    POST   {base_url}/api/chat/prompter_message              -> {"id"}        the prompt
    POST   {base_url}/api/chat/assistant_message             -> {"id"}        asks for an answer
    POST   {base_url}/api/chat/events?chat_id=&message_id=   -> its event stream
    GET    {base_url}/api/chat/message?chat_id=&message_id=  -> the message, where the stream does not tell
    DELETE {base_url}/api/chat?chat_id=                      after everything else, or
    PUT    {base_url}/api/chat                               to hide a chat whose answer may still run

What is special about it, and what follows:

1. The event stream is consumed by reading, so it is asked for once. Where it is empty (the answer was quicker
   than we), cut or silent, the message itself is read, again and again, until it is finished.
2. A cancelled or expired answer is `pending` in the stream for ever; the message tells.
3. A new question on an account cancels the one that waits, so an adapter holds one conversation at a time.
   Two adapters, or another program, on the same account are not seen.
4. There is no call that stops a running answer. A chat that is deleted while its answer runs costs the site's
   worker its connection, and others their answers. So a chat is hidden where the end of its answer was not
   seen, and deleted later, once the end is known: after the next complete reply, at a probe, at the end.

The protocol was read in the last public commit of LAION-AI/Open-Assistant, `website/src/pages/api/chat` and
`inference/server`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

import anyio
from anyio.lowlevel import current_token

from adapters.contract import Capabilities, Conditions, ProbeResult
from adapters.contract.errors import BadReply, Busy, InvalidRequest
from adapters.http import HTTPAdapter, HTTPSettings, Session
from adapters.http.client import ServiceWords
from adapters.http.cookies import SiteCookies, site_cookies
from adapters.http.settings import base_of, seconds_of
from adapters.open_assistant.conversation import Conversation
from adapters.open_assistant.errors import how_to_sign_in, refusal
from adapters.open_assistant.hidden import HiddenChats
from adapters.open_assistant.next_auth import PLAIN, SECURE, sign_in
from adapters.wire.prompt import fold

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, Delta
    from adapters.contract.errors import AdapterError
    from adapters.contract.secret import Secret
    from adapters.http import WholeAnswer

_DEFAULTS: Final[dict[str, Any]] = {
    "top_k": 50,
    "top_p": None,
    "typical_p": None,
    "temperature": 0.35,
    "repetition_penalty": 1.1111111111111112,
    "max_new_tokens": 1024,
}
"""What the project's own client sent, its preset `k50-Plugins`. A null is refused for max_new_tokens only."""
_SESSION: Final = f"session, a cookie called {PLAIN} or {SECURE},"
_THEIRS: Final = {"max_tokens": "max_new_tokens"}


class OpenAssistant(HTTPAdapter):
    """An Open-Assistant web site.

    It needs a session: the cookie of a signed-in browser, in `cookies` or as `session_token`. The name of the
    cookie follows the site's own idea of its address, so a token is sent under both names; see
    `adapters.open_assistant.next_auth`.

    The chat of each reply is deleted. One that is left while its answer runs is hidden, and deleted later by
    this adapter; if its answer still runs at `aclose()`, it stays at the site, hidden.

    Args:
        base_url: Where the site is, without `/chat`. None points at open-assistant.io, which is gone:
            `working` is False until a probe succeeds.
        session_token: The value of the session cookie, instead of the cookie itself.
        silence: Seconds without a byte after which the event stream is given up and the message read instead
            (30). The site sends a ping every 15 s as long as its inference server lives.
        polling: Seconds before the message is read again (0.5); doubles up to four times as much.
        settings: See `HTTPSettings`. The model is `OA_SFT_Llama_30B_6` by default.

    Raises:
        TypeError: A setting is unknown, or the session is given twice.
        ValueError: A setting cannot be used; the message says why.
    """

    _seed = "https://open-assistant.io"
    _words = ServiceWords("an Open-Assistant site", key="")
    model = "OA_SFT_Llama_30B_6"
    capabilities = Capabilities(
        needs_auth=True,
        options=frozenset({
            "max_tokens", "repetition_penalty", "temperature", "top_k", "top_p", "typical_p",
        }),
    )  # fmt: skip

    def __init__(
        self,
        base_url: str | None = None,
        *,
        session_token: str | Secret | None = None,
        silence: float = 30.0,
        polling: float = 0.5,
        **settings: Unpack[HTTPSettings],
    ) -> None:
        base = base_of(self._seed if base_url is None else base_url)
        given = settings.get("cookies", {})
        cookies = site_cookies(given, base, "/api/chat")
        session = sign_in(cookies.values, session_token, https=base.scheme == "https")
        if cookies.source and not session.tokens:
            raise cookies.missing(_SESSION, base)
        self.silence = seconds_of("silence", silence)
        self.polling = seconds_of("polling", polling)
        self._tokens = session.tokens
        self._bearer = session.bearer
        self._turn: anyio.Semaphore | None = None
        self._hidden = HiddenChats()
        settings["cookies"] = session.cookies
        # An Authorization header of the user's own is for the proxy in front, and goes before ours.
        self._is_behind_proxy = any(str(n).lower() == "authorization" for n in settings.get("headers", {}))
        if self._is_behind_proxy:
            self._bearer = None
        if settings.get("concurrency") not in (None, 1):
            raise ValueError("concurrency must be 1: a second conversation on the account cancels the first")
        super().__init__(base_url, **settings)
        self._renew_from(given, base, "/api/chat", cookies)
        self.concurrency = 1  # a second conversation on the account would cancel the first

    def _take_cookies(self, found: SiteCookies) -> None:
        """Use another session from here on; it replaces that of the cookies read before."""
        base = base_of(self.base_url)
        session = sign_in(found.values, https=base.scheme == "https")
        if not session.tokens:
            raise found.missing(_SESSION, base)
        self._client.shown.hide(token.reveal() for token in session.tokens)
        self._client.take_cookies(session.cookies)
        self._bearer = None if self._is_behind_proxy else session.bearer

    def _secrets(self) -> tuple[Secret, ...]:
        """Return the whole session tokens: the cookies may hold them in pieces."""
        return self._tokens

    def _credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the session as a header, where it is too long for two cookies."""
        return () if self._bearer is None else (("authorization", f"Bearer {self._bearer.reveal()}"),)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the site in a chat of its own, yield the answer as it comes, and delete or hide the chat.

        Yields:
            The tokens, and before them an empty delta, once, where the answer waits. The last delta has
            `finish_reason="stop"`, and `final_text` where the worker's final version differs from the tokens
            (it trims). Whether the answer was cut at `max_tokens`, the site does not tell.

        Raises:
            Busy: This adapter has another conversation.
            AdapterError: The site failed; see `adapters.open_assistant.errors`.
        """
        prompt = f"<s>[INST]\n{fold(request.messages)}\n[/INST]"
        if "\0" in prompt:
            raise InvalidRequest(
                f"{self.name}: the messages hold a NUL character, which the site cannot store; remove it",
                provider=self.name,
            )
        turn = await self._take_turn(wait=not request.conditions.others_left)
        over = False
        try:
            async with self._session(request.conditions) as session:
                conversation = Conversation(
                    session, silence=self.silence, polling=self.polling, hidden=self._hidden
                )
                try:
                    await conversation.open()
                    await conversation.ask(prompt, self._question(request))
                    while not conversation.over:
                        for delta in await conversation.next():
                            yield delta
                finally:
                    over = conversation.over
                    await conversation.close()
        finally:
            turn.release()
            if over:  # whoever leaves early, or has failed, waits for nothing more
                await self._delete_ended(request.conditions)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the site's own words stand for."""
        path = answer.where.rpartition(" ")[2]
        return refusal(path, answer.status, answer.body, answer.where, answer.shown)

    async def _delete_ended(self, conditions: Conditions) -> None:
        """Delete hidden chats whose answers have ended."""
        if self._hidden:
            async with Session(self._client, conditions, counted=False) as session:
                await self._hidden.delete_ended(session)

    async def aclose(self) -> None:
        """Delete hidden chats whose answers have ended, and close all connections. Idempotent."""
        try:
            await self._delete_ended(Conditions())
        finally:
            await super().aclose()

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask who is signed in, and for the models; no generation."""
        who = await session.ask("GET", "/api/auth/session")
        # That route reads cookies only, so it does not know of a session in the header.
        if not who.json() and self._bearer is None:
            return ProbeResult(False, f"the site is there, but nobody is signed in; {how_to_sign_in()}")
        listed = (await session.ask("GET", "/api/chat/models")).json()
        if not isinstance(listed, list):
            raise BadReply(f"{self.name}: GET /api/chat/models gave no list of models; check base_url")
        names = [
            each["name"] for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)
        ]
        own = [self.model] if self.model in names[100:] else []  # so that it is not taken for missing
        models = tuple(self._client.shown(name, 100) for name in [*own, *names[:100]])
        await self._delete_ended(Conditions())
        if self.model not in names:
            said = f"signed in, but the site does not list the model {self.model!r}"
            return ProbeResult(True, said, models=models)
        return ProbeResult(True, "signed in, and the site lists its models", models=models)

    def _leave_loop(self) -> None:
        super()._leave_loop()
        self._turn = None

    async def _take_turn(self, *, wait: bool) -> anyio.Semaphore:
        """Take this account's turn. A semaphore: a stream may be closed by another task than opened it.

        Raises:
            Busy: Another conversation holds it, and it was not to be waited for.
        """
        self.in_loop(current_token())
        turn = self._turn
        if turn is None:
            turn = self._turn = anyio.Semaphore(1, fast_acquire=True)
        try:
            turn.acquire_nowait()
        except anyio.WouldBlock:
            if wait:
                await turn.acquire()
                return turn
            raise Busy(
                f"{self.name}: another conversation on this account still goes on, and a second one would "
                "cancel it; wait for it, or configure a second account",
                provider=self.name,
            ) from None
        return turn

    def _question(self, request: ChatRequest) -> dict[str, Any]:
        """Return the body that asks for an answer, without its ids."""
        options = request.options_for(self.capabilities.options)
        extra = dict(request.extra.get(self.name, {}))
        sampling = {**_DEFAULTS, **{_THEIRS.get(name, name): value for name, value in options.items()}}
        given = extra.pop("sampling_parameters", None)
        return {
            "model_config_name": self.model_for(request) or type(self).model,
            "sampling_parameters": {**sampling, **given} if isinstance(given, dict) else given or sampling,
            "plugins": [],
            **extra,
        }
