"""Values of the right kind for parameters: records that there are, and texts, numbers and dates that may do."""

from __future__ import annotations

import random
from typing import Any

from cloudapi.api.command import Command
from cloudapi.api.parameters import (
    Date,
    Entity,
    Flag,
    Integer,
    LongList,
    Map,
    Parameter,
    Rows,
    Text,
    TextList,
    Uuid,
)
from cloudapi.models.base import new_uuid

TEXTS = ("web", "10.1.1.5", "10.1.1.0/24", "255.255.255.0", "http://127.0.0.1:9/x.qcow2", "nfs://h/p", "UTC", "tcp",
         "KVM", "Simulator", "Enabled", "Disabled", "Up", "admin", "all", "self", "featured", "Shared", "Isolated",
         "x" * 200, "\u00e9" * 255, "\U0001d54f", "-1", "0", "5", "100-200", "vlan://5", "HOURLY", "fd00::/64",
         "Running", "root", "Zone", "UserVm", "'; --", "%", "true", "0 2 3", "MTIz", "id=1", "[1]", "{}", "a\nb", " ")
NUMBERS = (0, 1, 2, 5, -1, -5, 10, 100, 1024, 65535, 2**31 - 1)
KEYS = ("cpuNumber", "memory", "key", "networkid", "service", "ip", "value")


class Guess:
    """Chooses by a seed of its own, so that a run is the same again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self, command: type[Command], optional: float = 0.25, but: str = "") -> dict[str, str]:
        """Values for what the command requires, and for `optional` of the rest; none for the parameter `but`."""
        found: dict[str, str] = {}
        for parameter in command.parameters.values():
            if parameter.name != but and (parameter.required or self.random.random() < optional):
                found.update(self.value(parameter))
        return found

    def value(self, parameter: Parameter) -> dict[str, str]:
        """What a client would send for the parameter."""
        choose, name = self.random.choice, parameter.name
        if isinstance(parameter, Entity):
            there = [uuid for record in parameter.records for uuid in uuids(record)] or ["none"]
            return {name: choose(there)}
        if isinstance(parameter, Map | Rows):
            return {f"{name}[0].{key}": choose(TEXTS) for key in self.random.sample(KEYS, 2)}
        return {name: self._plain(parameter)}

    def _plain(self, parameter: Parameter) -> str:
        choose = self.random.choice
        if isinstance(parameter, Flag):
            return choose(("true", "false"))
        if isinstance(parameter, Integer):
            return str(choose(NUMBERS))
        if isinstance(parameter, Date):
            return choose(("2026-01-01", "2030-01-01 10:00:00"))
        if isinstance(parameter, LongList):
            return "1,2"
        if isinstance(parameter, Uuid):
            return new_uuid()
        chosen: Any = parameter.item if isinstance(parameter, TextList) else parameter
        return str(choose(tuple(chosen.choices.values()) if isinstance(chosen, Text) and chosen.choices else TEXTS))


def uuids(record: Any) -> list[str]:
    return [row.uuid for row in record.select().limit(30)]


def edges(parameter: Parameter) -> list[dict[str, str]]:
    """Values that are as long or as large as the parameter lets them be."""
    name = parameter.name
    if isinstance(parameter, TextList):
        return [] if parameter.item.choices else [{name: "x" * parameter.length}]
    if isinstance(parameter, Text):
        return [] if parameter.choices else [{name: "\u00e9" * min(parameter.length, 4000)},
                                             {name: "1" * min(parameter.length, 4000)}]
    if isinstance(parameter, Integer):
        return [{name: str(bound)} for bound in parameter.bounds]
    if isinstance(parameter, Map):
        return [{f"{name}[0].key": "k" * 240, f"{name}[0].value": "v" * parameter.length}]
    if isinstance(parameter, Rows):
        return [{f"{name}[0].ip": "x" * 300}]
    if isinstance(parameter, Date):
        return [{name: moment} for moment in ("0001-01-01", "9999-12-31")]
    return []
