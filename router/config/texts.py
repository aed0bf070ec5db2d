"""Texts and secrets. A file names where a secret is; it never holds one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from adapters.contract.secret import CREDENTIALS, Plain
from router.config.commands import SCHEMA as COMMAND
from router.config.commands import command_of
from router.config.mistakes import WRONG, found
from router.config.references import NAME, WAYS, refer
from router.config.value_kinds import Kind
from router.config.writing import key

if TYPE_CHECKING:
    from router.config.mistakes import Position
    from router.config.rules import Rule
    from router.config.value_kinds import Schema

_USER: Final = re.compile(r"://[^/?#]*@")
REFERENCE: Final = {"$ref": "#/definitions/reference"}
PLAIN: Final = {
    "type": "object",
    "properties": {"plain": {"type": "string", "description": "A value that is no secret."}},
    "required": ["plain"],
    "additionalProperties": False,
}


@dataclass
class Text(Kind):
    """Text, as it stands or by reference.

    Attributes:
        rule: Which texts are allowed.
    """

    rule: Rule | None = None
    types: ClassVar[tuple[type, ...]] = (str, dict)
    words = "text"

    def taken(self, value: Any, at: Position) -> Any:
        """Return the text."""
        if isinstance(value, dict):
            secret = refer(value, at)
            return secret if secret is WRONG else at.checked(secret.reveal(), self.rule)
        if _USER.search(value):
            return at.wrong(f"holds a user name or password, and secrets stand elsewhere: write {WAYS}")
        return at.checked(value, self.rule)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"anyOf": [{"type": "string", **(self.rule.schema() if self.rule else {})}, REFERENCE]}


@dataclass
class SecretText(Kind):
    """A secret, by reference only.

    Attributes:
        bare: Whether the constructor takes plain `str`, so that it gets the value itself.
        maybe_plain: Whether `{ plain = "…" }` may stand here, for values that are none, such as most headers.
        maybe_command: Whether `{ command = […] }` may stand here, for what is asked for when it is needed.
        rule: Which values are allowed.
    """

    bare: bool = False
    maybe_plain: bool = False
    maybe_command: bool = False
    rule: Rule | None = None
    types: ClassVar[tuple[type, ...]] = (dict,)
    words = f"{WAYS}"
    is_secret = True

    def read(self, value: Any, at: Position) -> Any:
        """Return the secret. A literal text is a mistake; the message does not repeat it."""
        if not isinstance(value, str):
            return super().read(value, at)
        last = at.where[-1]
        name = f"{key(last)} = " if isinstance(last, str) else ""
        plain = "" if not self.maybe_plain else '; if it is no secret, write { plain = "…" }'
        return at.wrong(
            f'a secret must not stand in this file: write {name}{{ env = "NAME" }} for an environment '
            f'variable, or {name}{{ file = "path" }} for a file{plain}'
        )

    def taken(self, value: Any, at: Position) -> Any:
        """Return the secret that the reference leads to, or what gives it."""
        if self.maybe_command and set(value) == {"command"}:
            return command_of(value["command"], at / "command")
        if self.maybe_plain and set(value) == {"plain"}:
            return self._plain(value["plain"], at)
        if self.maybe_plain and not set(value) & {"env", "file"}:
            return at.wrong(f'write {WAYS}, or {{ plain = "…" }} for a value that is no secret')
        secret = refer(value, at)
        if secret is not WRONG:
            secret = at.checked(secret, self.rule)
        return secret.reveal() if self.bare and secret is not WRONG else secret

    def _plain(self, value: Any, at: Position) -> Any:
        name = str(at.where[-1])
        if CREDENTIALS.search(name):
            return at.wrong(f"{name!r} carries a secret, which must not stand in this file: write {WAYS}")
        if not isinstance(value, str):
            return (at / "plain").wrong(f"is {found(value)}; it must be text")
        return Plain(value)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        if self.maybe_command:
            return {"anyOf": [REFERENCE, COMMAND]}
        return {"anyOf": [REFERENCE, PLAIN]} if self.maybe_plain else REFERENCE


@dataclass
class FilePath(Kind):
    """The path of a file; a relative one begins in the folder of the configuration file."""

    types: ClassVar[tuple[type, ...]] = (str,)
    words = "the path of a file"

    def taken(self, value: Any, at: Position) -> Any:
        """Return the path."""
        reading = at.reading
        path = reading.folder / value
        try:
            outside = not path.resolve().is_relative_to(reading.folder.resolve())
        except (OSError, ValueError, RuntimeError):
            return at.wrong("cannot be a path")
        if outside and not reading.trusted:
            return at.wrong(
                "leads out of the folder of this file, which was found, not named; name it with --config"
            )
        return str(path)

    def schema(self, definitions: dict[str, Schema]) -> Schema:
        """Return its JSON schema."""
        return {"type": "string"}


def reference_schema() -> Schema:
    """Return the schema of `{ env = … }` and `{ file = … }`."""

    def one(name: str, further: Schema) -> Schema:
        text = {"type": "string", **further}
        return {
            "type": "object",
            "properties": {name: text},
            "required": [name],
            "additionalProperties": False,
        }

    return {
        "description": f"A value that stands elsewhere: {WAYS}.",
        "anyOf": [one("env", {"pattern": f"^{NAME}$"}), one("file", {})],
    }
