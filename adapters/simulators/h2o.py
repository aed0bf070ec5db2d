"""A simulated huggingface/chat-ui, in each of its five wire generations.

    G1  form settings, Referer check, JSON bodies, the model server's events passed through
    G2  JSON settings, JSON lines, a response that never ends
    G3  a parent id in each turn, JSON bodies
    G4  the same as a form, Origin check, padded tokens
    G5  no settings, the addresses under /api/v2, the parent id in the answer to create

One without the parent id in the answer to create (`wraps=False`) is v0.9.6 of early 2026, whose process ends
when it is asked to stop a reply before the first token while another one is made, too.

`created` and `deleted` tell whether a client leaves conversations behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Unpack, get_args
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import anyio

from adapters.simulators.exchange import Answer, Exchange
from adapters.simulators.h2o_streams import Lines, Passthrough
from adapters.simulators.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.simulators.framing import Framing
    from adapters.simulators.received import Received
    from adapters.simulators.script import ScriptOptions

Login = Literal["none", "demanded", "automatic"]
"""Whether only signed-in users are answered; `automatic` answers each request of others with the login."""

GENERATIONS: Final = ("G1", "G2", "G3", "G4", "G5")
MODELS: Final = ("h2oai/h2ogpt-gm-oasst1-en-2048-falcon-40b-v1", "mock/second")
PAGE: Final = "<!DOCTYPE html>\n<html><head></head><body>(a page of the site)</body></html>\n"
_STREAM_FAULTS: Final = ("never_closes", "second_answer", "echo")
_PROVIDER: Final = (
    "https://id.example.org/auth?client_id=chat-ui&scope=openid%20profile&response_type=code"
    "&redirect_uri=http%3A%2F%2F127.0.0.1%2Flogin%2Fcallback&state=abc"
)
_DELETE_FAULTS: Final = ("delete_500", "delete_404", "delete_stall", "delete_reset")


@dataclass
class Conversation:
    """A conversation at the server.

    Attributes:
        session: The value of the cookie that it belongs to.
        model: The model that answers.
        parent: The id of its last message.
        generating: Whether a reply is made, also when its reader has gone.
        spoken: Whether the first token of it came.
    """

    session: str
    model: str
    parent: str = field(default_factory=lambda: str(uuid4()))
    generating: bool = False
    spoken: bool = False

    def speak(self) -> None:
        """Note that the first token came."""
        self.spoken = True

    def as_json(self, name: str) -> dict[str, Any]:
        """Return the conversation as the API gives it."""
        root = {"id": self.parent, "from": "system", "content": "", "children": [], "ancestors": []}
        return {"id": name, "title": "New Chat", "modelId": self.model, "messages": [root]}


def page_data(models: tuple[str, ...]) -> dict[str, Any]:
    """Return the data of the front page as SvelteKit writes it: a list in which numbers stand for places."""
    places: list[Any] = [{}]

    def put(value: Any) -> int:
        places.append(value)
        return len(places) - 1

    names = [put(model) for model in models]
    listed = put([put({"id": name, "name": name, "displayName": name, "description": -1}) for name in names])
    settings = put({"activeModel": names[0], "searchEnabled": put(False)})
    places[0] = {"conversations": put([]), "settings": settings, "models": listed, "user": -1}
    root = {"type": "data", "data": places, "uses": {"dependencies": ["conversation:list"]}}
    return {"type": "data", "nodes": [root, None]}


class H2oSimulator(Simulator):
    """Serves chat-ui.

    Args:
        generation: `G1` to `G5`; may be changed while it serves, as an upgrade does.
        models: The ids of the models.
        cookie: The name of the session cookie (COOKIE_NAME).
        disclaimer: Whether the welcome text must be accepted first (PUBLIC_APP_DISCLAIMER).
        wraps: Whether the answer to create has the conversation in it (G5 since 2026-07).
        create_delay: Seconds before a conversation is created.
        login: Whether only signed-in users are answered.
        users: The values of the session cookies of signed-in users.
        **options: See `Simulator`.

    Attributes:
        created: The ids of all conversations.
        deleted: Those that were deleted.
        conversations: Those that are there.
        accepted: The sessions that accepted the welcome text.
        stopped: The conversations whose generation was stopped.
        prompts: The `inputs` of all turns.
        bodies: The whole bodies of all turns.
        died: Whether its process has ended: connections are reset then.
    """

    service = "h2o"
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "never_closes": "the connection stays open and silent after the final answer",
            "second_answer": "half of the answer, then the whole one; the final text is right (G2 on)",
            "echo": "no token at all, and the user's own text as the final answer (G2 on)",
            "delete_500": "deleting the conversation is answered with status 500",
            "delete_404": "deleting the conversation is answered with status 404",
            "delete_stall": "deleting the conversation is not answered",
            "delete_reset": "the connection is reset when the conversation is to be deleted",
        }
    )

    def __init__(
        self,
        *,
        generation: str = "G5",
        models: tuple[str, ...] = MODELS,
        cookie: str = "hf-chat",
        disclaimer: bool = True,
        wraps: bool = True,
        create_delay: float = 0.0,
        login: Login = "none",
        users: tuple[str, ...] = (),
        **options: Unpack[ScriptOptions],
    ) -> None:
        if generation not in GENERATIONS:
            raise ValueError(f"there is no generation {generation!r}; there are {', '.join(GENERATIONS)}")
        if login not in get_args(Login):
            raise ValueError(f"there is no login {login!r}; there are {', '.join(get_args(Login))}")
        super().__init__(**options)
        self.generation = generation
        self.models = models
        self.cookie = cookie
        self.disclaimer = disclaimer
        self.wraps = wraps
        self.create_delay = create_delay
        self.login = login
        self.users = users
        self.died = False
        self._open: set[Exchange] = set()
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.conversations: dict[str, Conversation] = {}
        self.accepted: set[str] = set()
        self.stopped: list[str] = []
        self.prompts: list[str] = []
        self.bodies: list[dict[str, Any]] = []

    def failure(self, status: int, message: str) -> Answer:
        """Return an error as chat-ui writes it; in a turn of G1 it is the model server's."""
        return Answer(status, {"error" if self.generation == "G1" else "message": message})

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        if self.died:
            await exchange.abort()
            return
        self._open.add(exchange)
        try:
            await self._answer(exchange)
        finally:
            self._open.discard(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        received = exchange.received
        session = received.cookies().get(self.cookie) or str(uuid4())
        refusal = self._refusal(received, session)
        if refusal is not None:
            await exchange.answer(refusal)
            return
        match received.method, received.path.strip("/").split("/"):
            case "GET", ["api", *rest]:
                await self._api(exchange, session, rest)
            case "GET", ["__data.json"]:
                await exchange.respond(200, page_data(self.models), headers=self._with_cookie(session))
            case "POST", ["settings"]:
                await exchange.answer(self._settings(received, session))
            case "POST", ["conversation"]:
                await self._create(exchange, session)
            case "POST", ["conversation", name]:
                await self._turn(exchange, session, name)
            case "POST", ["conversation", name, "stop-generating"]:
                await self._stop(exchange, name)
            case "DELETE", ["conversation", name]:
                await self._delete(exchange, session, name)
            case _:
                await self.not_found(exchange)

    # -- what stands before everything ----------------------------------------------------------

    def _refusal(self, received: Received, session: str) -> Answer | None:
        return self._login_first(received, session) or self._wrong(received, session)

    def _login_first(self, received: Received, session: str) -> Answer | None:
        """Return what everybody gets who is not signed in, or None where that is no matter."""
        if self.login == "none" or session in self.users:
            return None
        reads = received.method in ("GET", "HEAD")
        conversation = received.path.startswith("/conversation/")
        if self.login == "automatic" or (self.generation == "G5" and not reads and not conversation):
            verifier = ("Set-Cookie", "hfChat-codeVerifier=v3r1f13r; Path=/; HttpOnly")
            headers = (("Location", _PROVIDER), *self._with_cookie(session), verifier)
            return Answer(302, b"", None, headers=headers)
        if not reads and received.path != "/settings":
            return Answer(401, {"error": "You have to be logged in."})
        return None

    def _wrong(self, received: Received, session: str) -> Answer | None:
        content_type = (received.header("content-type") or "").partition(";")[0].lower()
        if received.method == "POST" and content_type in (
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain",
        ):
            name = "origin" if self.generation in ("G4", "G5") else "referer"
            sent = received.header(name)
            if not sent:
                return Answer(403, f"Non-JSON form requests need to have {name}")
            if urlsplit(sent).netloc != received.header("host"):
                return Answer(403, "Invalid referer for POST request")
        welcomed = not self.disclaimer or self.generation == "G5" or session in self.accepted
        if received.method != "GET" and received.path != "/settings" and not welcomed:
            return Answer(405, {"error": "You need to accept the welcome modal first"})
        return None

    def _with_cookie(self, session: str) -> tuple[tuple[str, str], ...]:
        return (("Set-Cookie", f"{self.cookie}={session}; Path=/; HttpOnly; Secure; SameSite=None"),)

    def _own_failure(self) -> Answer:
        message = "An error occurred" if self.generation in ("G4", "G5") else "Internal Error"
        return Answer(500, {"message": message})

    # -- reading --------------------------------------------------------------------------------

    async def _api(self, exchange: Exchange, session: str, rest: list[str]) -> None:
        models = [{"id": model, "name": model, "unlisted": False} for model in self.models]
        newest, any_api = self.generation == "G5", self.generation not in ("G1", "G2")
        match rest:
            case ["v2", "models"] if newest:
                await exchange.respond(200, {"json": models})
            case ["v2", "feature-flags"] if newest:
                flags = {"enableAssistants": False, "loginEnabled": self.login != "none", "isAdmin": False}
                await exchange.respond(200, {"json": flags})
            case ["v2", "user"] if newest:
                user = {"id": "u1", "username": "ann"} if session in self.users else None
                await exchange.respond(200, {"json": user})
            case ["v2", *_] if self.generation == "G4":
                await exchange.respond(200, PAGE, content_type="text/html")
            case ["models"] if any_api:
                await exchange.respond(200, models)
            case ["conversation", name] | ["v2", "conversations", name] if any_api:
                found = self._found(session, name)
                if found is None:
                    await exchange.respond(404, {"message": "Conversation not found"})
                    return
                plain = found.as_json(name)
                await exchange.respond(200, {"json": plain} if rest[0] == "v2" else plain)
            case _:
                page = [("x-sveltekit-page", "true")]
                await exchange.respond(404, PAGE, content_type="text/html", headers=page)

    def _found(self, session: str, name: str) -> Conversation | None:
        found = self.conversations.get(name)
        return found if found is not None and found.session == session else None

    # -- writing --------------------------------------------------------------------------------

    def _settings(self, received: Received, session: str) -> Answer:
        is_json = (received.header("content-type") or "").startswith("application/json")
        form_action = {"type": "error", "error": {"message": "Internal Error"}}
        if self.generation == "G5" or is_json != (self.generation != "G1"):
            return Answer(500, form_action) if self.generation == "G1" else self._own_failure()
        fields = received.json() if is_json else received.form()
        if fields.get("activeModel", self.models[0]) not in self.models:
            if not is_json:
                return Answer(500, form_action)
            if self.generation == "G2":
                return self._own_failure()
        if fields.get("ethicsModalAccepted"):
            self.accepted.add(session)
        headers = self._with_cookie(session)
        if is_json:
            return Answer(200, content_type=None, headers=headers)
        redirect = {"type": "redirect", "status": 303, "location": received.header("referer")}
        return Answer(200, redirect, headers=headers)

    async def _create(self, exchange: Exchange, session: str) -> None:
        if self.create_delay:
            await anyio.sleep(self.create_delay)
        model = exchange.received.json().get("model")
        if model not in self.models:
            old = self.generation in ("G1", "G2")
            await exchange.answer(self._own_failure() if old else Answer(400, {"message": "Invalid request"}))
            return
        name = uuid4().hex[:24]
        conversation = Conversation(session, model)
        self.conversations[name] = conversation
        self.created.add(name)
        body: dict[str, Any] = {"conversationId": name}
        if self.generation == "G5" and self.wraps:
            body["conversation"] = json.dumps({"json": conversation.as_json(name), "meta": {"v": 1}})
        await exchange.respond(200, body, headers=self._with_cookie(session))

    async def _turn(self, exchange: Exchange, session: str, name: str) -> None:
        conversation = self._found(session, name)
        if conversation is None:
            await exchange.respond(404, {"message": "Conversation not found"})
            return
        body = self._body(exchange.received, conversation)
        if body is None:
            await exchange.answer(self._own_failure())
            return
        self.bodies.append(body)
        self.prompts.append(body["inputs"])
        fault = self.strikes(*_STREAM_FAULTS)
        framing: Framing
        if self.generation == "G1":
            framing = Passthrough()
            framing.keeps_open = fault == "never_closes"
        else:
            framing = Lines(self.generation, fault, body["inputs"], conversation.speak)
        framing.headers = self._with_cookie(session)
        conversation.generating, conversation.spoken = True, False
        await self.turn(exchange, framing, prompt=body["inputs"])
        conversation.generating = False

    async def _stop(self, exchange: Exchange, name: str) -> None:
        self.stopped.append(name)
        found = self.conversations.get(name)
        if found is not None and found.generating and not found.spoken and self._aborts_badly():
            self.died = True
            for each in tuple(self._open):
                await each.abort()
            return
        if found is not None:
            found.generating = False
        await exchange.respond(200, content_type=None)

    def _aborts_badly(self) -> bool:
        """Whether this is v0.9.6 with more than one reply under way."""
        under_way = sum(each.generating for each in self.conversations.values())
        return self.generation == "G5" and not self.wraps and under_way > 1

    def _body(self, received: Received, conversation: Conversation) -> dict[str, Any] | None:
        """Return the body of a turn, or None where this generation does not take it."""
        is_json = (received.header("content-type") or "").startswith("application/json")
        if is_json == (self.generation in ("G4", "G5")):
            return None
        try:
            body = received.json() if is_json else json.loads(received.form()["data"])
            if self.generation == "G1":
                UUID(body["options"]["id"])
                UUID(body["options"]["response_id"])
        except (ValueError, KeyError, TypeError):
            return None
        if not body.get("inputs", "").strip() or (self.generation == "G1" and body.get("stream") is not True):
            return None
        if self.generation in ("G3", "G4", "G5") and body.get("id") != conversation.parent:
            return None
        return dict(body)

    async def _delete(self, exchange: Exchange, session: str, name: str) -> None:
        match self.strikes(*_DELETE_FAULTS):
            case "delete_500":
                await exchange.answer(self._own_failure())
                return
            case "delete_stall":
                await exchange.stall()
            case "delete_reset":
                await exchange.abort()
                return
            case "delete_404":
                self.conversations.pop(name, None)
        if self._found(session, name) is None:
            await exchange.respond(404, {"message": "Conversation not found"})
            return
        del self.conversations[name]
        self.deleted.add(name)
        await exchange.respond(200, content_type=None)
