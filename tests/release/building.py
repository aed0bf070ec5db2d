"""Builds the wheel and the sdist, and makes environments that have nothing but the wheel."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 600


@dataclass(frozen=True)
class Built:
    """What was built.

    Attributes:
        wheel: The file.
        sdist: The file.
    """

    wheel: Path
    sdist: Path

    def of_wheel(self) -> set[str]:
        """The names of the files in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def of_sdist(self) -> set[str]:
        """The names of the files in the sdist, below its folder."""
        with tarfile.open(self.sdist) as archive:
            return {each.name.partition("/")[2] for each in archive.getmembers() if each.isfile()}

    def metadata(self) -> str:
        """The metadata of the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            return archive.read(name).decode()


def build(folder: Path) -> Built:
    """Build the sdist of the sources, and the wheel of that sdist, as a release does."""
    ran(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


def tracked(*folders: str) -> set[str]:
    """The files of the sources, as git knows them."""
    return set(ran("git", "ls-files", "--", *folders, cwd=ROOT).splitlines())


def ran(*command: str, cwd: Path | None = None, fails: bool = False) -> str:
    """Run a command; return what it printed, also where it is to fail.

    Raises:
        AssertionError: It failed, or did not though it was to; with what it printed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
    )
    printed = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, (
        f"{' '.join(command)} ended with {done.returncode}:\n{printed[-4000:]}"
    )
    return printed


@dataclass(frozen=True)
class Environment:
    """An environment with the wheel and some of its extras.

    Attributes:
        folder: Where it is; commands run in a folder beside it, outside the sources.
    """

    folder: Path

    @classmethod
    def with_extras(cls, folder: Path, wheel: Path, extras: str) -> Environment:
        """Make one.

        Args:
            folder: For it; empty.
            wheel: What is installed.
            extras: Their names, with commas; empty for none.
        """
        venv.create(folder / "environment", symlinks=True)
        (folder / "elsewhere").mkdir()
        made = cls(folder)
        wanted = f"chat-router[{extras}] @ {wheel.as_uri()}" if extras else str(wheel)
        # Its own pip would cost as much time as all that is installed.
        pip = (sys.executable, "-m", "pip", "--python", made._file("python"), "--disable-pip-version-check")
        ran(*pip, "install", "--quiet", wanted)
        return made

    def python(self, *arguments: str, fails: bool = False) -> str:
        """Run Python, isolated from the variables and the folder of who tests."""
        return ran(self._file("python"), "-I", *arguments, cwd=self.folder / "elsewhere", fails=fails)

    def command(self, *arguments: str, fails: bool = False) -> str:
        """Run the command `chat-router`."""
        return ran(self._file("chat-router"), *arguments, cwd=self.folder / "elsewhere", fails=fails)

    def _file(self, name: str) -> str:
        return str(self.folder / "environment" / "bin" / name)
