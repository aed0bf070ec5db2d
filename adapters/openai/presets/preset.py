"""What is known of one service or server, and how it became known."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from adapters.contract.message import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping


class Proof(StrEnum):
    """How a fact about a service became known.

    Attributes:
        SERVER: A real server of this kind answered so in this project's tests.
        RECORDED: An answer that others recorded or reported shows it, and one of the same form is read in
            this project's tests.
        DOCUMENTED: The service's own documentation or source says so.
        CLIENT: The code or the documentation of a client says so, or reports of its users.
        UNKNOWN: Nobody looked, or nothing was found.
    """

    SERVER = "server"
    RECORDED = "recorded"
    DOCUMENTED = "documented"
    CLIENT = "client"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Preset:
    """One known service or server with an OpenAI-compatible API.

    Attributes:
        name: Its name here: an adapter in a file, a provider at the command.
        title: Its own name.
        documentation: Where its documentation begins.
        base_url: Its address; None where each user has an own one.
        variables: Environment variables that usually hold its key; the first one that is set is taken.
        sources: Where the facts of this row were read, besides `documentation`.
        proof: How the address and the peculiarities became known.
        spellings: Further names; capitals, blanks, dots, dashes and underscores make no difference.
        needs_key: Whether it asks for a key.
        shared_variables: Whether the variables usually hold a key for other things too, so that one of them
            alone is no sign that this service is to be asked.
        hosts: Further hosts of the service to which the key of a variable may be sent; one that begins with
            a dot stands for all below it.
        local: Whether it runs on the user's own machine.
        model: The model that is asked for where nobody names one: a general and cheap one that its
            documentation names, by an alias that the service keeps where there is one; None: none is known.
        model_source: The page that names it, read in November 2026.
        settings: What it wants differently, as `OpenAISettings`.
        json: Which replies in JSON it makes: `schema`, `object` (no schema), or `no`.
        reasoning: The field in which reasoning comes, where it has models that reason; all are read anyhow.
        vendor: Its name in the table of vendors' words.
        note: What a user should know.
        ended: When the service ended, and the address that says so: it is not asked at its usual address.
    """

    name: str
    title: str
    documentation: str
    base_url: str | None
    variables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    proof: Proof = Proof.DOCUMENTED
    spellings: tuple[str, ...] = ()
    needs_key: bool = True
    shared_variables: bool = False
    hosts: tuple[str, ...] = ()
    local: bool = False
    model: str | None = None
    model_source: str = ""
    settings: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    json: str = "schema"
    reasoning: str = ""
    vendor: str = ""
    note: str = ""
    ended: str = ""
