"""The facts of the CloudStack API that lie beside the checkout; tests that need them say so where they are absent."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "reference"

# The areas that are complete.
AREAS = frozenset((
    "api-discovery", "session", "async-job", "configuration", "role", "account", "user", "domain", "region", "zone",
    "pod", "cluster", "host", "vlan", "physical-network", "storage", "guest-os", "offering", "network-offering",
    "network", "public-ip", "template", "iso", "virtual-machine", "nic", "volume", "ssh-key-pair", "user-data", "event",
    "tag", "capacity", "router", "system-vm", "simulator", "nat", "firewall"))

needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the reference is not beside this checkout")


@cache
def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def commands() -> dict[str, dict[str, Any]]:
    """The commands of the complete areas."""
    if not FOLDER.is_dir():
        return {}
    return {name: command for name, command in load("commands")["commands"].items()
            if command["group"] == "core" and command.get("area") in AREAS}
