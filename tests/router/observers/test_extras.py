"""The observers' libraries are extras: nothing loads them unasked, and where one is missing it is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import router.observers

ROOT = Path(__file__).parents[3]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)
    return done.stdout


def test_the_router_loads_no_telemetry_and_no_database() -> None:
    code = "import router, router.observers, sys; print(' '.join(sys.modules))"
    loaded = set(run(code).split())

    assert not {name for name in loaded if name.startswith(("opentelemetry", "prometheus_client"))}
    assert not loaded & {"router.observers.opentelemetry", "router.observers.prometheus"}
    assert not loaded & {"router.history", "sqlite3"}


@pytest.mark.parametrize(
    ("observer", "library", "package", "extra"),
    [
        ("OpenTelemetryObserver", "opentelemetry", "opentelemetry-api", "otel"),
        ("PrometheusObserver", "prometheus_client", "prometheus-client", "prometheus"),
    ],
)
def test_without_its_library_an_observer_says_what_to_install(
    observer: str, library: str, package: str, extra: str
) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        f"try:\n    from router.observers import {observer}\n"
        "except ImportError as error:\n    print(error)"
    )

    assert run(code) == (
        f"{observer} needs the package {package}, which is not installed; "
        f"install it with: pip install '.[{extra}]' in chat-router's folder\n"
    )


def test_an_observer_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'StatsdObserver'"):
        router.observers.StatsdObserver  # type: ignore[attr-defined]  # noqa: B018 - looking it up is what is tested


def test_the_public_names_are_sorted_and_there() -> None:
    names = router.observers.__all__

    assert sorted(names) == names
    assert all(getattr(router.observers, name).__doc__ for name in names)
