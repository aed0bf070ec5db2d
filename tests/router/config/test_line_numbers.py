"""Where keys stand is read from the text: it must be right for whatever TOML allows."""

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.line_numbers import lines_of
from tests.router.config.good import GOOD, Where, places

NAMES = ("a", "b-c", '"d e"', "'f#g'", '"h\\u0069"', "123", '"]"', '"="', '"{"', '"é"')
SCALARS = (
    "1",
    "-1.5e3",
    "inf",
    "0xf",
    "1979-05-27T07:32:00Z",
    "1979-05-27 07:32:00",
    "07:32:00",
    "true",
    '"a # b"',
    "'a \" [b'",
    '"a \\" ] b"',
    '"""one\ntwo # [three]\n"four" \\" """',
    "'''one\n'two' ]]\n'''",
    '""""quoted""""',
    "''''quoted''''",
    '""""""',
    "''",
    '"""a\\\n  b"""',
)
scalars = st.sampled_from(SCALARS)
names = st.sampled_from(NAMES)
blank = st.sampled_from(["", " ", "  # a comment with ] and } and \" and '''"])
newline = st.sampled_from(["\n", "\n\n", "\n # [x]\n", "\r\n"])


def _inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.dictionaries(names, values.filter(lambda v: "\n" not in v or v[0] in "\"'"), max_size=3)
    tables = pairs.map(lambda d: "{ " + ", ".join(f"{name} = {value}" for name, value in d.items()) + " }")
    arrays = st.builds(
        lambda items, space: f"[{space}" + f",{space}".join([*items, ""]) + "]",
        st.lists(values, max_size=3),
        st.sampled_from(["", " ", "\n  ", " # no ] here\n"]),
    )
    return tables | arrays


values = st.recursive(scalars, _inline, max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a valid document with tables, arrays of tables and dotted keys."""
    text = ""
    for number in range(draw(st.integers(0, 4))):
        head = draw(st.sampled_from(["", "[t{0}]", "[ t{0} . u ]", "[[r]]", "[r.s{0}]", "[[q . w]]"]))
        if head.startswith("[r.") and "[[r]]" not in text:
            head = "[[r]]"
        text += head.format(number) + (draw(blank) + draw(newline) if head else "")
        for name in draw(st.lists(names, unique=True, max_size=3)):
            way = draw(st.sampled_from(["{0}", "{0} . x", "{0}.y.z"]))
            # The number keeps keys apart that stand before the first table.
            key = way.format(name) if head else f"k{number}.{way.format(name)}"
            text += f"{key} = {draw(values)}{draw(blank)}{draw(newline)}"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ""  # a blank key beside a table of the same name, or the like
    return text


def key_written(name: str, line: str) -> bool:
    return name in line or (name == "hi" and '"h\\u0069"' in line)


@given(documents())
def test_every_key_has_the_line_that_it_stands_on(text: str) -> None:
    text = text.replace("\r\n", "\n")
    table: dict[str, Any] = tomllib.loads(text)
    lines, found = text.split("\n"), lines_of(text)

    assert set(places(table)) <= set(found)
    for where in places(table):
        line = lines[found[where] - 1]
        if isinstance(where[-1], str):
            assert key_written(where[-1], line), (where, line)
    order: list[Where] = [where for where in places(table) if len(where) == 2 and where[0] == "r"]
    assert [found[where] for where in order] == sorted(found[where] for where in order)


@given(documents(), st.sampled_from(SCALARS))
def test_the_line_of_a_key_is_right_behind_anything(text: str, scalar: str) -> None:
    """A unique key behind a drawn document has the one line on which its name stands."""
    text = text.replace("\r\n", "\n") + f"\n[last.table]\nunmistakable = {scalar}\n"
    number = next(n for n, line in enumerate(text.split("\n"), 1) if line.startswith("unmistakable"))

    assert number == lines_of(text)["last", "table", "unmistakable"]


def test_the_drawn_documents_are_not_empty() -> None:
    seen: list[str] = []

    @settings(max_examples=100)
    @given(documents())
    def draw(text: str) -> None:
        seen.append(text)

    draw()

    assert sum("[[r]]" in text for text in seen) > 5
    assert sum("\n" in text for text in seen) > len(seen) / 3


def test_the_good_file_s_lines() -> None:
    found = lines_of(GOOD)
    lines = GOOD.splitlines()

    for where, number in found.items():
        if where and isinstance(where[-1], str):
            assert where[-1] in lines[number - 1]
    assert found["provider", 3, "token_limit"] == lines.index("token_limit = 4096") + 1
    assert found["provider", 4] == len(lines) - lines[::-1].index("[[provider]]")
