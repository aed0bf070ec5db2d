"""What `chat-router doctor` looks at: the installation, the environment, the file. Nothing is changed."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from router.cli.mistakes import one_line
from router.cli.requirements import extras, needed, too_old_or_new
from router.cli.version import version_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.cli.found import FileFound, Found

State = Literal["ok", "warning", "wrong"]
INSTALL: Final = "pip install '.[{}]' in chat-router's folder"
_OLDEST: Final = (3, 11)
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_STORES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_OURS: Final = {"router": "_router.py", "adapters": "catalogue.py"}
"""Our packages, and a module by which a folder with our sources is told from another one."""
_MEND: Final = "correct or unset the variable"
_LONGEST: Final = timedelta(days=3650)
"""A clock that is later than the installation by more than this is not believed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ok, warning or wrong.
        text: What was found.
        advice: What to do; empty where nothing is to be done.
    """

    name: str
    state: State
    text: str
    advice: str = ""


def examine(found: Found, environ: Mapping[str, str] | None = None) -> Iterator[Check]:
    """Yield all checks.

    Args:
        found: What this machine offers.
        environ: The environment; that of the process by default.
    """
    environ = os.environ if environ is None else environ
    yield from _versions()
    yield from _extras()
    yield from shadows(Path())
    yield from proxies(environ, found.file)
    yield from certificates(environ)
    yield clock(datetime.now(UTC), _installed())
    yield terminal(sys.stdout.encoding, environ)
    yield from keys(found)
    yield from the_file(found)


def _versions() -> Iterator[Check]:
    name = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info < _OLDEST:
        yield Check("python", "wrong", name, "chat-router needs Python 3.11 or later")
    else:
        yield Check("python", "ok", f"{name} at {sys.executable}")
    unknown = "unknown" in version_line()
    advice = INSTALL.format("cli") if unknown else ""
    yield Check("chat-router", "warning" if unknown else "ok", version_line(), advice)
    for package, bounds in needed().items():
        have = installed(package)
        if have is None:
            yield Check(package, "wrong", "missing", INSTALL.format("cli"))
        elif too_old_or_new(have, bounds):
            yield Check(package, "wrong", f"{have}, but {bounds} is needed", INSTALL.format("cli"))
        else:
            yield Check(package, "ok", have)


def _extras() -> Iterator[Check]:
    trio = installed("trio")
    words = "asyncio" if trio is None else f"asyncio, trio {trio}"
    yield Check("backends", "ok", words, "" if trio else "for trio: pip install trio")
    for extra, packages in extras().items():
        absent = [name for name in packages if installed(name) is None]
        have = [f"{name} {installed(name)}" for name in packages if name not in absent]
        text = ", ".join(have + ([f"{', '.join(absent)} not installed"] if absent else []))
        yield Check(f"extra {extra}", "ok", text, f"if wanted: {INSTALL.format(extra)}" if absent else "")


def installed(package: str) -> str | None:
    """Return the version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def shadows(folder: Path) -> Iterator[Check]:
    """Yield what hides our packages from programs that are started in a folder."""
    for package, own in _OURS.items():
        for path in (folder / f"{package}.py", folder / package / "__init__.py"):
            if path.is_file() and not (path.name == "__init__.py" and (path.parent / own).is_file()):
                yield Check(
                    "imports", "wrong",
                    f"{path} hides the package {package} from programs started in this folder",
                    f"rename it: `import {package}` finds it instead of chat-router's",
                )  # fmt: skip


def proxies(environ: Mapping[str, str], file: FileFound | None = None) -> Iterator[Check]:
    """Yield what the environment says of proxies, by the variables' names.

    Args:
        environ: The environment.
        file: The configuration file, which may say how its providers are reached.
    """
    named = [name for name in _PROXIES if environ.get(name) or environ.get(name.lower())]
    if not named:
        yield Check("proxies", "ok", "none in the environment")
    elif file is None or not file.is_usable:
        yield Check(
            "proxies", "warning",
            f"{', '.join(named)} set, which providers do not use by themselves",
            "where services are reached through it, write trust_env = true for each [[provider]] of the file",
        )  # fmt: skip
    elif file.unproxied:
        yield Check(
            "proxies", "warning",
            f"{', '.join(named)} set, which {file.path} does not use for {', '.join(file.unproxied)}",
            "in each [[provider]] write trust_env = true to go through it, or false to go past it",
        )  # fmt: skip
    else:
        yield Check("proxies", "ok", f"{', '.join(named)} set; {file.path} says who is reached through it")


def certificates(environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield which authorities are trusted."""
    from adapters.http.transport.tls import fresh_context

    broken = [name for name in _STORES if (path := environ.get(name)) and not Path(path).exists()]
    for name in broken:
        yield Check("certificates", "wrong", f"{name} names nothing that exists", f"correct or unset {name}")
    try:
        count = len(fresh_context().get_ca_certs())
    except (OSError, ssl.SSLError) as error:
        yield Check("certificates", "wrong", f"cannot be read: {one_line(str(error))}", "pip install certifi")
        return
    paths = ssl.get_default_verify_paths()
    where = paths.cafile or paths.capath or "certifi"
    # A folder of certificates is read when one is needed, so that none is counted.
    if count or paths.capath:
        yield Check("certificates", "ok", f"{count or 'those'} in {where}; {ssl.OPENSSL_VERSION}")
    else:
        yield Check(
            "certificates", "wrong", f"none in {where}", "install ca-certificates, or pip install certifi"
        )


def _installed() -> datetime:
    """Return when this program or its Python was installed, the newest: some installers date files back."""
    files = (__file__, os.__file__, sys.executable)
    return datetime.fromtimestamp(max(Path(each).stat().st_mtime for each in files), UTC)


def clock(now: datetime, installed_at: datetime) -> Check:
    """Return whether the time can be right: a wrong clock makes certificates invalid."""
    text = f"{now:%Y-%m-%d %H:%M} UTC"
    advice = "set the clock of this machine; with a wrong one certificates are refused"
    if now < installed_at - timedelta(days=1):
        return Check("clock", "wrong", f"{text}, before this program was installed", advice)
    if now > installed_at + _LONGEST:
        return Check("clock", "warning", f"{text}, ten years after this program was installed", advice)
    return Check("clock", "ok", text)


def terminal(encoding: str | None, environ: Mapping[str, str]) -> Check:
    """Return whether the output can show every character."""
    name = encoding or "unknown"
    if "utf" in name.lower():
        return Check("output", "ok", f"{name}, TERM={environ.get('TERM') or 'not set'}")
    return Check(
        "output", "warning", f"{name} cannot show every character", "export PYTHONUTF8=1, or LC_ALL=C.UTF-8"
    )


def keys(found: Found) -> Iterator[Check]:
    """Yield the keys that were found, by name, and the local servers.

    Where a file can be used, it alone says who is asked: nothing here needs to be mended then.
    """
    file = found.file if found.file is not None and found.file.is_usable else None
    state: State = "ok" if file is not None else "warning"
    aside = "" if file is None else f"; not asked, since {file.path} says who is"
    if found.problem:
        yield Check(
            "keys", "wrong" if file is None else "ok", found.problem + aside, _MEND if file is None else ""
        )
    for each in found.surroundings.findings if found.surroundings is not None else ():
        if each.adapter is None:
            yield Check(each.preset, state, f"{each.what}{aside}", each.missing if file is None else "")
        else:
            asked = aside or f"; asked for {each.adapter.model or 'the model it chooses'}"
            yield Check(each.preset, "ok", f"{each.what}{asked}")
    for line in found.surroundings.left_out if found.surroundings is not None else ():
        yield Check("gateway", "ok", line)
    if found.own:
        yield Check("own keys", "ok", f"{', '.join(found.own)} set")
    is_bare = not found.problem and not found.own and not (found.surroundings and found.surroundings.findings)
    if is_bare and file is None:
        yield Check(
            "keys", "warning", "no usual variable holds a key, and no local server answers",
            "set one, such as OPENAI_API_KEY, or start one, such as Ollama; chat-router providers lists them",
        )  # fmt: skip


def the_file(found: Found) -> Iterator[Check]:
    """Yield what is to be said of the configuration file."""
    file = found.file
    if file is None:
        yield Check("file", "ok", "no router.toml in this folder", "to write one: chat-router init")
    elif file.must_be_named:
        yield Check("file", "warning", file.line, f"check it with: chat-router doctor --config {file.path}")
    elif file.mistakes:
        for line in file.mistakes:
            yield Check("file", "wrong", line, f"correct it; then: chat-router config check {file.path}")
    else:
        yield Check("file", "ok", file.line, f"who works: chat-router health --config {file.path}")
        for note in file.notes:
            yield Check("file", "warning", note)
