"""Runs a storm, or one of its processes; exit code 1 where something was wrong or grew."""

from __future__ import annotations

import argparse
import json
import sys

import anyio

from benchmarks.gateway.storm.course import storm
from benchmarks.gateway.storm.serving import gateway, upstreams


def main() -> None:
    """Run a role, or the storm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--replicas", type=int, default=1, help="gateways; several share a redis-server")
    parser.add_argument("--kill", action="store_true", help="kill a gateway, later the store (3 replicas)")
    parser.add_argument("--role", choices=["storm", "upstreams", "gateway"], default="storm")
    parser.add_argument("--urls", default="[]")
    parser.add_argument("--patience", type=float, default=2)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--store")
    given = parser.parse_args()
    if given.role == "upstreams":
        anyio.run(upstreams)
    elif given.role == "gateway":
        gateway(json.loads(given.urls), given.patience, given.port, given.store)
    else:
        if given.kill and given.replicas < 3:
            sys.exit("--kill needs --replicas 3 or more: one is killed, and the others go on")
        found = storm(given.clients, given.seconds, given.replicas, kill=given.kill)
        print(found.told())
        if not found.is_well:
            sys.exit("something was wrong, or the memory grew")


if __name__ == "__main__":
    main()
