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
}
# Known faults: nothing reads these and something should. The list only gets shorter.
OPEN = (
    "admin.is.allowed.to.deploy.anywhere",
    "alert.wait",
    "allow.user.view.all.zones",
    "api.throttling.cachesize",
    "capacity.check.period",
    "cloud.identifier",
    "commands.timeout",
    "custom.cs.identifier",
    "direct.agent.load.size",
    "disk.provisioning.type.strictness",
    "dynamic.apichecker.cache.period",
    "host.retry",
    "hypervisor.list",
    "job.cancel.threshold.minutes",
    "migratewait",
    "minreq.sysvmtemplate.version",
    "network.forged.transmits",
    "network.mac.address.changes",
    "network.mac.learning",
    "network.promiscuous.mode",
    "preferred.storage.pool",
    "recreate.systemvm.enabled",
    "resource.reservation.cleanup.delay",
    "routed.ipv4.network.cidr.auto.allocation.enabled",
    "routed.network.ipv4.max.cidr.size",
    "routed.network.ipv4.min.cidr.size",
    "router.health.checks.free.disk.space.threshold",
    "router.health.checks.max.cpu.usage.threshold",
    "router.health.checks.max.memory.usage.threshold",
    "router.version.check",
    "scale.retry",
    "secstorage.max.migrate.sessions",
    "secstorage.nfs.version",
    "stats.timeout",
    "storage.cache.replacement.enabled",
    "storage.cache.replacement.interval",
    "sync.interval",
    "systemvm.root.disk.size",
    "vm.job.lock.timeout",
    "vm.job.timeout",
    "vm.op.wait.interval",
    "vm.stats.increment.metrics",
    "vm.sync.power.state.transitioning",
    "volume.url.check",
    "wait",
    "workers",
)


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
    found, known = set(unread(ROOT, list(REGISTRY))), {*UNREAD, *OPEN}
    assert_none([f"{name} is read by nothing" for name in sorted(found - known)])
    assert_none([f"{name} is read by now: take it off the list" for name in sorted(known - found)])


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
