"""Every column is read by something other than a view: one that is kept and shown only, deceives who set it."""

import ast
import re
from pathlib import Path

from schema.tables import all_tables
from tests.support.source import ROOT, assert_none, files, parse, plant

SQL = re.compile(r"\b(SELECT|FROM|JOIN|WHERE|UPDATE|SET|AND|ORDER BY)\b")

# Why nothing but views reads it: the reason, and the columns as `table.column`.
REASONS: dict[str, str] = {
    "what was seen or done, for people to look at; no command sets it": """
        host.cpu_sockets host.private_mac host.management_server machine.private_mac machine.power_reported
        nic.bytes_sent nic.bytes_received router.public_ip router.public_netmask router.template_version
        router.scripts_version router.software_version router.element_id snapshot.primary_path
        storage_pool.used_iops template_store.download_percent volume_store.download_percent
        template.source_template_id async_job.process_status async_job.result_code job_step.finished
        schema_version.applied event.resource_name event.start_id annotation.entity_type
        quarantined_ip.removal_reason quarantined_ip.remover_account_id network.related_id nic.isolation_uri
        nic.secondary network.broadcast_domain_type zone.zone_token""",
    "figures of hosts, to be shown": """
        host_statistics.cpu_percent host_statistics.load_average host_statistics.network_read_kib
        host_statistics.network_write_kib volume_statistics.virtual_size
        machine_statistics.cpu_percent machine_statistics.network_read machine_statistics.network_write
        machine_statistics.disk_read machine_statistics.disk_write machine_statistics.disk_reads
        machine_statistics.disk_writes machine_statistics.memory_kib machine_statistics.memory_free_kib
        machine_statistics.memory_target_kib machine_sample.cpu_percent machine_sample.network_read
        machine_sample.network_write machine_sample.disk_read machine_sample.disk_write machine_sample.disk_reads
        machine_sample.disk_writes machine_sample.memory_kib machine_sample.memory_free_kib
        machine_sample.memory_target_kib volume_statistics.write_bytes volume_statistics.reads
        volume_statistics.writes""",
    "area metrics": "volume_sample.reads volume_sample.writes volume_sample.write_bytes",
    "the order of a list, which its command takes from it": """
        disk_offering.sort_key guest_os_category.sort_key network_offering.sort_key service_offering.sort_key
        template.sort_key zone.sort_key""",
    "a note for people, in CloudStack too": """
        account.default_zone_id cloud_user.first_name cloud_user.last_name cluster.cluster_type
        network.external_id network.associated_network_id physical_network.broadcast_domain_range
        physical_network.network_speed region.end_point template.bits template.ssh_key_enabled volume.chain_info
        zone.dhcp_provider""",
    "who may see a comment: the views ask it": "annotation.admins_only",
    "its unique index is what it is for": "nic.mac_key",
    "heeded as it is set: it decides what separates the public network": "traffic_type.isolation_method",
    "for what runs inside of system VMs; nothing of ours does": "zone.internal_dns1 zone.internal_dns2",
    "for storage that manages its volumes one by one; there is no driver for any": """
        disk_offering.hypervisor_snapshot_reserve volume.external_uuid""",
    "for hosts that name themselves and have addresses of their own; there is no driver for KVM": """
        host.guid host.public_ip template.direct_download""",
    "there is no driver for VMware": "hypervisor_capability.max_hosts_per_cluster disk_offering.storage_policy",
    "area vm-snapshot": "hypervisor_capability.vm_snapshots",
    "area gpu: no command sets it": "service_offering.gpu_count",
    "area two-factor: no command sets it": "cloud_user.two_factor_enabled cloud_user.two_factor_mandated",
    "area saml: no command sets it": "cloud_user.source",
    "area console: no command sets it": "machine.vnc_password",
    "area network-acl: no command sets it": "network.acl_id",
    "area load-balancer": "network_offering.keepalive network_offering.max_connections ip_address.rule_state",
    "area routing": "network_offering.routing_mode",
    "area ipv6": "network.router_ipv6",
    "area kubernetes": "template.for_cks",
    "no command sets it: what CloudStack shows of networks that other programs provide": """
        network.strict_reservation network_offering.enabled_for_display network_offering.multicast_rate""",
    "shown of networks that external devices serve; there is none": """
        network_offering.supports_public_access network_service_provider.destination_physical_network_id""",
}
UNREAD = {column: reason for reason, names in REASONS.items() for column in names.split()}


def _handed_on(tree: ast.AST) -> set[ast.AST]:
    """Return the attributes that go on as they are: `size=wanted.size`, or to a parameter of the API, as when an
    offering is cloned: `{"isvolatile": offering.is_volatile}`."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Attribute) and node.value.attr == node.arg:
            found.add(node.value)
        elif isinstance(node, ast.Dict):
            found.update(value for key, value in zip(node.keys, node.values, strict=True)
                         if isinstance(key, ast.Constant) and isinstance(value, ast.Attribute)
                         and _is_parameter(str(key.value), value.attr))
    return found


def _is_parameter(key: str, column: str) -> bool:
    return "_" not in key and key != column and key.startswith(column.replace("_", ""))


def read_names(root: Path) -> set[str]:
    """Return what the program reads by a name that could be a column's: attributes, and words of SQL.

    Filters of lists read nothing: they show less of what is kept.
    """
    found: set[str] = set()
    for path in files(root, "cloudapi"):
        if path.parts[1] in ("views", "models", "settings_catalogue"):
            continue
        tree = parse(root, path)
        handed_on = _handed_on(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node not in handed_on:
                found.add(node.attr)
            elif (isinstance(node, ast.Constant) and isinstance(node.value, str) and path.parts[1] != "commands"
                  and SQL.search(node.value)):
                found.update(re.findall(r"[a-z][a-z0-9_]*", node.value))
    return found


def unread(root: Path, columns: list[tuple[str, str, str]]) -> list[str]:
    names = read_names(root)
    return [f"{table}.{column}" for table, field, column in columns if not {field, column} & names]


def columns() -> list[tuple[str, str, str]]:
    """Return `(table, field, column)` of everything that is stored."""
    return [(table._meta.table_name, field.name, field.column_name)
            for table in all_tables() for field in table._meta.sorted_fields]


def test_every_column_is_read():
    found, known = set(unread(ROOT, columns())), {*UNREAD}
    assert_none([f"{name} is read by nothing but views" for name in sorted(found - known)])
    assert_none([f"{name} is read by now, or gone: take it off the list" for name in sorted(known - found)])


def test_a_column_that_is_only_kept_handed_on_and_shown_is_found(tmp_path):
    plant(
        tmp_path,
        {
            "cloudapi/services/a.py": "Offering.create(kept=1, copied=wanted.copied)\n"
            'asked = {"isvolatile": offering.is_volatile}\nspec = {"cpus": machine.cpus}\nif network.used: pass\n'
            'rows("SELECT o.selected FROM offering o WHERE o.compared_id = ?")\n"a sentence about prose"',
            "cloudapi/commands/a.py": 'query.where("t.filtered = ? AND t.id > 0")',
            "cloudapi/views/a.py": "row.shown",
        },
    )
    names = ["kept", "copied", "is_volatile", "cpus", "used", "selected", "prose", "filtered", "shown"]
    stored = [("offering", name, name) for name in names] + [("offering", "compared", "compared_id")]
    assert unread(tmp_path, stored) == [
        "offering.kept",
        "offering.copied",
        "offering.is_volatile",
        "offering.prose",
        "offering.filtered",
        "offering.shown",
    ]
