"""Imports point downwards only: http -> api -> commands -> services -> jobs, placement, hosts -> states, models."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

from tests.support.source import ROOT, assert_none, files, imports, module_name, parse, plant

# From the top down; a layer may import the ones below it and its neighbours on the same level.
LEVELS = (
    {"app", "cli", "demo", "serving", "__main__"},
    {"http"},
    {"api"},
    {"commands", "views"},
    {"services"},
    {"jobs", "placement", "hosts"},
    {"context", "events"},
    {"states", "models"},
    {"configuration", "errors", "secrets", "settings", "settings_catalogue", "__init__"},
)
LEVEL = {layer: level for level, layers in enumerate(LEVELS) for layer in layers}

# What points upwards with a reason. `api` in its turn imports no command and no view: it is given the package to load.
UPWARDS = {
    ("commands", "api"): "a command is a subclass of the framework's class",
    ("views", "api"): "a view is a subclass of the framework's class",
}
FORBIDDEN_DOWNWARDS = {("api", "commands"), ("api", "views")}

# Who speaks the agents' protocol.
REACH_AGENTS = {"app", "hosts"}

# What a host's own packages bring, imported by the driver that needs it.
HYPERVISOR_BINDINGS = {"libvirt", "XenAPI", "pyVmomi", "pyVim"}
AGENT_PYTHON = (3, 9)


def layer_of(module: str) -> str:
    """`cloudapi.models.network.Network` -> `models`; what the package itself has is `__init__`."""
    part = module.split(".")[1] if "." in module else "__init__"
    return "__init__" if part == "__version__" else part


def layer_faults(root: Path) -> list[str]:
    faults = []
    for path in files(root, "cloudapi"):
        source = layer_of(module_name(path))
        if source not in LEVEL:
            faults.append(f"{path}: `{source}` is no layer; LEVELS says where one belongs")
            continue
        for item in imports(root, path):
            if item.name.split(".")[0] != "cloudapi":
                continue
            target = layer_of(item.name)
            if not _may_import(source, target, item.for_types):
                faults.append(f"{path}:{item.line}: {source} imports {item.name}")
    return faults


def _may_import(source: str, target: str, for_types: bool) -> bool:
    if (source, target) in UPWARDS:
        return True
    if target not in LEVEL or (source, target) in FORBIDDEN_DOWNWARDS:
        return False
    # The context carries what the layers made, and names their classes for the type checker alone.
    if source == "context" and for_types:
        return True
    return LEVEL[source] <= LEVEL[target]


def cycle_fault(root: Path) -> str | None:
    """Layers on one level may import each other, but not in a circle."""
    graph: dict[str, set[str]] = {}
    for path in files(root, "cloudapi"):
        source = layer_of(module_name(path))
        targets = {layer_of(i.name) for i in imports(root, path) if i.name.startswith("cloudapi.") and not i.for_types}
        graph.setdefault(source, set()).update(targets - {source})
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " -> ".join(error.args[1])
    return None


def package_faults(root: Path) -> list[str]:
    """What lies beside cloudapi stands alone, and few places reach it."""
    faults = []
    for path in files(root, "cloudapi", "agents", "schema"):
        package = path.parts[0]
        for item in imports(root, path):
            target = item.name.split(".")[0]
            if package != "cloudapi" and target in {"cloudapi", "agents", "schema"} - {package} and not (
                    package == "schema" and item.name.startswith("cloudapi.models")):
                faults.append(f"{path}:{item.line}: {package} imports {item.name}")
            if package == "cloudapi" and target == "agents" and layer_of(module_name(path)) not in REACH_AGENTS:
                faults.append(f"{path}:{item.line}: only {sorted(REACH_AGENTS)} reach the agents")
            if target == "tests":
                faults.append(f"{path}:{item.line}: the program imports the tests")
    return faults


def agent_faults(root: Path) -> list[str]:
    """A host has Python's standard library, its hypervisor's bindings, and perhaps an old Python."""
    known = sys.stdlib_module_names | HYPERVISOR_BINDINGS | {"agents"}
    faults = []
    for path in files(root, "agents"):
        try:
            ast.parse((root / path).read_text(encoding="utf-8"), str(path), feature_version=AGENT_PYTHON)
        except SyntaxError as error:
            faults.append(f"{path}:{error.lineno}: not Python {AGENT_PYTHON[0]}.{AGENT_PYTHON[1]}: {error.msg}")
            continue
        faults += [
            f"{path}:{item.line}: {item.name} is not in the standard library"
            for item in imports(root, path)
            if item.name.split(".")[0] not in known
        ]
    return faults


def test_imports_point_downwards():
    assert_none(layer_faults(ROOT))


def test_layers_form_no_circle():
    assert cycle_fault(ROOT) is None


def test_packages_beside_cloudapi_stand_alone():
    assert_none(package_faults(ROOT))


def test_agents_need_nothing_but_python():
    assert_none(agent_faults(ROOT))


FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cloudapi."


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cloudapi/services/network/network.py", "from cloudapi.commands.network import network"),
        ("cloudapi/models/host.py", "import cloudapi.services.host"),
        ("cloudapi/services/host.py", "def late():\n    from cloudapi import api"),
        ("cloudapi/services/user.py", "from ..http import session"),
        ("cloudapi/api/dispatch.py", "from cloudapi.commands import network"),
        ("cloudapi/errors.py", "from cloudapi.models.host import Host"),
        ("cloudapi/hosts/client.py", FOR_TYPES + "api import x"),
        ("cloudapi/helpers/text.py", ""),
        ("cloudapi/services/zone.py", "from cloudapi.helpers import text"),
    ],
)
def test_an_import_upwards_is_found(tmp_path, path, text):
    assert len(layer_faults(plant(tmp_path, {path: text}))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cloudapi/commands/network/network.py", "from cloudapi.api.command import Command"),
        ("cloudapi/app.py", "from cloudapi import commands, http, models, __version__"),
        ("cloudapi/services/host.py", "from cloudapi.hosts import client\nfrom cloudapi import errors\nimport json"),
        ("cloudapi/context.py", FOR_TYPES + "jobs import steps"),
    ],
)
def test_an_import_downwards_is_no_fault(tmp_path, path, text):
    assert layer_faults(plant(tmp_path, {path: text})) == []


def test_a_circle_on_one_level_is_found(tmp_path):
    plant(tmp_path, {"cloudapi/jobs/queue.py": "from cloudapi.hosts import client"})
    assert cycle_fault(tmp_path) is None
    plant(tmp_path, {"cloudapi/hosts/client.py": "from cloudapi.jobs import queue"})
    assert cycle_fault(tmp_path) is not None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("agents/main.py", "from cloudapi import errors"),
        ("schema/tables.py", "import cloudapi.services.zone"),
        ("cloudapi/services/host.py", "from agents import protocol"),
        ("cloudapi/app.py", "from tests.support import source"),
    ],
)
def test_an_import_between_packages_is_found(tmp_path, path, text):
    assert len(package_faults(plant(tmp_path, {path: text}))) == 1


@pytest.mark.parametrize("text", ["import requests", "from peewee import Model", "match 1:\n    case 1:\n        pass"])
def test_an_agent_that_needs_more_than_python_is_found(tmp_path, text):
    assert len(agent_faults(plant(tmp_path, {"agents/verbs/host.py": text}))) == 1
    assert agent_faults(plant(tmp_path, {"agents/verbs/host.py": "import json, libvirt\nfrom agents import x"})) == []


def test_the_reader_of_imports_sees_every_form(tmp_path):
    text = "import a.b\nfrom c import d, e\nfrom . import f\nfrom ..g import h\ndef late():\n    import i"
    plant(tmp_path, {"cloudapi/x/y.py": text})
    names = [item.name for item in imports(tmp_path, Path("cloudapi/x/y.py"))]
    assert sorted(names) == ["a.b", "c.d", "c.e", "cloudapi.g.h", "cloudapi.x.f", "i"]
    assert parse(tmp_path, Path("cloudapi/x/y.py")).body
