"""The dashboard has the shape that Grafana expects, and every panel of it shows data of a real Prometheus.

`make servers` sets up what this asks, `make test-servers` runs it. Grafana itself is in no registry of
packages; its own types of a dashboard are, so that the dashboard is checked by the compiler against them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.docs.pages import ROOT, read
from tests.docs.test_operate import DASHBOARD, RULES
from tests.router.cli.command import environment
from tests.servers.places import lack_of, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST: Final = 120.0
"""Seconds for what takes 15 on an idle machine."""
OF_PANELS: Final = {"stat": "Stat", "state-timeline": "StateTimeline", "timeseries": "TimeSeries"}
TYPES: Final = """
import type { Dashboard } from "@grafana/schema";
type Json<T> = T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : number)
  : T extends (infer E)[] ? Json<E>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
"""
"""Enumerations of TypeScript as the values that JSON has for them."""
ROUTER: Final = """
[[provider]]
adapter = "openai"
name = "dead"
base_url = "http://127.0.0.1:9/v1"

[[provider]]
adapter = "openai"
name = "half"
base_url = "http://127.0.0.1:{half}/v1"
model = "small"

[[provider]]
adapter = "openai"
name = "whole"
base_url = "http://127.0.0.1:{whole}/v1"
model = "small"
requests_per_minute = 1000
budget = {{ usd = 100 }}

[interruption]
action = "restart"

[breaker]
consecutive = 1000
ratio = 1

[prices.table.whole."*"]
per_request = 0.01

[prices.table.half."*"]
per_request = 0.01
"""
PROMETHEUS: Final = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [alerts.rules.yml]
scrape_configs:
  - job_name: chat-router
    static_configs: [{{ targets: ["127.0.0.1:{gateway}"] }}]
"""


def needed(name: str) -> Path:
    """Return where a server was set up; skip the test where it was not."""
    if os.environ.get("REAL_SERVERS") != "1":
        pytest.skip("asks real servers; run: make test-servers")
    if (lack := lack_of(name)) is not None:
        pytest.skip(lack)
    return place_of(name)


def test_the_dashboard_is_one_of_grafanas_types(tmp_path: Path) -> None:
    folder = needed("grafana")
    raw = "@grafana/schema/dist/esm/raw/composable"
    lines = [TYPES, f"export const dashboard: Json<Dashboard> = {json.dumps(DASHBOARD)};"]
    for kind, name in OF_PANELS.items():
        source = f"{raw}/{name.lower()}/panelcfg/x/{name}PanelCfg_types.gen"
        lines.append(f'import type * as {name} from "{source}";')
        options = [panel["options"] for panel in DASHBOARD["panels"] if panel["type"] == kind]
        lines.append(f"export const of{name}: Json<Partial<{name}.Options>>[] = {json.dumps(options)};")
    (tmp_path / "dashboard.ts").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(folder / "node_modules")
    settings = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "dashboard.ts"]
    compiler = folder / "node_modules" / ".bin" / "tsc"
    done = subprocess.run(
        [compiler, *settings], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONGEST
    )

    assert done.returncode == 0, done.stdout
    assert {panel["type"] for panel in DASHBOARD["panels"]} == set(OF_PANELS)


@contextlib.contextmanager
def running(folder: Path, *command: str | Path) -> Iterator[None]:
    """Run a program inside; what it writes is in the folder's `log`."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment())
    try:
        yield
        assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")[-2000:]
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The origins of a Prometheus and of the gateway that it scrapes, which asks simulated services."""
    programs = needed("prometheus") / "usr" / "bin"
    ports = {name: free_port() for name in ("half", "whole", "gateway", "own")}
    config = tmp_path / "router.toml"
    config.write_text(ROUTER.format(**ports), encoding="utf-8")
    (tmp_path / "alerts.rules.yml").write_text(read("docs/operate/alerts.rules.yml"), encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.format(**ports), encoding="utf-8")
    ours = (sys.executable, "-m", "router")
    address = f"127.0.0.1:{ports['own']}"
    files = (f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}")
    half = ("simulate", "openai", "--port", str(ports["half"]), "--fault", "error_after")
    with (
        running(tmp_path, *ours, *half),
        running(tmp_path, *ours, "simulate", "openai", "--port", str(ports["whole"])),
        running(tmp_path, *ours, "serve", "--config", str(config), "--port", str(ports["gateway"])),
        running(tmp_path, programs / "prometheus", *files, f"--web.listen-address={address}"),
    ):
        yield f"http://{address}", f"http://127.0.0.1:{ports['gateway']}"


def asked(url: str, **parameters: str) -> Any:
    """Return the data of Prometheus's answer, or None where it is not ready."""
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.get(url, params=parameters, timeout=LONGEST)
        if answer.status_code != 503:
            assert answer.status_code == 200, (parameters, answer.text)
            return answer.json()["data"]
    return None


def chat(gateway: str) -> None:
    """Ask the chain once: the first provider fails, the second breaks off, the third takes over."""
    body = {"model": "chat-router", "messages": [{"role": "user", "content": "Hello"}]}
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{gateway}/v1/chat/completions", json=body, timeout=LONGEST).raise_for_status()


def queries() -> dict[str, str]:
    """Each query of the dashboard and of its variables, as Grafana sends it."""
    found = {
        f"{panel['title']} {number}": target["expr"]
        for panel in DASHBOARD["panels"]
        for number, target in enumerate(panel["targets"])
    }
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            (found[variable["name"]],) = re.findall(r"label_values\((\w+), ", variable["query"]["query"])
    return {
        name: query.replace("$__rate_interval", "1m").replace("$provider", ".*")
        for name, query in found.items()
    }


@pytest.mark.timeout(300)
def test_every_panel_shows_data_and_every_rule_is_evaluated(prometheus: tuple[str, str]) -> None:
    own, gateway = prometheus
    missing = queries()
    end = time.monotonic() + LONGEST
    while missing and time.monotonic() < end:
        chat(gateway)
        threading.Event().wait(0.5)  # Prometheus scrapes each second
        for title, query in list(missing.items()):
            data = asked(f"{own}/api/v1/query", query=query)
            if data is not None and any(each["value"][1] != "NaN" for each in data["result"]):
                del missing[title]
    assert not missing

    (group,) = asked(f"{own}/api/v1/rules")["groups"]
    while any(rule["health"] == "unknown" for rule in group["rules"]) and time.monotonic() < end:
        threading.Event().wait(0.5)
        (group,) = asked(f"{own}/api/v1/rules")["groups"]
    assert {rule["name"]: rule["health"] for rule in group["rules"]} == {
        rule["alert"]: "ok" for rule in RULES
    }
