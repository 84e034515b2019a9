"""Every declared setting is read somewhere: one that is changed and changes nothing deceives the operator."""

import ast
import re
from pathlib import Path

from cloudapi.settings import REGISTRY
from tests.support.source import ROOT, assert_none, files, parse, plant

# Setting: why nothing reads it.
UNREAD: dict[str, str] = {}


def patterns(root: Path) -> list[re.Pattern[str]]:
    """Return what the program's texts can be: constants as they are, f-strings with anything in their gaps."""
    found = []
    for path in files(root, "cloudapi"):
        if "settings_catalogue" in path.parts:
            continue
        for node in ast.walk(parse(root, path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                found.append(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(value.value) if isinstance(value, ast.Constant) else ".+" for value in node.values]
                if any("." in value.value for value in node.values if isinstance(value, ast.Constant)):
                    found.append("".join(map(str, parts)))
    return [re.compile(text) for text in sorted(set(found)) if re.search("[a-z]", text)]


def unread(root: Path, names: list[str]) -> list[str]:
    """Return the settings that no text of the program names."""
    known = patterns(root)
    exact = {pattern.pattern for pattern in known}
    gaps = [pattern for pattern in known if ".+" in pattern.pattern and "\\." in pattern.pattern]
    return [name for name in names
            if re.escape(name) not in exact and not any(pattern.fullmatch(name) for pattern in gaps)]


def test_every_setting_is_read():
    found = set(unread(ROOT, list(REGISTRY)))
    assert_none([f"{name} is read by nothing" for name in sorted(found - set(UNREAD))])
    assert_none([f"{name} is read by now: take it out of UNREAD" for name in sorted(set(UNREAD) - found)])


def test_an_unread_setting_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "cloudapi/services/a.py": 'get("a.delay")\nget(f"max.account.{kind}")\n"It has a.interval in a sentence."',
            "cloudapi/settings_catalogue/a.py": 'Setting("a.interval")',
        },
    )
    assert unread(tmp_path, ["a.delay", "a.interval", "max.account.vms", "max.domain.vms"]) == [
        "a.interval",
        "max.domain.vms",
    ]
