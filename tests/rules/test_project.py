"""What the project's files say of each other: lock files and pyproject.toml, documents and what they point to."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.source import ROOT, assert_none, plant

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TARGET = re.compile(r"^([a-z]+):.*", re.MULTILINE)
NAMED_TARGET = re.compile(r"`make ([a-z]+)")


def pinned(text: str) -> dict[str, str]:
    return {_normal(name): version for name, version in PINNED.findall(text)}


def lock_faults(requirements: list[str], lock: str) -> list[str]:
    versions = pinned(lock)
    faults = []
    for text in requirements:
        requirement = Requirement(text)
        version = versions.get(_normal(requirement.name))
        if version is None or not requirement.specifier.contains(version):
            faults.append(f"{text}: the lock file has {version}; run `make lock`")
    return faults


def link_faults(root: Path) -> list[str]:
    """Links of a document to a file that is not there."""
    return [
        f"{path.relative_to(root)}: {link}"
        for path in documents(root)
        for link in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in link and not (path.parent / link).exists()
    ]


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *root.glob("cloudapi/**/*.md"), *root.glob("agents/**/*.md")]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_lock_files_have_what_the_project_asks_for(project):
    groups = project["dependency-groups"]
    asked = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"]["postgresql"]
    assert_none(lock_faults(asked + groups["build"], (ROOT / "requirements.lock").read_text()))
    development = asked + groups["build"] + groups["dev"] + extras
    assert_none(lock_faults(development, (ROOT / "requirements-dev.lock").read_text()))


def test_the_development_lock_agrees_with_the_other():
    shipped = pinned((ROOT / "requirements.lock").read_text())
    development = pinned((ROOT / "requirements-dev.lock").read_text())
    assert shipped
    assert {name: development.get(name) for name in shipped} == shipped


def test_each_locked_package_has_hashes():
    for name in ("requirements.lock", "requirements-dev.lock"):
        blocks = re.split(r"^(?=[a-z])", (ROOT / name).read_text(), flags=re.MULTILINE)
        assert [block for block in blocks if PINNED.match(block) and "--hash=sha256:" not in block] == []


def test_documents_point_to_files_that_exist():
    assert_none(link_faults(ROOT))


def test_documents_name_targets_that_exist_and_help_lists_them():
    makefile = (ROOT / "Makefile").read_text()
    named = {target for path in documents(ROOT) for target in NAMED_TARGET.findall(path.read_text(encoding="utf-8"))}
    assert named <= set(TARGET.findall(makefile))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "lint", "types", "bench", "docs", "clean"):
        assert re.search(rf"^  {target} +\S", shown, re.MULTILINE), target


def test_a_lock_that_is_behind_is_found():
    lock = "flask==3.1.0 \\\n    --hash=sha256:0\n"
    assert_none(lock_faults(["Flask>=3.0"], lock))
    assert len(lock_faults(["flask>=3.2", "requests"], lock)) == 2


def test_a_link_to_nowhere_is_found(tmp_path):
    plant(tmp_path, {"README.md": "[a](CHANGES.md) [b](https://example.org/x) [c](README.md#top)"})
    assert link_faults(tmp_path) == ["README.md: CHANGES.md"]
