"""Whatever stands in a file, there is a configuration or a ConfigError: never anything else."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.config import Config, load, shown, writing
from router.errors import ConfigError
from tests.router.config.good import ENVIRON, GOOD, bent, document, dump, places

NAMES = sorted({str(step) for where in places(document()) for step in where})
texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from([
    "h2o", "aura", "openai", "adapters.scripted:ScriptedAdapter", "weighted", "fastest", "restart",
    "http://127.0.0.1:1", "SOME_KEY", "token", "failover", "a.b:c", "http://\u2603", "http://[::1", "http://a:99999",
    "file:///", "..", "~", "/", "\0", "http://a@b", "http://xn--", "\u202e", "",
])  # fmt: skip
numbers = st.integers(-(10**20), 10**20) | st.floats() | st.sampled_from([10**400, -(10**400), 0, 1, 2])
clocks = (st.datetimes() | st.times()).map(lambda time: time.replace(fold=0))
scalars = st.booleans() | numbers | texts | st.dates() | clocks
keys = st.sampled_from(NAMES) | texts
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
providers = st.lists(
    st.dictionaries(keys, trees, max_size=5).flatmap(
        lambda table: st.sampled_from(
            ["h2o", "openai", "aura", "chat_anywhere", "open_assistant", "opchatgpts"]
        ).map(lambda name: {"adapter": name, "base_url": "http://127.0.0.1:1", **table})
    ),
    min_size=1,
    max_size=3,
)
documents = st.dictionaries(keys, trees, max_size=4) | st.builds(
    lambda tables, more: {**more, "provider": tables}, providers, st.dictionaries(keys, trees, max_size=3)
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random")
    (folder / "token").write_text("a-token")
    return folder / "router.toml"


def tried(file: Path, content: bytes) -> Config | ConfigError:
    file.write_bytes(content)
    try:
        return load(file, ENVIRON)
    except ConfigError as error:
        found = error
    assert found.mistakes
    assert all(mistake.key.isprintable() and mistake.text.isprintable() for mistake in found.mistakes)
    return found


@given(table=documents)
def test_any_document_is_read_or_refused(table: dict[str, Any], file: Path) -> None:
    found = tried(file, dump(table).encode())

    if isinstance(found, Config):
        assert isinstance(tried(file, shown(found).encode()), Config)


@given(where=st.sampled_from(list(places(document()))), value=trees)
def test_any_value_in_a_good_file_is_read_or_refused(where: Any, value: Any, file: Path) -> None:
    tried(file, dump(bent(where, value=value)).encode())


@given(content=st.binary(max_size=60))
@example(content=b"")
@example(content=b"\xef\xbb\xbf")
def test_any_bytes_are_refused(content: bytes, file: Path) -> None:
    assert isinstance(tried(file, content), ConfigError)


@example(at=GOOD.index("first"), length=0, put="\\")
@given(
    at=st.integers(0, len(GOOD)), length=st.integers(0, 30), put=st.text("[]{}=\"'#.,\n ax0\\é", max_size=4)
)
def test_any_slip_of_the_hand_is_read_or_refused(at: int, length: int, put: str, file: Path) -> None:
    tried(file, (GOOD[:at] + put + GOOD[at + length :]).encode())


@given(value=trees)
def test_what_is_written_reads_as_the_same(value: Any) -> None:
    again = tomllib.loads(f"a = {writing.value(value)}")["a"]

    assert repr(_plain(value)) == repr(_plain(again))


def _plain(value: Any) -> Any:
    """Return a value with whole floats as whole numbers, as they are written."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value
