"""JSON documents of every shape: all that a peer may send, and what can be sent as UTF-8."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ANY_CHARACTER = st.characters(exclude_categories=())


def documents(
    floats: st.SearchStrategy[float], text: st.SearchStrategy[str], keys: st.SearchStrategy[str]
) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | floats | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    )


ANY_TEXT = st.text(ANY_CHARACTER, max_size=5)
GOOD_TEXT = st.text(max_size=5)
JSON = documents(st.floats(), ANY_TEXT, keys=ANY_TEXT)
GOOD_JSON = documents(st.floats(allow_nan=False, allow_infinity=False), GOOD_TEXT, keys=GOOD_TEXT)
