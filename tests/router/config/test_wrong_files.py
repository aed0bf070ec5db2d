"""Files as people get them wrong: each mistake is one line that names its position, and says what to do."""

from pathlib import Path

import pytest

from router import ChatRouterError, ConfigError
from router.config import load
from tests.router.config.good import ENVIRON, GOOD, KEY, TOKEN, mistakes, put, read

URL = 'base_url = "http://127.0.0.1:1"'
H2O = f'[[provider]]\nadapter = "h2o"\n{URL}\n'

LINES: dict[str, tuple[str, int, str, str]] = {
    # what is wrong: the line instead of the provider's last one, its number, the key, words of the message
    "a url without quotes": ("base_url = http://a", 3, "", "text needs quotes"),
    "a yaml file": ("base_url: http://a", 3, "", "write key = value"),
    "a key twice": (f"{URL}\n{URL}", 4, "", "this key or table is defined twice"),
    "a text over two lines": ('base_url = "http://a\nb"', 3, "", "three quotes take several"),
    "a path of windows": ('base_url = "C:\\users"', 3, "", "'single quotes'"),
    "Python's true": ("verify = True", 3, "", "true and false are lowercase"),
    "two keys on one line": ('verify = true model = "m"', 3, "", "one key = value on each line"),
    "a table of json": ('models = { "a": "b" }', 3, "", "write key = value"),
    "a scheme that is not http": ('base_url = "ftp://a"', 3, "base_url", "must begin with http://"),
    "an address without a scheme": ('base_url = "a.example"', 3, "base_url", "must begin with http://"),
    "an address that lacks only its scheme": (
        'base_url = "api.example.org/v1"', 3, "base_url", "; write 'https://api.example.org/v1'",
    ),
    "a whole address": (
        'base_url = "https://a.example/v1/chat/completions"', 3, "base_url", "leave out '/chat/completions'",
    ),
    "the address by another name": ('url = "http://a"', 3, "url", "here it is called base_url"),
    "an address with a query": ('base_url = "http://a/?b=1"', 3, "base_url", "query or fragment"),
    "an address that is a number": ("base_url = 8001", 3, "base_url", "is the number 8001; it must be text"),
    "an address with a password": ('base_url = "http://me:hunter2@a"', 3, "base_url", '{ env = "NAME" }'),
    "a proxy with a password": ('proxy = "http://me:hunter2@a"', 3, "proxy", '{ env = "NAME" }'),
    "a time with its unit": ('connect_timeout = "5s"', 3, "connect_timeout", "a number, without quotes"),
    "a time of nothing": ("connect_timeout = 0", 3, "connect_timeout", "is 0.0; it must be more than 0"),
    "a negative time": ("cleanup_timeout = -1", 3, "cleanup_timeout", "more than 0 seconds"),
    "a time too long for a number": (f"connect_timeout = 1{'0' * 400}", 3, "connect_timeout", "too large"),
    "a name that is empty": ('name = ""', 3, "name", "give the provider a short printable name"),
    "a name of two lines": ('name = "a\\nb"', 3, "name", "give the provider a short printable name"),
    "no trust as text": ('verify = "no"', 3, "verify", "true or false, without quotes"),
    "a transport": ('transport = "x"', 3, "transport", "cannot be given in a file"),
    "a model that is no text": ("models = { fast = 3 }", 3, "models.fast", "is the number 3; it must be"),
    "models in a row": ('models = ["a"]', 3, "models", "is an array; it must be a table"),
    "a key of another adapter": ("bot_id = 3", 3, "bot_id", "unknown key. There are: ada"),
    "a key of a policy": ("total = 3", 3, "total", "it belongs in [timeouts]"),
    "a policy of a policy": ("percentile = 1", 3, "percentile", "it belongs in [retry.hedge]"),
    "a key with a space": ('"api key" = 1', 3, '"api key"', "unknown key"),
    "a key of a terminal": ('"\\u001b[2J" = 1', 3, '"\\u001b[2J"', "unknown key"),
    "a limit of nothing": ("limits.connections = 0", 3, "limits.connections", "is 0; it must be more than 0"),
    "a limit that there is not": ("limits = { conections = 1 }", 3, "limits.conections", "'connections'?"),
    "a header that is none": ('headers = { "a b" = { plain = "c" } }', 3, 'headers."a b"', "'a b' cannot be"),
    "a literal header": ('headers.authorization = "hunter2"', 3, "headers.authorization", "{ plain ="),
    "a plain credential": (
        'headers.authorization = { plain = "hunter2" }', 3, "headers.authorization", "carries a secret",
    ),
    "a plain number": ("headers.x-title = { plain = 3 }", 3, "headers.x-title.plain", "must be text"),
    "a literal cookie": ('cookies = { "hf-chat" = "hunter2" }', 3, "cookies.hf-chat", '{ env = "NAME" }'),
    "a cookie of two places": (
        'cookies.a = { env = "SOME_KEY", file = "token" }', 3, "cookies.a", "says where the value is",
    ),
    "a variable that is not set": ('cookies.a = { env = "NOBODY" }', 3, "cookies.a.env", "NOBODY is not set"),
    "a variable that is empty": ('cookies.a = { env = "EMPTY" }', 3, "cookies.a.env", "EMPTY is empty"),
    "a variable of two lines": ('cookies.a = { env = "LINES" }', 3, "cookies.a.env", "more than one line"),
    "a variable with a space in it": ('cookies.a = { env = "SPACE" }', 3, "cookies.a", "cannot carry"),
    "a secret as a variable's name": (
        'cookies.a = { env = "sk-hunter2" }', 3, "cookies.a.env", "never write the value itself here",
    ),
    "a variable that is a number": ("cookies.a = { env = 1 }", 3, "cookies.a.env", "is the number 1"),
    "a file that is not there": ('cookies.a = { file = "no/file" }', 3, "cookies.a.file", "/no/file'"),
    "a file at home": ('cookies.a = { file = "~/token" }', 3, "cookies.a.file", "~ is not expanded"),
    "a file that is a folder": ('cookies.a = { file = "." }', 3, "cookies.a.file", "directory"),
    "a file that is empty": ('cookies.a = { file = "empty" }', 3, "cookies.a.file", "'empty' is empty"),
    "a file that is no text": ('cookies.a = { file = "binary" }', 3, "cookies.a.file", "(at byte 1)"),
    "a file that has no end": ('cookies.a = { file = "/dev/zero" }', 3, "cookies.a.file", "64 KiB"),
    "a file of two lines": ('cookies.a = { file = "lines" }', 3, "cookies.a.file", "more than one line"),
    "a file that cannot be": ('cookies.a = { file = "a\\u0000b" }', 3, "cookies.a.file", "cannot be a path"),
}  # fmt: skip


@pytest.mark.parametrize("what", LINES)
def test_a_wrong_line_is_told_with_its_number_and_key(what: str, tmp_path: Path) -> None:
    line, number, key, words = LINES[what]
    for name, content in {"empty": b"\n", "binary": b"a\xff", "lines": b"hunter2\nhunter2\n"}.items():
        (tmp_path / name).write_bytes(content)
    environ = {**ENVIRON, "EMPTY": "", "LINES": "hunter2\nhunter2", "SPACE": "hunter2 hunter2"}
    address = "" if line.startswith("base_url") else f"{URL}\n"
    file = put(tmp_path, f'[[provider]]\nadapter = "h2o"\n{line}\n{address}')
    with pytest.raises(ConfigError) as caught:
        load(file, environ)
    (mistake,) = caught.value.mistakes

    assert (number, f"provider 1: {key}" if key else "") == (mistake.line, mistake.key)
    assert words in mistake.text
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(f"{file}:{number}: ")


FILES: dict[str, tuple[str, int | None, str, str]] = {
    # what is wrong: the file, the line, the key, words of the message
    "nothing": ("", None, "provider", "is missing; write each provider as a table of its own"),
    "no provider": ("[timeouts]\nstall = 3", None, "provider", "headed [[provider]]"),
    "an empty array of providers": ("provider = []", 1, "provider", "is empty; write"),
    "one pair of brackets": ('[provider]\nadapter = "h2o"', 1, "provider", "is a table; write each"),
    "a provider that is a text": ('provider = ["h2o"]', 1, "provider 1", "is text; it must be a table"),
    "a plural": ('[[providers]]\nadapter = "h2o"', 1, "providers", "did you mean 'provider'?"),
    "a provider without an adapter": ('[[provider]]\nname = "a"', 1, "provider 1", "adapter is missing"),
    "an adapter that is misspelt": ('[[provider]]\nadapter = "h20"', 2, "provider 1: adapter", "'h2o'?"),
    "an adapter of a class name": ('[[provider]]\nadapter = "H2o"', 2, "provider 1: adapter", "'h2o'?"),
    "a class that is misspelt": (
        '[[provider]]\nadapter = "adapters.scripted:ScriptedAdaptor"', 2, "provider 1: adapter",
        "adapters.scripted has no class ScriptedAdaptor; did you mean 'ScriptedAdapter'?",
    ),
    "a class that is misspelt, of a package that loads them lazily": (
        '[[provider]]\nadapter = "adapters:OpenAICompatibl"', 2, "provider 1: adapter",
        "adapters has no class OpenAICompatibl; did you mean 'OpenAICompatible'?",
    ),
    "a class with a dot": (
        '[[provider]]\nadapter = "ollama_native.Ollama"', 2, "provider 1: adapter",
        "for a class of your own write 'ollama_native:Ollama'",
    ),
    "an adapter that is none": ('[[provider]]\nadapter = "zzz"', 2, "provider 1: adapter", "module:Class"),
    "another service": (
        '[[provider]]\nadapter = "llamafile"', 2, "provider 1: adapter",
        "unknown adapter 'llamafile'; for a service with an OpenAI-compatible API write adapter = \"openai\"",
    ),
    "a service that sounds like an adapter": (
        '[[provider]]\nadapter = "azure"', 1, "provider 1", "azure needs the address of your resource",
    ),
    "a preset that is misspelt": ('[[provider]]\nadapter = "azur"', 2, "provider 1: adapter", "'azure'?"),
    "a name of two services": (
        '[[provider]]\nadapter = "grok"', 2, "provider 1: adapter", "did you mean 'xai' or 'groq'?",
    ),
    "a preset without its key": (
        '[[provider]]\nadapter = "groq"', 1, "provider 1", "set the environment variable GROQ_API_KEY",
    ),
    "an adapter that is a number": ("[[provider]]\nadapter = 1", 2, "provider 1: adapter", "'anthropic'"),
    "a module that is not there": (
        '[[provider]]\nadapter = "no_such.module:Class"', 2, "provider 1: adapter", "make no_such.module ",
    ),
    "a class that is not there": (
        '[[provider]]\nadapter = "adapters.aura:Hora"', 2, "provider 1: adapter", "has no class Hora; there",
    ),
    "a class that is no adapter": (
        '[[provider]]\nadapter = "pathlib:Path"', 2, "provider 1: adapter", "not a class derived from",
    ),
    "a class that cannot be made": (
        '[[provider]]\nadapter = "adapters:Adapter"', 1, "provider 1", "abstract",
    ),
    "a module that is no name": (
        '[[provider]]\nadapter = "a b:c"', 2, "provider 1: adapter", "cannot be read as module:Class",
    ),
    "no address where one is needed": (
        '[[provider]]\nadapter = "openai"', 1, "provider 1", "for another service with such an API give its",
    ),
    "two of the same name": (H2O + H2O, 4, "provider 2: name", "a provider before this one is called 'h2o'"),
    "two of a given name": (
        H2O + H2O + 'name = "h2o"', 7, "provider 2: name", "give this one another name",
    ),
    "a table that is nearly one": (f"{H2O}[timeout]\ntotal = 3\n", 4, "timeout", "did you mean 'timeouts'?"),
    "a key before the tables": (f"stall = 3\n{H2O}", 1, "stall", "it belongs in [timeouts]"),
    "a table of nobody": (f"{H2O}[logging]\nlevel = 1", 4, "logging", "There are: provider, timeouts, retry"),
    "a table that is a number": (f"retry = 1\n{H2O}", 1, "retry", "is the number 1; it must be a table"),
    "a table that is misspelt": (f"{H2O}[time-outs]\nstall = 1", 4, "time-outs", "did you mean 'timeouts'?"),
    "a clock that is misspelt": (f"{H2O}[timeouts]\nstal = 1", 5, "timeouts.stal", "did you mean 'stall'?"),
    "a clock that stands": (f"{H2O}[timeouts]\nstall = -1", 5, "timeouts.stall", "is -1.0; it must be"),
    "a clock that is no number": (f"{H2O}[timeouts]\nstall = nan", 5, "timeouts.stall", "is nan; it must be"),
    "a clock that is off": (f"{H2O}[timeouts]\nstall = false", 5, "timeouts.stall", "is false; it must be"),
    "a rate that is on": (f"{H2O}[timeouts]\ndrip_rate = true", 5, "timeouts.drip_rate", "or false for none"),
    "too little time": (f"{H2O}[timeouts]\ntotal = 0.1", 5, "timeouts.total", "no attempt starts with less"),
    "half an attempt": (f"{H2O}[retry]\nattempts = 1.5", 5, "retry.attempts", "it must be a whole number"),
    "many attempts": (f"{H2O}[retry]\nattempts = 9", 5, "retry.attempts", "is 9; it must be from 1 to 5"),
    "a longer stay": (f"{H2O}[retry]\nstay = 3", 5, "retry.stay", "at most attempts (2)"),
    "an error that there is not": (
        f'{H2O}[retry]\ndispositions = {{ Refused = "retry" }}', 5, "retry.dispositions.Refused", "There are",
    ),
    "a disposition that there is not": (
        f'{H2O}[retry]\ndispositions.Busy = "ignore"', 5, "retry.dispositions.Busy", "retry, failover, abort",
    ),
    "an overfull budget": (f"{H2O}[retry]\nbudget.share = inf", 5, "retry.budget.share", "and finite"),
    "hedging as a switch": (f"{H2O}[retry]\nhedge = true", 5, "retry.hedge", "is true; it must be a table"),
    "a percentile of percents": (
        f"{H2O}[retry.hedge]\npercentile = 95", 5, "retry.hedge.percentile", "more than 0 and at most 1",
    ),
    "a cap below the beginning": (
        f"{H2O}[breaker]\nopen_for = 400", 5, "breaker.open_for", "it must be at most open_cap (300.0)",
    ),
    "a strategy without a kind": (f"{H2O}[strategy]\nexplore = 0", 4, "strategy", "kind is missing"),
    "a strategy that is misspelt": (
        f'{H2O}[strategy]\nkind = "fastets"', 5, "strategy.kind", "did you mean 'fastest'?",
    ),
    "a setting of another strategy": (
        f'{H2O}[strategy]\nkind = "priority"\nexplore = 1', 6, "strategy.explore", "There are: kind",
    ),
    "a weight for nobody": (
        f'{H2O}[strategy]\nkind = "weighted"\nweights = {{ h2o = 1, h20 = 1 }}', 4, "strategy", "'h20'",
    ),
    "a weight left out": (
        f'{H2O}{H2O}name = "b"\n[strategy]\nkind = "weighted"\nweights = {{ h2o = 1 }}', 8, "strategy", "b; ",
    ),
    "an interruption that there is not": (
        f'{H2O}[interruption]\naction = "retry"', 5, "interruption.action", "raise, restart, continue",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_a_wrong_file_is_one_mistake(what: str, tmp_path: Path) -> None:
    text, line, key, words = FILES[what]
    (mistake,) = mistakes(tmp_path, text)

    assert (line, key) == (mistake.line, mistake.key)
    assert words in mistake.text


def test_there_are_enough_wrong_files() -> None:
    assert len(LINES) + len(FILES) >= 90


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = f"""\
strateg = 1
[[provider]]
adapter = "openai"
base_url = "ftp://a"
api_key = "{KEY}"
conect_timeout = 1
cleanup_timeout = -1
[provider.limits]
line = 0
empty = 0
[[provider]]
adapter = "opena"
[timeouts]
stall = -1
total = 0
first_content = "5s"
[retry]
attempts = 9
stay = 3
[retry.hedge]
least = -1
"""
    found = mistakes(tmp_path, text)

    assert [(mistake.line, mistake.key) for mistake in found] == [
        (1, "strateg"),
        (4, "provider 1: base_url"),
        (5, "provider 1: api_key"),
        (6, "provider 1: conect_timeout"),
        (7, "provider 1: cleanup_timeout"),
        (9, "provider 1: limits.line"),
        (10, "provider 1: limits.empty"),
        (12, "provider 2: adapter"),
        (14, "timeouts.stall"),
        (15, "timeouts.total"),
        (16, "timeouts.first_content"),
        (18, "retry.attempts"),  # and nothing about stay, which the allowed attempts bound
        (21, "retry.hedge.least"),
    ]


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ('adapter = "zzz"', "adapter"),
        ("adapter = 1", "adapter"),
        ('adaptr = "h2o"', "adaptr"),
        ('adapter = "no_such.module:Class"', "adapter"),
        ('adapter = "open_assistant"\nbase_ur = "x"', "base_ur"),
    ],
)
def test_a_wrong_adapter_or_a_missing_setting_hides_no_other_mistake(
    head: str, first: str, tmp_path: Path
) -> None:
    text = f"""[[provider]]
{head}
name = ""
connect_timeout = 0
api_key = "hunter2"
limits = {{ line = 0 }}
"""
    found = mistakes(tmp_path, text)

    assert [mistake.key.removeprefix("provider 1").removeprefix(": ") for mistake in found] == [
        first, "name", "connect_timeout", "api_key", "limits.line",
    ]  # fmt: skip
    assert "hunter2" not in str(found)


def test_what_is_wrong_hides_nothing_else_that_is_wrong(tmp_path: Path) -> None:
    """The sentence about the address has the words `name` and `a host` in it."""
    found = mistakes(
        tmp_path, '[[provider]]\nadapter = "openai"\nname = 3\nmodel = 1\nbase_url = "ftp://a"\n'
    )

    assert [mistake.key.removeprefix("provider 1: ") for mistake in found] == ["name", "model", "base_url"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[retry]\nattempts = 9\nstay = 3", "retry.attempts"),
        ('[retry]\nattempts = "3"\nstay = 3', "retry.attempts"),
        ("[breaker]\nopen_for = -1\nopen_cap = 5", "breaker.open_for"),
    ],
)
def test_what_is_bounded_by_a_mistake_is_none(text: str, key: str, tmp_path: Path) -> None:
    assert [mistake.key for mistake in mistakes(tmp_path, H2O + text)] == [key]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[timeouts]\nstal = 1\n", "unknown key 'stal'; did you mean 'stall'?"),
        ("[timeouts]\nfirst = 1\n", "unknown key 'first'; did you mean 'first_content'?"),
        ("[breaker]\nopen_fr = 1\n", "unknown key 'open_fr'; did you mean 'open_for'?"),
        ("[breaker]\nslow_all = 1\n", "unknown key 'slow_all'; did you mean 'slow_call'?"),
        ("[[provider]]\nadapter = 'aura'\nmodell = 'x'\n", "did you mean 'model' or 'models'?"),
        ("[timeouts]\nattempts = 1\n", "unknown key; it belongs in [retry]"),
    ],
)
def test_an_unknown_key_is_told_the_nearest_ones_without_a_list(text: str, said: str, tmp_path: Path) -> None:
    *_, mistake = mistakes(tmp_path, H2O + text)

    assert mistake.text.endswith(said)


def test_a_key_like_none_is_told_a_dozen_of_those_that_there_are(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, f"{H2O}zzz = 1\n")
    head, _, more = mistake.text.partition(", and ")

    assert head.startswith("unknown key. There are: adapter, ")
    assert head.count(", ") == 11
    assert more.endswith(" more; chat-router config schema has all")


def test_the_error_is_one_of_the_library_with_a_line_for_each_mistake(tmp_path: Path) -> None:
    file = put(tmp_path, "a = 1\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    first, *rest = str(caught.value).splitlines()

    assert isinstance(caught.value, ChatRouterError)
    assert caught.value.file == str(file)
    assert first == f"{file} has 2 mistakes:"
    assert rest[0].startswith(f"{file}: provider: is missing")
    assert rest[1].startswith(f"{file}:1: a: unknown key. There are: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = '\xff'", ":1: is not UTF-8 here; save the file as UTF-8"),
        (b"\na = '\xe4'", ":2: is not UTF-8 here"),
        (b"a = " + b"[" * 5000, "is nested too deeply"),
        (b"a = 1" + b"0" * 5000, "has an invalid number or date"),
        (b"#" * (1 << 20) + b"#", "has more than 1 MiB"),
        (b"a = [1,\n2", ":2: invalid TOML: unclosed array"),
        (b'a = "b', ":1: invalid TOML: unterminated string"),
    ],
)
def test_bytes_that_are_no_configuration_are_a_mistake(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, {})

    assert words in str(caught.value)


def test_what_is_no_toml_is_told_with_its_position(tmp_path: Path) -> None:
    first, second = put(tmp_path, "a = 1\nb = x\n"), "a = [1,\n2"
    with pytest.raises(ConfigError) as in_a_line:
        load(first, {})
    with pytest.raises(ConfigError) as at_the_end:
        load(put(tmp_path, second), {})

    assert str(in_a_line.value) == (
        f"{first}:2: invalid TOML: invalid value (column 5); "
        'text needs quotes, as in "text"; true and false are lowercase'
    )
    assert str(at_the_end.value) == f"{first}:2: invalid TOML: unclosed array; close the bracket"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.toml", "no such file"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_mistake(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"{tmp_path}/{name}", {})

    assert words in str(caught.value)


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("[[", "\ufeff[[")])
def test_a_file_of_a_windows_editor_is_read(change: tuple[str, str], tmp_path: Path) -> None:
    text = GOOD.replace(*change, -1 if change[0] == "\n" else 1)

    assert len(read(tmp_path, text).providers) == 5


def test_an_error_of_an_adapter_repeats_no_secret(tmp_path: Path) -> None:
    """The good file's secrets are in the environment and in a file; here both break an adapter."""
    text = GOOD.replace("x-title = ", '"x y" = ')
    found = mistakes(tmp_path, text)

    assert [mistake.key for mistake in found] == ['provider 1: headers."x y"']
    assert TOKEN not in str(found)
