"""The harness itself: defects are put into copies of the router, one in each; the world has to see each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.defects import DEFECTS, Defect

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("router", "adapters", "tests/simulation")
FILES: Final = ("tests/__init__.py", "tests/virtual_time.py")
SEEDS: Final = 300
LEAST: Final = 20
AT_ONCE: Final = 2


def caught(defect: Defect, folder: Path) -> str:
    """Return what the world says of a copy of the packages with `defect`, or nothing."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)  # compiled files too: only what changes is compiled
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    file = folder / defect.file
    text = file.read_text(encoding="utf-8")
    assert text.count(defect.old) == 1, f"{defect.what}: the text to replace is not once in {defect.file}"
    file.write_text(text.replace(defect.old, defect.new), encoding="utf-8")
    arguments = ["--seeds", str(SEEDS), "--start", str(defect.seed), "--most", "1"]
    if defect.backend is not None:
        arguments += ["--backend", defect.backend]
    play = [sys.executable, "-B", "-m", "tests.simulation", *arguments]
    played = subprocess.run(play, cwd=folder, capture_output=True, text=True, check=False)
    shutil.rmtree(folder)
    assert played.returncode in (0, 1), played.stderr
    assert "simulation:" in played.stdout, played.stderr
    return played.stdout if played.returncode else ""


@pytest.mark.timeout(240)
def test_every_defect_is_caught(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(DEFECTS))]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        said = list(threads.map(caught, DEFECTS, folders))
    missed = [defect.what for defect, text in zip(DEFECTS, said, strict=True) if not text]
    print(f"simulation: {len(DEFECTS) - len(missed)} of {len(DEFECTS)} defects caught")  # noqa: T201 - for the README

    assert not missed
    assert len(DEFECTS) >= LEAST


def test_no_two_defects_are_the_same() -> None:
    assert len({(defect.file, defect.old, defect.new) for defect in DEFECTS}) == len(DEFECTS)
