"""Keys and cookies that do not leak, and the words of a peer made fit to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN: Final = 300
"""Characters of a peer's text that are shown in an error or a log."""
_SHORTEST: Final = 4  # a value shorter than this would mask half of every sentence


class Secret:
    """A value that shows itself nowhere: not in `str`, `repr`, formats, pickles or copies of an object.

    Args:
        value: The key, cookie or token. A `Secret` is taken as it is.

    Raises:
        TypeError: `value` is not text.
        ValueError: `value` is empty or has a control character, which no HTTP header can carry.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        if isinstance(value, Secret):
            value = value.reveal()
        if not isinstance(value, str):
            raise TypeError(f"a secret is text, not {type(value).__name__}; pass the key or cookie as str")
        if not value or not value.isprintable():
            raise ValueError("a secret is empty or has a control character; check how it was read")
        self._value = value

    def reveal(self) -> str:
        """Return the value. Call this where it is sent, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled; read it again where it is needed")


class PeerText:
    """Makes text of a peer fit for errors and logs: secrets masked, cut, control characters escaped.

    Args:
        secrets: The values to mask, wherever they stand, also percent-encoded.
    """

    __slots__ = ("_values",)

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        values = {secret.reveal() for secret in secrets}
        values |= {quote(value, safe="") for value in values}
        self._values = sorted((v for v in values if len(v) >= _SHORTEST), key=len, reverse=True)

    def __call__(self, text: str | bytes, limit: int = SHOWN) -> str:
        """Return at most `limit` characters of `text` in one line. Masks before it cuts."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        for value in self._values:
            text = text.replace(value, "***")
        text = " ".join(text[: 4 * limit].split())
        if len(text) > limit:
            text = text[: limit - 1] + "…"
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

    def __repr__(self) -> str:
        return f"PeerText({len(self._values)} values masked)"
