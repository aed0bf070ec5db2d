"""The wire generations of huggingface/chat-ui as data: which call looks how in which one. Pure.

| generation | dates               | settings | body of a turn                     | parent id | answer      |
|------------|---------------------|----------|------------------------------------|-----------|-------------|
| G1         | 2023-05 .. 2023-09  | form     | JSON of text-generation-inference  | no        | its events  |
| G2         | 2023-09 .. 2024-02  | form, from 2023-12 JSON | the same will do    | no        | JSON lines  |
| G3         | 2024-02 .. 2024-06  | JSON     | JSON                               | yes       | JSON lines  |
| G4         | 2024-06 .. 2025-09  | JSON     | form with the same JSON in `data`  | yes       | JSON lines  |
| G5         | 2025-09 ..          | none     | form with JSON in `data`           | yes       | JSON lines  |

From outside three families can be told apart; within a family one form is tried, then the other. A wrong form
is refused with a 500 before anything is generated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from adapters.contract.errors import BadReply
from adapters.wire.json import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

Family = Literal["G1/G2", "G3/G4", "G5"]
Form = Literal["form", "json"]

SEED_MODEL: Final = "h2oai/h2ogpt-gm-oasst1-en-2048-falcon-40b-v1"
"""The model of the old public host."""
OPTIONS: Final = frozenset(
    {"temperature", "max_tokens", "top_p", "top_k", "repetition_penalty", "stop", "seed", "typical_p"}
)
"""The generation options that a client of G1 may choose; later servers choose for themselves."""
_PARAMETERS: Final[Mapping[str, Any]] = {
    "temperature": 0.4,
    "truncate": 2048,
    "max_new_tokens": 1024,
    "do_sample": True,
    "repetition_penalty": 1.2,
    "return_full_text": False,
}
_MOST_MODELS: Final = 1000
_LONGEST_NAME: Final = 200
_BELOW_ONE: Final = ("top_p", "typical_p")


@dataclass(frozen=True, slots=True)
class Generation:
    """What is known of a server.

    Attributes:
        family: What it shows to anybody who asks.
        models: The ids of the models that it lists; the first one is its default.
        settings: The form in which it took the settings.
        turn: The form in which it took a turn.
        exact: Its generation, where answers have shown it.
    """

    family: Family
    models: tuple[str, ...] = ()
    settings: Form | None = None
    turn: Form | None = None
    exact: str | None = None

    @property
    def name(self) -> str:
        """The generation, as exactly as it is known."""
        return self.exact or self.family

    @property
    def default(self) -> str:
        """The model to ask where nobody names one: the server's own default, as far as it is known."""
        return self.models[0] if self.models else SEED_MODEL

    def lacks(self, model: str) -> bool:
        """Whether it lists its models, and this one is not among them."""
        return bool(self.models) and model not in self.models

    @property
    def options(self) -> frozenset[str]:
        """The generation options that a client may choose."""
        return OPTIONS if self.name in ("G1", "G1/G2", "unknown") else frozenset()

    @property
    def settings_forms(self) -> tuple[Form, ...]:
        """The forms of the settings call to try, the known one first; none where there is no such call."""
        if self.family == "G5":
            return ()
        if self.family == "G3/G4":
            return ("json",)
        return ("json", "form") if self.settings == "json" else ("form", "json")

    @property
    def turn_forms(self) -> tuple[Form, ...]:
        """The forms of a turn to try, the known one first."""
        if self.family == "G3/G4":
            return ("json", "form") if self.turn == "json" else ("form", "json")
        return ("form",) if self.family == "G5" else ("json",)


def settings_body(form: Form, model: str) -> dict[str, Any]:
    """Return the keyword of the request that accepts the welcome text; without it the others get 405."""
    if form == "json":
        accepted = {"ethicsModalAccepted": True, "shareConversationsWithModelAuthors": True}
        return {"json": {**accepted, "activeModel": model}}
    return {
        "form": {
            "ethicsModalAccepted": "true",
            "shareConversationsWithModelAuthors": "true",
            "ethicsModalAcceptedAt": "",
            "activeModel": model,
            "searchEnabled": "true",
        }
    }


def turn_body(
    family: Family,
    form: Form,
    inputs: str,
    *,
    parent: str | None,
    options: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the keyword of the request that asks for a reply.

    Args:
        family: Of the server.
        form: How the body is sent.
        inputs: The prompt.
        parent: The id of the message that the prompt follows.
        options: The caller's generation options, of those in `OPTIONS`.
        extra: Further fields, as they are; of `parameters` each one counts by itself.
    """
    body: dict[str, Any]
    if family == "G1/G2":
        chosen = {**parameters(options), **extra.get("parameters", {})}
        ids = {"id": str(uuid4()), "response_id": str(uuid4())}
        body = {
            "inputs": inputs,
            "parameters": chosen,
            "stream": True,
            "options": {**ids, "is_retry": False, "use_cache": False, "web_search_id": ""},
        }
        extra = {name: value for name, value in extra.items() if name != "parameters"}
    else:
        body = {"inputs": inputs, "is_retry": False}
        if family == "G3/G4":
            body |= {"is_continue": False, "web_search": False}
        if parent is not None:
            body["id"] = parent
    body |= extra
    return {"json": body} if form == "json" else {"form": {"data": encode(body).decode()}}


def parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of text-generation-inference for the caller's options, over the old defaults."""
    chosen = dict(_PARAMETERS)
    for name, value in options.items():
        if name == "max_tokens":
            chosen["max_new_tokens"] = value
        elif name == "temperature" and value <= 0:
            # It refuses a temperature of zero; not sampling is what is meant.
            del chosen["temperature"]
            chosen["do_sample"] = False
        elif name in _BELOW_ONE and not 0 < value < 1:
            continue  # it refuses 1, which is the default and means no cut
        elif name == "stop":
            chosen["stop"] = [value] if isinstance(value, str) else list(value)
        else:
            chosen[name] = value
    return chosen


def conversation_of(created: Any) -> tuple[Any, str | None]:
    """Return the id in the answer to create, and the parent id of the first turn where it is there too.

    Raises:
        BadReply: There is no id.
    """
    if not isinstance(created, dict) or not created.get("conversationId"):
        raise BadReply("the answer has no conversationId; check that base_url leads to a chat-ui server")
    try:
        wrapped = decode(created.get("conversation") or "null")
    except (BadReply, TypeError):
        wrapped = None
    return created["conversationId"], parent_of(wrapped)


def parent_of(conversation: Any) -> str | None:
    """Return the id of the last message of a conversation, plain or in superjson; None where it has none."""
    if isinstance(conversation, dict) and isinstance(conversation.get("json"), dict):
        conversation = conversation["json"]
    if not isinstance(conversation, dict):
        return None
    messages = conversation.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    found = last.get("id") if isinstance(last, dict) else conversation.get("rootMessageId")
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None


def models_of(listed: Any) -> tuple[str, ...]:
    """Return the ids in a list of models, plain or in superjson; the first one is the server's default.

    Models that the server does not list for everybody are left out.
    """
    if isinstance(listed, dict):
        listed = listed.get("json")
    if not isinstance(listed, list):
        return ()
    found = (model.get("id") for model in listed if isinstance(model, dict) and not model.get("unlisted"))
    return tuple(each for each in found if isinstance(each, str) and 0 < len(each) <= _LONGEST_NAME)


def models_of_page(data: Any) -> tuple[str, ...]:
    """Return the ids of the models in the data of a page, which servers of 2023 have in place of an API.

    SvelteKit writes the data of each layout and page as one list, in which numbers stand for places:
    `[{"models": 2}, …, [3], {"id": 4}, "mock/first"]`.
    """
    nodes = data.get("nodes") if isinstance(data, dict) else None
    for node in nodes if isinstance(nodes, list) else ():
        places = node.get("data") if isinstance(node, dict) else None
        root = _at(places, 0)
        listed = _at(places, root.get("models")) if isinstance(root, dict) else None
        if isinstance(listed, list):
            models = [each for place in listed[:_MOST_MODELS] if isinstance(each := _at(places, place), dict)]
            named = [{name: _at(places, each.get(name)) for name in ("id", "unlisted")} for each in models]
            return models_of(named)
    return ()


def _at(places: Any, place: Any) -> Any:
    """Return what stands at a place of a page's data; None where there is none."""
    known = isinstance(places, list) and isinstance(place, int) and 0 <= place < len(places)
    return places[place] if known else None
