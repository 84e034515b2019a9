"""How tests wait, and where the program may look."""

import ast
from pathlib import Path

from tests.support.source import ROOT, assert_none, files, imports, parse, plant

# Where a helper waits for a condition, with a deadline.
MAY_SLEEP = "tests/support/"
# The facts that we were given are for the tests; a program that read them at run time would not run elsewhere.
OUTSIDE = ("/work/", "../shared")


def sleep_faults(root: Path) -> list[str]:
    faults = []
    for path in files(root, "tests"):
        if str(path).startswith(MAY_SLEEP):
            continue
        used = [(ast.unparse(n), n.lineno) for n in ast.walk(parse(root, path)) if isinstance(n, ast.Attribute)]
        used += [(item.name, item.line) for item in imports(root, path)]
        faults += [f"{path}:{line}: wait for a condition instead" for name, line in used if name == "time.sleep"]
    return faults


def outside_faults(root: Path) -> list[str]:
    return [
        f"{path}:{node.lineno}: {node.value!r} lies outside the repository"
        for path in files(root, "cloudapi", "agents", "schema", "benchmarks")
        for node in ast.walk(parse(root, path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and any(o in node.value for o in OUTSIDE)
    ]


def test_no_test_sleeps_a_fixed_time():
    assert_none(sleep_faults(ROOT))


def test_the_program_stands_on_its_own():
    assert_none(outside_faults(ROOT))


def test_a_sleeping_test_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "tests/api/test_a.py": "import time\ntime.sleep(1)",
            "tests/api/test_b.py": "from time import sleep",
            "tests/support/wait.py": "import time\ntime.sleep(0.01)",
        },
    )
    assert len(sleep_faults(tmp_path)) == 2


def test_a_path_outside_is_found(tmp_path):
    plant(tmp_path, {"cloudapi/api/catalogue.py": "open('../shared/reference/commands.json')"})
    assert len(outside_faults(tmp_path)) == 1
