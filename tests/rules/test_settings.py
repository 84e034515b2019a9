"""Every declared setting is read somewhere: one that is changed and changes nothing deceives the operator."""

import ast
import re
from pathlib import Path

from cloudapi.settings import REGISTRY
from tests.support.source import ROOT, assert_none, files, parse, plant

# Setting: why nothing reads it.
UNREAD: dict[str, str] = {
    "integration.api.port": "the port is opened before there is a database: the configuration's integration_port",
    "agent.lb.enabled": "servers connect to hosts, never the other way round: there is nothing to balance",
    "agent.load.threshold": "as agent.lb.enabled",
    "cloud.kubernetes.service.enabled": "there are no Kubernetes clusters; listCapabilities says so",
    "cloud.kubernetes.cluster.experimental.features.enabled": "as cloud.kubernetes.service.enabled",
    "cloud.kubernetes.cluster.max.size": "as cloud.kubernetes.service.enabled",
    "ldap.basedn": "there are no LDAP servers to search",
    "vmware.create.full.clone": "there is no driver for VMware",
    "kvm.host.discovery.ssh.port": "there is no driver for KVM",
    "workers": "Marvin sets it; there are no connections of agents that threads would be shared out to",
    "direct.agent.load.size": "Marvin sets it; one server pings all hosts, they are not taken over in portions",
    "vm.op.wait.interval": "Marvin sets it; an operation that waits for another on the same Instance is told at once",
    "storage.cache.replacement.enabled": "Marvin reads it; there are no staging stores whose data would be replaced",
    "storage.cache.replacement.interval": "as storage.cache.replacement.enabled",
    "secstorage.nfs.version": "the one setting of image stores that clients can list and set; nothing here mounts NFS",
}


def patterns(root: Path) -> list[re.Pattern[str]]:
    """Return what the program's texts can be: constants as they are, f-strings with anything in their gaps.

    A word without a dot is many things; it is a setting's name where it is the argument of a `get`.
    """
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
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                found += [re.escape(argument.value) for argument in node.args[:1]
                          if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                          and ast.unparse(node.func.value).endswith("settings")]
    return [re.compile(text) for text in sorted(set(found)) if re.search("[a-z]", text)]


def unread(root: Path, names: list[str]) -> list[str]:
    """Return the settings that no text of the program names."""
    known = patterns(root)
    exact = {pattern.pattern for pattern in known}
    gaps = [pattern for pattern in known if ".+" in pattern.pattern and "\\." in pattern.pattern]
    return [name for name in names
            if re.escape(name) not in exact and not any(pattern.fullmatch(name) for pattern in gaps)]


def test_every_setting_is_read():
    found, known = set(unread(ROOT, list(REGISTRY))), {*UNREAD}
    assert_none([f"{name} is read by nothing" for name in sorted(found - known)])
    assert_none([f"{name} is read by now: take it off the list" for name in sorted(known - found)])


def test_an_unread_setting_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "cloudapi/services/a.py": 'get("a.delay")\nget(f"max.account.{kind}")\n"It has a.interval in a sentence."'
            '\nsettings.get("wait")\nparameters.get("workers")',
            "cloudapi/settings_catalogue/a.py": 'Setting("a.interval")',
        },
    )
    assert unread(tmp_path, ["a.delay", "a.interval", "max.account.vms", "max.domain.vms", "wait", "workers"]) == [
        "a.interval",
        "max.domain.vms",
        "workers",
    ]
