"""What is built is built once; nothing is, unless it is asked for."""

import os
from collections.abc import Callable

import pytest

from tests.release.building import Built, Environment, build

ASKED_FOR = os.environ.get("RELEASE") == "1"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if not ASKED_FOR:
        pytest.skip("building and installing takes minutes; run: make release-check")
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def environment(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Makes an environment with some extras."""

    def made(extras: str) -> Environment:
        return Environment.with_extras(tmp_path_factory.mktemp("clean"), built.wheel, extras)

    return made
