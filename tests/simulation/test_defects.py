"""The harness itself: defects are planted, each in a process of its own; the world has to see each."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.depth import sampled
from tests.simulation import defects
from tests.simulation.defects import DEFECTS, Defect
from tests.simulation.planting import found

ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = 300
LEAST: Final = 40
OUR_MISTAKE: Final = re.compile(
    r"(foreign: |the world ended with )(TypeError|AttributeError|NameError|KeyError)"
)
NAMES: Final = sorted(
    {value for value in vars(defects).values() if str(value).startswith(("router.", "adapters."))}
)


@pytest.mark.parametrize("defect", sampled(DEFECTS, 0.08, "defects"), ids=lambda defect: defect.what)
def test_a_planted_defect_is_caught(defect: Defect) -> None:
    arguments = ["--defect", str(DEFECTS.index(defect)), "--seeds", str(SEEDS), "--start", str(defect.seed)]
    if defect.backend is not None:
        arguments += ["--backend", defect.backend]
    play = [sys.executable, "-m", "tests.simulation", *arguments, "--most", "1"]
    played = subprocess.run(play, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "simulation:" in played.stdout, played.stderr
    assert played.returncode == 1, f"nothing noticed that {defect.what}"
    assert not OUR_MISTAKE.search(played.stdout), f"the defect does not fit the router: {played.stdout}"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_table_names_a_function(name: str) -> None:
    assert callable(found(name)[2])


def test_a_name_that_names_nothing_says_where_to_mend_it() -> None:
    with pytest.raises(LookupError, match=r"no module or class router\.nowhere\.Thing; mend .*defects\.py"):
        found("router.nowhere.Thing.method")
    with pytest.raises(LookupError, match=r"router\.errors defines no vanished; mend .*defects\.py"):
        found("router.errors.vanished")


def test_there_are_many_and_no_two_are_the_same() -> None:
    assert len({defect.what for defect in DEFECTS}) == len(DEFECTS) >= LEAST
