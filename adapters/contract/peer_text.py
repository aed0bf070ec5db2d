"""The words of a peer made fit to be shown: keys and cookies masked. Standard library only."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.contract.secret import Secret

SHOWN: Final = 300
"""Characters of a peer's text that are shown in an error or a log."""
_SHORTEST: Final = 4  # a value shorter than this would mask half of every sentence
_SHORTEST_PIECE: Final = 8  # the same for a part of one, which may be an everyday word
_SHORT_TEXT: Final = 512  # a service that fails says the same each time: as it was shown last, it is kept
_PASSING: Final = 16
"""Values that are masked besides those given, at most: a few requests under way, a few headers each."""
_KEPT: Final = 64
"""Sets of further values that are remembered with their spellings, at most."""
_TOKEN: Final = re.compile(
    r"(?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)"
    r"|\\+u(?P<unit>[0-9A-Fa-f]{4})"
    r"|(?P<nothing>\\+)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
    r"|(?P<plain>.)",
    re.DOTALL,
)
_BYTE: Final = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_DEEPEST: Final = 4  # escapes within escapes
_CUT: Final = re.compile(r"…|\.\.\.|\*\*|\Z")  # how the end of a shortened value is told, or is not
_HALF: Final = re.compile(r"(?:\\+u?[0-9A-Fa-f]{0,3}|%(?:25)*[0-9A-Fa-f]?|&[\#\w]{0,8})\Z")
_LINE_ENDS: Final = re.compile(r"\\+n")
_LINES: Final = re.compile(r"\\+[nrt]")
_WORDS: Final = re.compile(r"[\s;,]+")


class PeerText:
    """Makes text of a peer fit for errors and logs: secrets masked, cut, control characters escaped.

    A secret is found in whatever spelling the peer gives it back: as it is, percent-encoded, with the escapes
    of JSON or HTML, in base64, broken by white space; so are its parts (the token of a `Bearer` header, the
    password of a proxy), and its beginning where the text is cut.

    Args:
        secrets: The values to mask, wherever they stand.
    """

    __slots__ = ("_before", "_fixed", "_passing", "_readings", "_stale", "_values", "_with")

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._fixed = frozenset(secret.reveal() for secret in secrets)
        self._passing: deque[str] = deque(maxlen=_PASSING)
        self._with: dict[frozenset[str], PeerText] = {}
        self._values: list[str] = []
        self._readings: list[str] = []
        self._stale = True
        self._before: dict[tuple[str, int], str] = {}  # short texts, as they were shown last

    def also(self, secrets: Iterable[Secret]) -> PeerText:
        """Return what masks these secrets, too; this one stays as it is."""
        new = frozenset(secret.reveal() for secret in secrets) - self._fixed
        if not new:
            return self
        found = self._with.get(new)
        if found is None:
            found = PeerText()
            found._fixed = self._fixed | new
            while len(self._with) >= _KEPT:
                del self._with[next(iter(self._with))]
            self._with[new] = found
        found.hide(self._passing)
        return found

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values, too: credentials that are made anew now and then. The newest ones are kept."""
        new = [each for each in values if each not in self._fixed and each not in self._passing]
        if new:
            self._passing.extend(new)
            self._stale = True

    def _learned(self) -> list[str]:
        """Return what is masked as it stands, and prepare its other spellings; made when it is first used."""
        if not self._stale:
            return self._values
        self._stale = False
        values = {piece for secret in (*self._fixed, *self._passing) for piece in _pieces(secret)}
        self._values = sorted(values, key=len, reverse=True)
        readings = {"".join(c for c, _, _ in _read(value)) for value in values}
        readings |= {encoded for value in values for encoded in _in_base64(value)}
        self._readings = sorted((r for r in readings if len(r) >= _SHORTEST), key=len, reverse=True)
        return self._values

    def __call__(self, text: str | bytes, limit: int = SHOWN) -> str:
        """Return at most `limit` characters of `text` in one line. Masks before it cuts."""
        if type(text) is not str or len(text) > _SHORT_TEXT:
            return self._shown(text, limit)
        if self._stale:
            self._before.clear()
        shown = self._before.get((text, limit))
        if shown is None:
            if len(self._before) > _KEPT:
                self._before.clear()
            shown = self._before[text, limit] = self._shown(text, limit)
        return shown

    def _shown(self, text: str | bytes, limit: int) -> str:
        if isinstance(text, bytes):
            text = text[: 64 * limit].decode("utf-8", "replace")
        window = " ".join(text[: 64 * limit].split())[: 16 * limit]
        text = self._masked(_HALF.sub("", window) if len(window) < len(text) else window)
        text = _cut(text, limit)
        if not text.isprintable():
            text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
            text = _cut(text, limit)  # escapes are longer than what they stand for
        return self._masked_as_it_is(text)

    def _masked(self, text: str) -> str:
        if not self._learned():
            return text
        hits = []
        # The others for what escaped line ends break, also of a secret with a backslash before an r or t.
        for said in {text, _LINES.sub(_blank, text), _LINE_ENDS.sub(_blank, text)}:
            read = _read(said)
            heard = "".join(c for c, _, _ in read)
            found = [stretch for value in self._readings for stretch in _places(value, heard)]
            found += self._beginnings(heard)
            hits += [(read[first][1], read[last - 1][2]) for first, last in found]
        # Beside an escape, a secret that stands there as it is can be misread.
        hits += [stretch for value in self._learned() for stretch in _places(value, text)]
        return _without(text, hits)

    def _masked_as_it_is(self, text: str) -> str:
        before = None
        while before != text:  # a mask can complete a secret that has asterisks in it
            before = text
            for value in self._learned():
                text = text.replace(value, "***")
        return text

    def _beginnings(self, heard: str) -> Iterator[tuple[int, int]]:
        """Yield where a cut of the text left the beginning of a secret."""
        for value in self._readings:
            for first, _ in _places(value[:_SHORTEST_PIECE], heard):
                last = first + _shared(heard[first : first + len(value)], value)
                if last - first >= _SHORTEST_PIECE and _CUT.match(heard, last):
                    yield first, last

    def __repr__(self) -> str:
        return f"PeerText({len(self._learned())} values masked)"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pieces(value: str) -> set[str]:
    """Return what of a secret must not be shown: itself, and the parts that are as good as itself."""
    parts = set(_WORDS.split(value))
    parts |= {part.partition("=")[2] for part in parts}
    parts |= {userinfo for part in set(parts) for userinfo in _of_address(part)}
    for part in set(parts):  # Basic: the name and the password in base64
        try:
            name, colon, password = b64decode(part, validate=True).decode("utf-8").partition(":")
        except ValueError:  # no base64, or no text in it
            continue
        if colon:
            parts |= {f"{name}:{password}", password}
    whole = {value} if len(value) >= _SHORTEST and not _is_word(value) else set()
    return whole | {p for p in parts if len(p) >= _SHORTEST_PIECE}


def _is_word(value: str) -> bool:
    """Whether a value is an everyday word, such as a provider's name that stands in for a key."""
    return value.isalpha() and len(value) < _SHORTEST_PIECE


def _of_address(part: str) -> tuple[str, ...]:
    """Return `name:password` and the password of an address that has them."""
    userinfo, at, _ = part.partition("://")[2].rpartition("@")
    return (userinfo, userinfo.partition(":")[2]) if at else ()


def _in_base64(value: str) -> Iterator[str]:
    """Return what base64 shows of a value, at each of the three places at which it can start."""
    data = value.encode("utf-8", "replace")
    for offset in range(3):
        first, last = -(-8 * offset // 6), 8 * (offset + len(data)) // 6
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(offset) + data).decode("ascii")[first:last]
            if len(encoded) >= _SHORTEST_PIECE:
                yield encoded


def _read(text: str) -> list[tuple[str, int, int]]:
    """Return each character that a text stands for, and its place; without white space and backslashes.

    Read again what was read, as long as that changes it: an escape within an escape, or one in the secret.
    """
    read = [(c, at, at + 1) for at, c in enumerate(text)]
    for _ in range(_DEEPEST):
        heard = "".join(c for c, _, _ in read)
        again = [(c, read[first][1], read[last - 1][2]) for c, first, last in _decoded(heard)]
        if len(again) == len(read):
            break
        read = again
    return read


def _decoded(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of one reading of a text, and their places."""
    for token in _TOKEN.finditer(text):
        kind, said = token.lastgroup, token.group(token.lastgroup or 0)
        if kind == "percent":
            said = bytes.fromhex("".join(_BYTE.findall(said))).decode("utf-8", "replace")
        elif kind == "unit":
            said = chr(int(said, 16))
        elif kind == "entity":
            from html import unescape  # its table of 2000 names; entities are rare

            said = unescape(said)
        elif kind == "nothing":  # the backslash before another character
            continue
        for character in said:
            if not character.isspace() and character != "\\":
                yield character, token.start(), token.end()


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _places(value: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where `value` begins and ends in `text`, each time."""
    place = text.find(value)
    while place >= 0:
        yield place, place + len(value)
        place = text.find(value, place + 1)


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _without(text: str, hits: list[tuple[int, int]]) -> str:
    """Return `text` with a mask in place of each stretch; those that overlap share one."""
    shown, at = [], 0
    for first, last in sorted(hits):
        if first >= at:
            shown += [text[at:first], "***"]
        at = max(at, last)
    shown.append(text[at:])
    return "".join(shown)
