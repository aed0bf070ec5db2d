"""One conversation at a chat-ui server: session, settings, creation, the turn, and the deletion.

Nothing is left behind: the conversation is deleted however the attempt ends. Its creation is the one step
that is finished even when the attempt is cancelled meanwhile, within half of `cleanup_timeout`, since only
its answer tells the id that can be deleted.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import anyio

from adapters.contract.errors import AdapterError, BadReply, ModelNotFound
from adapters.h2o.errors import leads_to_login
from adapters.h2o.generations import (
    Form,
    Generation,
    conversation_of,
    models_of,
    models_of_page,
    parent_of,
    settings_body,
    turn_body,
)
from adapters.http import segment
from adapters.http.shielded import run_shielded
from adapters.wire.error_body import is_page
from adapters.wire.prompt import fold

if TYPE_CHECKING:
    from adapters.contract import ChatRequest
    from adapters.http import Answer, Session, WholeAnswer

_WRONG_FORM: Final = (400, 404, 405, 415, 500)
"""What a call gets whose form belongs to another generation."""
_REFUSED_UNREAD: Final = ("internal error", "an error occurred", "invalid request")
"""chat-ui's own words for a body of another generation, unlike those of the model server behind it."""
_ANY_PAGE: Final = (200, 301, 302, 303, 307, 308, 404, 405)
"""What an address answers that a generation does not have."""
_LONGEST: Final = 4096
_QUOTED: Final = 16  # a prompt shorter than this would mask words of every error


@dataclass(slots=True)
class Server:
    """What is remembered of a server from one conversation to the next.

    Attributes:
        own_cookies: The names of the cookies that the user gave.
        cookie_name: The name of its session cookie.
        generation: What it showed of itself; None until it was asked.
    """

    own_cookies: frozenset[str]
    cookie_name: str = "hf-chat"
    generation: Generation | None = None
    _session: str = ""
    _process: int = 0

    @property
    def session(self) -> str:
        """The id of our session: any UUID that the client makes up.

        The server keeps a row of settings for each, so that there is one for all requests; conversations have
        ids of their own. After a fork each process has another one.
        """
        if self._process != os.getpid():
            self.session = str(uuid4())
        return self._session

    @session.setter
    def session(self, value: str) -> None:
        self._session, self._process = value, os.getpid()


class Conversation:
    """The requests of one attempt, in their order.

    Args:
        server: What is known of it; what is learnt here is kept there.
        session: Of the attempt.

    Attributes:
        generating: Whether the server may be writing a reply that nobody will read.
        heard: Whether any of the reply's text came.
    """

    def __init__(self, server: Server, session: Session) -> None:
        self._server = server
        self._session = session
        self._id: str | None = None
        self._parent: str | None = None
        self._prompt = ""
        name = server.cookie_name
        self._cookies = {} if name in server.own_cookies else {name: server.session}
        self.generating = False
        self.heard = False

    # -- one request ----------------------------------------------------------------------------

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of every request: forms are refused without Referer (2023) or Origin (since 2024)."""
        origin = ("origin", self._session.origin), ("referer", self._session.base_url.rstrip("/") + "/")
        if not self._cookies:
            return origin
        return (*origin, ("cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items())))

    async def ask(self, method: str, path: str, ok: tuple[int, ...] = (200,), **body: Any) -> WholeAnswer:
        """Send one request and read the whole answer; cookies of the answer go with the next ones.

        Raises:
            AdapterError: Any other status, a redirect to a login, or a failure of the transport.
        """
        async with self._session.exchange(method, path, headers=self.headers, **body) as answer:
            self._keep_cookies(answer)
            if answer.status not in ok or leads_to_login(answer.status, answer.header):
                raise await answer.failure()
            return await answer.whole()

    def mask(self, error: AdapterError) -> None:
        """Take the session's cookies and the prompt, which a server may have quoted, out of an error."""
        text = str(error)
        for value in self._cookies.values():
            text = text.replace(value, "***") if value else text
        # What a peer says is shown in one line and cut, so a quoted prompt is known by how it begins.
        begins = " ".join(self._prompt.split())[:_QUOTED]
        if len(begins) == _QUOTED and begins in text:
            text = text[: text.index(begins)] + "(the prompt)"
        error.args = (text,)

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.set_cookies().items():
            fits = value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST
            if not fits or not name.isascii() or name in self._server.own_cookies:
                continue
            if name not in self._cookies and _is_uuid(value):
                self._server.cookie_name = name  # COOKIE_NAME of this installation
            if name == self._server.cookie_name and value != self._cookies.get(name) and _is_uuid(value):
                self._server.session = value
            self._cookies[name] = value

    # -- what the server is ---------------------------------------------------------------------

    async def detect(self) -> Generation:
        """Ask the server for its models, whose addresses tell the families apart; no generation.

        Raises:
            AdapterError: The server fails, or does not let us in.
        """
        newest = await self.ask("GET", "/api/v2/models", ok=_ANY_PAGE)
        if _is_json(newest):
            found = Generation("G5", models_of(newest.json()))
        else:
            older = await self.ask("GET", "/api/models", ok=_ANY_PAGE)
            if _is_json(older):
                found = Generation("G3/G4", models_of(older.json()))
            else:
                models = await self._models_of_2023()
                # A page of SvelteKit says so; anything else may be any web server.
                seen = models or older.header("x-sveltekit-page")
                found = Generation("G1/G2", models, exact=None if seen else "unknown")
        self._server.generation = found
        return found

    async def _models_of_2023(self) -> tuple[str, ...]:
        """Return the models that the data of the front page lists; none where it cannot be had."""
        page = await self.ask("GET", "/__data.json", ok=tuple(range(200, 600)))
        try:
            return models_of_page(page.json()) if page.status == 200 else ()
        except BadReply:
            return ()

    async def demands_login(self) -> bool:
        """Whether a server of G5 says that it answers signed-in users only, and that we are not signed in.

        Raises:
            AdapterError: The server fails.
        """
        anything = tuple(range(200, 600))
        flags = await self.ask("GET", "/api/v2/feature-flags", ok=anything)
        said = _payload(flags) if _is_json(flags) else None
        if not isinstance(said, dict) or said.get("loginEnabled") is not True:
            return False
        user = await self.ask("GET", "/api/v2/user", ok=anything)
        return _payload(user) is None if _is_json(user) else not self._server.own_cookies

    # -- the steps of a turn --------------------------------------------------------------------

    async def turn(self, request: ChatRequest, model: str | None) -> tuple[Answer, AsyncExitStack]:
        """Go all the way to the answer of the turn.

        What is remembered of the server is forgotten where its answers do not fit any more, and asked for
        once more; the steps are repeated only where another generation is there now.

        Args:
            request: What to ask.
            model: The server's name of the model to ask; None asks the first that it lists.

        Returns:
            The answer, entered, with status 200; and what closes it.

        Raises:
            AdapterError: A step failed.
        """
        known = self._server.generation
        if known is None:
            return await self._steps(request, model, await self.detect())
        try:
            return await self._steps(request, model, known)
        except AdapterError as error:
            asked = model or known.default
            removed = isinstance(error, ModelNotFound) and not known.lacks(asked)
            found = await self._found_anew(known) if removed or _misfits(error) else None
            if found is None:
                raise
            if found.family == known.family:
                if self._id is not None or not (removed or _unread(error)) or not found.lacks(asked):
                    raise
                if model is not None:
                    raise self._unknown_model("POST /conversation", asked, found.models) from error
        await self.leave()
        return await self._steps(request, model, found)

    async def _found_anew(self, known: Generation) -> Generation | None:
        """Return what the server is now, with what is known of it still; None where it does not say."""
        with suppress(AdapterError):
            found = await self.detect()
            if found.family == known.family:
                found = self._server.generation = replace(known, models=found.models or known.models)
            return found
        return None

    async def _steps(
        self, request: ChatRequest, model: str | None, known: Generation
    ) -> tuple[Answer, AsyncExitStack]:
        model = model or known.default
        self._prompt = fold(request.messages)
        known = await self._accept_terms(known, model)
        await run_shielded(partial(self._create, known, model), self._session.cleanup_timeout / 2)
        if known.family != "G1/G2" and self._parent is None:
            await self._look_up_parent(known)
        return await self._send(request, known)

    async def _accept_terms(self, known: Generation, model: str) -> Generation:
        refused: AdapterError | None = None
        for form in known.settings_forms:
            answers = (200, 204, 302, 303, *_WRONG_FORM)
            done = await self.ask("POST", "/settings", answers, **settings_body(form, model))
            if form == "form" and _was_read_and_refused(done):
                raise self._unknown_model(done.where, model, known.models)
            if done.status in _WRONG_FORM:
                refused = refused or self._session.error_from(done)
                continue
            if is_page(done.body) and done.status == 200:
                raise BadReply(f"{done.where} answered with an HTML page; is this a chat-ui server?")
            if known.family == "G1/G2" and known.settings != form:
                known = replace(known, settings=form, exact="G1" if form == "form" else "G2")
                self._server.generation = known
            return known
        if refused is None:
            return known
        if known.family == "G1/G2" and known.lacks(model):  # late G2 checks the name, and says no word of it
            raise self._unknown_model("POST /settings", model, known.models) from refused
        raise refused

    async def _create(self, known: Generation, model: str) -> None:
        try:
            created = await self.ask("POST", "/conversation", json={"model": model})
        except AdapterError as error:
            if error.status in (400, 500) and known.lacks(model):
                raise self._unknown_model("POST /conversation", model, known.models) from error
            raise
        try:
            found, self._parent = conversation_of(created.json())
            self._id = segment(found)
        except BadReply as error:
            raise BadReply(f"{created.where}: {error}", status=created.status) from None

    async def _look_up_parent(self, known: Generation) -> None:
        addresses = [f"/api/conversation/{self._id}"]
        if known.family == "G5":
            addresses.insert(0, f"/api/v2/conversations/{self._id}")
        for address in addresses:
            answer = await self.ask("GET", address, ok=(200, 404))
            if _is_json(answer) and answer.status == 200:
                self._parent = parent_of(answer.json())
                return

    async def _send(self, request: ChatRequest, known: Generation) -> tuple[Answer, AsyncExitStack]:
        refused: AdapterError | None = None
        for form in known.turn_forms:
            body = turn_body(
                known.family,
                form,
                self._prompt,
                parent=self._parent,
                options=request.options_for(known.options),
                extra=request.extra.get(self._session.name, {}),
            )
            async with AsyncExitStack() as stack:
                self.generating = True
                path = f"/conversation/{self._id}"
                exchange = self._session.exchange("POST", path, headers=self.headers, **body)
                answer = await stack.enter_async_context(exchange)
                if answer.status == 200:
                    self._took(known, form)
                    return answer, stack.pop_all()
                self.generating = False
                error = await answer.failure()
            # A form that is not of this generation is refused unread; anything else may have generated.
            if error.status not in _WRONG_FORM or not _unread(error):
                raise refused or error
            refused = refused or error
        raise refused or BadReply("no form of a turn is known")

    def _took(self, known: Generation, form: Form) -> None:
        if known.family == "G3/G4" and known.turn != form:
            self._server.generation = replace(known, turn=form, exact="G4" if form == "form" else "G3")

    def _unknown_model(self, where: str, model: str, models: tuple[str, ...] = ()) -> ModelNotFound:
        name = self._session.name
        there = f"; there are {self._session.shown(', '.join(models))}" if models else ""
        step = f"{where.removeprefix(name + ': ')} of {name}"
        return ModelNotFound(f"{step}: the server does not take the model {model!r}{there}", provider=name)

    # -- the end --------------------------------------------------------------------------------

    async def leave(self) -> None:
        """Stop the generation where it goes on, and delete the conversation; shielded and bounded."""
        if self._id is None:
            return
        path, self._id = f"/conversation/{self._id}", None
        if self.generating and (self.heard or not self._dies_of_an_early_stop()):
            # Closing the connection does not stop any version. A quarter of the time is enough to ask.
            with anyio.move_on_after(self._session.cleanup_timeout / 4, shield=True), suppress(AdapterError):
                await self._session.ask("POST", f"{path}/stop-generating", headers=self.headers)
        await self._session.clean_up("DELETE", path, headers=self.headers)

    def _dies_of_an_early_stop(self) -> bool:
        """Whether the server may be one of early 2026 (v0.9.6).

        Asked to stop before the first token of its model, with several requests at a time, it aborts what
        nobody waits for, and its process ends. After the first token it stops as all others do.
        """
        known = self._server.generation
        return known is not None and known.family == "G5"


def _misfits(error: AdapterError) -> bool:
    if error.status in (404, 405):
        return True
    return (error.status == 200 and isinstance(error, BadReply)) or _unread(error)


def _unread(error: AdapterError) -> bool:
    return error.status in _WRONG_FORM and any(words in str(error).lower() for words in _REFUSED_UNREAD)


def _was_read_and_refused(done: WholeAnswer) -> bool:
    """Whether a form action of 2023 failed: it checks one thing only, the name of the model."""
    if done.status == 404:  # of other software, whose errors may look alike
        return False
    try:
        said = done.json()
    except BadReply:
        return False
    return isinstance(said, dict) and said.get("type") in ("error", "failure")


def _is_json(answer: WholeAnswer) -> bool:
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return answer.status == 200 and kind == "application/json"


def _payload(answer: WholeAnswer) -> Any:
    """Return what an answer of the newest API says, plain or in superjson."""
    said = answer.json()
    return said["json"] if isinstance(said, dict) and "json" in said else said


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False
