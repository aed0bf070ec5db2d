"""`chat-router doctor`: each line says what is so, and what to do where it is not well."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.cli.examination import certificates, clock, proxies, shadows, terminal
from router.cli.requirements import extras, needed, parsed, too_old_or_new
from tests.router.cli.conftest import Command

KEY = "sk-canary-of-the-doctor-0123456789"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def states(found: str) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(found)["checks"]}


def test_an_installation_that_is_well(command: Command) -> None:
    found = command("doctor", GROQ_API_KEY=KEY, CHAT_ROUTER_GROQ_MODEL="llama")

    assert (found.code, found.err) == (0, "")
    assert "httpx" in found.out
    assert "GROQ_API_KEY is set; asked for llama" in found.out
    assert "0 wrong" in found.out
    assert KEY not in found.out
    assert max(map(len, found.out.splitlines())) <= 80


def test_what_is_wrong_is_told_with_what_to_do(command: Command, tmp_path: Path) -> None:
    (tmp_path / "router.py").write_text("")
    (tmp_path / "mine.toml").write_text('[[provider]]\nadapter = "olama"\n')
    found = command(
        "doctor",
        "--config",
        "mine.toml",
        "--format",
        "json",
        HTTPS_PROXY="http://u:hunter2@p",
        XAI_API_KEY=KEY,
    )
    seen = states(found.out)

    assert (found.code, json.loads(found.out)["state"]) == (1, "wrong")
    assert (seen["imports"], seen["file"], seen["proxies"], seen["xai"]) == (
        "wrong",
        "wrong",
        "warning",
        "warning",
    )
    assert "did you mean 'ollama'?" in found.out
    assert "CHAT_ROUTER_XAI_MODEL" in found.out
    assert "hunter2" not in found.out
    assert KEY not in found.out


def test_a_good_file_is_ok_and_its_notes_are_warnings(command: Command, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o644)
    (tmp_path / "router.toml").write_text('[[provider]]\nadapter = "ollama"\napi_key = { file = "key" }\n')
    found = command("doctor", "--format", "json")
    told = [each for each in json.loads(found.out)["checks"] if each["name"] == "file"]

    assert found.code == 0
    assert [each["state"] for each in told] == ["ok", "warning"]


LOCAL = '[[provider]]\nadapter = "openai"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n'
REMOTE = LOCAL.replace("http://127.0.0.1:9", "https://a.example") + 'name = "far"\n'


def test_with_a_complete_file_no_usual_variable_is_a_warning(command: Command, tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text(LOCAL)
    bare = command("doctor", "--format", "json")
    of_models = command("doctor", "--format", "json", XAI_API_KEY=KEY)
    given = command("doctor", "--format", "json", OPENROUTER_API_KEY=f"{KEY}\n2", HTTPS_PROXY="http://p")

    for found in (bare, given, of_models):
        assert (found.code, json.loads(found.out)["state"]) == (0, "ok")
    assert "XAI_API_KEY is set; not asked, since router.toml says who is" in of_models.out


def test_a_proxy_is_a_warning_for_the_providers_of_a_file_that_it_may_concern(
    command: Command, tmp_path: Path
) -> None:
    told = []
    for line in ("", "trust_env = true", 'proxy = "http://p:1"', "trust_env = false"):
        (tmp_path / "router.toml").write_text(f"{LOCAL}{REMOTE}{line}")
        found = command("doctor", "--format", "json", HTTPS_PROXY="http://p:1")
        told += [each for each in json.loads(found.out)["checks"] if each["name"] == "proxies"]

    assert [each["state"] for each in told] == ["warning", "ok", "ok", "ok"]
    assert told[0]["text"] == "HTTPS_PROXY set, which router.toml does not use for far"


def test_a_key_that_cannot_be_used_is_wrong(command: Command) -> None:
    found = command("doctor", "--format", "json", OPENROUTER_API_KEY=f"{KEY}\n2")

    assert (found.code, states(found.out)["keys"]) == (1, "wrong")
    assert KEY not in found.out


def test_a_clock_before_the_installation_is_wrong() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert clock(now, now).state == "ok"
    assert clock(now, now + timedelta(days=2)).state == "wrong"
    assert clock(now + timedelta(days=4000), now).state == "warning"


def test_the_environment_s_certificates_and_proxies() -> None:
    assert [each.state for each in certificates({"SSL_CERT_FILE": "/nowhere"})] == ["wrong", "ok"]
    assert [each.state for each in proxies({})] == ["ok"]
    assert [each.text for each in proxies({"all_proxy": "hunter2"})] == [
        "ALL_PROXY set, which providers do not use by themselves"
    ]


def test_an_output_without_every_character_is_a_warning() -> None:
    assert terminal("utf-8", {}).state == "ok"
    assert terminal("ascii", {}).state == "warning"
    assert terminal(None, {}).advice


def test_our_own_sources_shadow_nothing_and_others_do(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "__init__.py").touch()

    assert list(shadows(Path(__file__).parents[3])) == []
    assert [each.state for each in shadows(tmp_path)] == ["wrong"]


@pytest.mark.parametrize(
    ("version", "bounds", "wrong"),
    [
        ("0.28.1", "<0.29,>=0.28", False),
        ("0.27", "<0.29,>=0.28", True),
        ("0.29.0", "<0.29,>=0.28", True),
        ("5.0.0rc1", "<5,>=4.11", True),
        ("4.11", ">=4.11.0", False),
        ("main", ">=1", True),
        ("1", "", False),
    ],
)
def test_versions_are_compared_number_by_number(version: str, bounds: str, wrong: bool) -> None:
    assert too_old_or_new(version, bounds) is wrong


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("httpx<0.29,>=0.28", ("httpx", "<0.29,>=0.28", None)),
        ("certifi", ("certifi", "", None)),
        ("redis>=5; extra == 'replicas'", ("redis", ">=5", "replicas")),
        ('uvloop>=0.21; sys_platform != "win32" and extra == "dev"', ("uvloop", ">=0.21", "dev")),
        ("winonly; sys_platform == 'win32'", None),
    ],
)
def test_a_requirement_is_read_with_its_extra(line: str, found: object) -> None:
    assert parsed(line) == found


def test_the_requirements_are_those_of_the_package() -> None:
    assert {"httpx", "anyio", "typer"} <= set(needed())
    assert "dev" not in extras()
