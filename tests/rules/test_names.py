"""A file is a singular noun at a fixed depth, a command's class its API name: what is sought is found."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.source import ROOT, assert_none, files, parse, plant

# One folder per area below these, one file per noun in it. What all areas share lies beside the areas; no command does.
AREA_FOLDERS = ("commands", "views", "services")
# One file per noun, or per family of nouns.
NOUN_FOLDERS = ("cloudapi/models", "cloudapi/states", "agents/verbs")
# Nouns that only look like plurals.
SINGULAR = {"access", "address", "alias", "dns", "nfs", "os", "statistics", "status", "usage", "vgpus"}
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CAPITALISED = re.compile(r"[A-Z][A-Za-z0-9]*")


def place_faults(root: Path) -> list[str]:
    faults = []
    for path in files(root, *(f"cloudapi/{folder}" for folder in AREA_FOLDERS)):
        shared = len(path.parts) == 3 and path.parts[1] != "commands"
        if path.name != "__init__.py" and len(path.parts) != 4 and not shared:
            faults.append(f"{path}: belongs at cloudapi/{path.parts[1]}/<area>/<noun>.py")
    return faults


def noun_faults(root: Path) -> list[str]:
    faults = []
    for path in files(root, *(f"cloudapi/{folder}" for folder in AREA_FOLDERS), *NOUN_FOLDERS):
        if path.name == "__init__.py":
            continue
        if not SNAKE.fullmatch(path.stem):
            faults.append(f"{path}: lower case with underscores")
        last = path.stem.rpartition("_")[2]
        if last.endswith("s") and last not in SINGULAR:
            faults.append(f"{path}: a singular noun, please (or SINGULAR, where it is one)")
    return faults


def class_faults(root: Path) -> list[str]:
    """A command's class says what it is called; a name with an underscore before it is a common base."""
    faults = []
    for path in files(root, "cloudapi/commands"):
        for node in parse(root, path).body:
            if isinstance(node, ast.ClassDef) and not CAPITALISED.fullmatch(node.name.removeprefix("_")):
                faults.append(f"{path}:{node.lineno}: {node.name} is not an API name capitalised")
    for path in files(root, "cloudapi/views"):
        for node in parse(root, path).body:
            if isinstance(node, ast.ClassDef) and not node.name.endswith("View"):
                faults.append(f"{path}:{node.lineno}: {node.name} does not end in View")
    return faults


def test_files_lie_in_their_area():
    assert_none(place_faults(ROOT))


def test_files_are_singular_nouns():
    assert_none(noun_faults(ROOT))


def test_classes_are_named_as_what_they_are():
    assert_none(class_faults(ROOT))


def test_a_file_at_another_depth_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "cloudapi/commands/__init__.py": "",
            "cloudapi/commands/network/__init__.py": "",
            "cloudapi/commands/network/network.py": "",
            "cloudapi/commands/host.py": "",
            "cloudapi/services/detail.py": "",
            "cloudapi/services/network/router/rule.py": "",
        },
    )
    assert len(place_faults(tmp_path)) == 2


@pytest.mark.parametrize("name", ["hosts", "Host", "host-tag", "host__tag", "firewall_rules"])
def test_a_file_with_another_name_is_found(tmp_path, name):
    good = ("host", "guest_os", "ip_address")
    plant(tmp_path, {f"cloudapi/commands/area/{stem}.py": "" for stem in (*good, name)})
    assert len(noun_faults(tmp_path)) == 1


def test_a_class_with_another_name_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "cloudapi/commands/area/host.py": "class AddHost: pass\nclass _HostCommand: pass\nclass list_hosts: pass",
            "cloudapi/views/area/host.py": "class HostView: pass\nclass Host: pass",
        },
    )
    assert len(class_faults(tmp_path)) == 2
