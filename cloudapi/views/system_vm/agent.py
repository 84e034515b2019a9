"""The agents of console proxies and secondary storage VMs, which CloudStack counts among the hosts.

Nothing is kept of them: what the machine is and what its host reports of it say how its agent is.
"""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Page
from cloudapi.models.database import rows

# A table with the columns by which hosts are filtered. An agent's id is its machine's, negative: no host has it.
AGENTS = """
(SELECT -m.id AS id, m.removed AS removed, m.name AS name, m.zone_id AS zone_id, m.pod_id AS pod_id,
 NULLIF(m.zone_id, m.zone_id) AS cluster_id, NULLIF(m.name, m.name) AS hypervisor_type, m.arch AS arch,
 CASE m.kind WHEN 'SecondaryStorageVm' THEN 'SecondaryStorageVM' ELSE m.kind END AS kind,
 CASE WHEN m.state NOT IN ('Running', 'Migrating') OR m.power_state = 'PowerOff' THEN 'Disconnected'
  WHEN h.status = 'Up' THEN 'Up' ELSE 'Alert' END AS status,
 'Enabled' AS resource_state, h.version AS version
 FROM machine m JOIN host h ON h.id = COALESCE(m.host_id, m.last_host_id)
 WHERE m.kind IN ('ConsoleProxy', 'SecondaryStorageVm') AND m.last_host_id IS NOT NULL AND m.removed IS NULL
 AND m.state NOT IN ('Destroyed', 'Expunging', 'Error'))"""


def load_agents(page: Page) -> dict[int, dict[str, Any]]:
    """The type, state and version of each machine's agent; nothing where it has not run yet."""
    return {-number: {"type": kind, "state": state, "version": version} for number, kind, state, version in rows(
        f"SELECT t.id, t.kind, t.status, t.version FROM {AGENTS} t WHERE t.id IN ({','.join('?' * len(page.ids))})",
        [-number for number in page.ids])}
