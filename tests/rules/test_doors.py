"""One door out: each library that touches the world is used in one place, so that there is one place to check."""

import ast
from pathlib import Path

import pytest

from tests.support.source import ROOT, assert_none, files, imports, parse, plant

# Module -> the folder or file that may import it; the second value limits how many files do.
DOORS = {
    "flask": ("cloudapi/http/", None),
    "werkzeug": ("cloudapi/http/", None),
    "granian": ("cloudapi/", 1),
    "paramiko": ("cloudapi/hosts/", 1),
    "subprocess": ("agents/shell.py", 1),
    "pty": ("agents/shell.py", 1),
    "argon2": ("cloudapi/", 1),
    "orjson": ("cloudapi/", None),
    "click": ("cloudapi/cli", None),
}
# Ways around `subprocess`, and a shell by another name.
PROCESS_CALLS = {"os.system", "os.popen", "os.posix_spawn", "os.posix_spawnp", "os.fork", "os.forkpty"}
PROCESS_PREFIXES = ("os.exec", "os.spawn", "asyncio.create_subprocess")
SHELL_DOOR = "agents/shell.py"

# Who asks travels as an argument. What belongs to a thread for another reason is named here.
THREAD_STATE = {"threading.local", "contextvars.ContextVar"}
THREAD_STATE_EXCEPTIONS = {
    "cloudapi/models/database.py": "a transaction belongs to the thread's connection, which peewee keeps the same way",
}


def door_faults(root: Path) -> list[str]:
    faults = []
    users: dict[str, set[str]] = {}
    for path in files(root, "cloudapi", "agents", "schema"):
        for item in imports(root, path):
            module = item.name.split(".")[0]
            if module not in DOORS or item.for_types:
                continue
            users.setdefault(module, set()).add(str(path))
            if not str(path).startswith(DOORS[module][0]):
                faults.append(f"{path}:{item.line}: {module} belongs to {DOORS[module][0]}")
    for module, paths in users.items():
        limit = DOORS[module][1]
        if limit is not None and len(paths) > limit:
            faults.append(f"{module} is imported in {sorted(paths)}; its door is {limit} file")
    return faults


def process_faults(root: Path) -> list[str]:
    faults = []
    for path in files(root, "cloudapi", "agents", "schema"):
        if str(path) == SHELL_DOOR:
            continue
        for name, line in _dotted_names(root, path):
            if name in PROCESS_CALLS or name.startswith(PROCESS_PREFIXES):
                faults.append(f"{path}:{line}: {name} starts a process outside {SHELL_DOOR}")
    return faults


def shell_string_faults(root: Path) -> list[str]:
    """`shell=True` is refused everywhere: commands are argument lists."""
    return [
        f"{path}:{node.value.lineno}: shell=True"
        for path in files(root, "cloudapi", "agents", "schema", "tests", "benchmarks")
        for node in ast.walk(parse(root, path))
        if isinstance(node, ast.keyword) and node.arg == "shell"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]


def thread_state_faults(root: Path) -> list[str]:
    return [
        f"{path}:{line}: {name}; pass the context as an argument"
        for path in files(root, "cloudapi")
        if str(path) not in THREAD_STATE_EXCEPTIONS
        for name, line in _dotted_names(root, path)
        if name in THREAD_STATE
    ]


def _dotted_names(root: Path, path: Path) -> list[tuple[str, int]]:
    """`os.system` used as that, and as `from os import system`."""
    used = [
        (ast.unparse(node), node.lineno)
        for node in ast.walk(parse(root, path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    return used + [(item.name, item.line) for item in imports(root, path)]


def test_each_library_has_its_door():
    assert_none(door_faults(ROOT))


def test_processes_start_in_one_file():
    assert_none(process_faults(ROOT))
    assert_none(shell_string_faults(ROOT))


def test_no_request_hides_in_a_thread():
    assert_none(thread_state_faults(ROOT))
    assert {str(path) for path in files(ROOT, "cloudapi")} >= set(THREAD_STATE_EXCEPTIONS)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cloudapi/services/host.py", "import paramiko"),
        ("cloudapi/api/dispatch.py", "from flask import request"),
        ("cloudapi/api/render.py", "import werkzeug.http"),
        ("agents/hypervisors/kvm.py", "import subprocess"),
    ],
)
def test_a_second_door_is_found(tmp_path, path, text):
    assert len(door_faults(plant(tmp_path, {path: text}))) == 1


def test_a_second_file_behind_one_door_is_found(tmp_path):
    plant(tmp_path, {"cloudapi/hosts/ssh.py": "import paramiko"})
    assert door_faults(tmp_path) == []
    plant(tmp_path, {"cloudapi/hosts/keys.py": "import paramiko"})
    assert len(door_faults(tmp_path)) == 1


@pytest.mark.parametrize("text", ["import os\nos.system('a')", "from os import popen", "import os\nos.execvp('a', [])"])
def test_a_process_outside_the_door_is_found(tmp_path, text):
    assert len(process_faults(plant(tmp_path, {"cloudapi/cli.py": text}))) == 1
    (tmp_path / "cloudapi/cli.py").unlink()
    assert process_faults(plant(tmp_path, {SHELL_DOOR: text})) == []


def test_a_shell_string_is_found(tmp_path):
    plant(tmp_path, {SHELL_DOOR: "run('ls', shell=True)\nrun(['ls'], shell=False)"})
    assert len(shell_string_faults(tmp_path)) == 1


@pytest.mark.parametrize("text", ["from contextvars import ContextVar", "import threading\nx = threading.local()"])
def test_hidden_thread_state_is_found(tmp_path, text):
    assert len(thread_state_faults(plant(tmp_path, {"cloudapi/context.py": text}))) == 1
