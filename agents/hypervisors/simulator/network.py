"""The network contract on simulated hosts."""

import json
import sqlite3
from dataclasses import replace
from typing import Any, Literal, Optional

from agents.codec import decode
from agents.hypervisors.simulator import figures
from agents.hypervisors.simulator.hardware import Host
from agents.hypervisors.simulator.instances import Instances, read_spec
from agents.network.base import (
    HealthCheck,
    Network,
    NetworkReport,
    NetworkSpec,
    RouterApplied,
    RouterConfig,
    RouterReport,
    RouterStatistics,
)
from agents.protocol import ErrorCode, Refusal

ROUTER_VERSION = "4.23.0"
LARGEST_TAG = {"VLAN": 4094, "VXLAN": 2**24 - 1, "GRE": 2**32 - 1}
TUNNELS = {"VXLAN": "brvx", "GRE": "brgre"}


class SimulatedNetwork(Network):
    def __init__(self, host: Host, instances: Instances) -> None:
        self._host = host
        self._store = host.store
        self._instances = instances

    def ensure(self, network: NetworkSpec) -> NetworkReport:
        _check_tag(network)
        with self._store.transaction():
            self._host.row()
            known = self._row(network.id)
            wanted = (network.isolation, network.tag, network.label)
            if known is not None:
                if (known["isolation"], known["tag"], known["label"]) != wanted and self._nics(network.id):
                    raise Refusal(ErrorCode.WRONG_STATE, f"NICs are on network {network.id}, it has {_bridge(known)}")
                self._store.execute("DELETE FROM network WHERE host = ? AND id = ?", self._host.id, network.id)
            self._store.insert(
                "network",
                host=self._host.id,
                id=network.id,
                isolation=network.isolation,
                tag=network.tag,
                label=network.label,
                mtu=network.mtu,
            )
            made = self._row(network.id)
            assert made is not None
            return self._report(made)

    def remove(self, network: str) -> None:
        with self._store.transaction():
            if self._nics(network):
                raise Refusal(ErrorCode.IN_USE, f"NICs are on network {network}")
            self._store.execute("DELETE FROM network WHERE host = ? AND id = ?", self._host.id, network)

    def list_networks(self) -> list[NetworkReport]:
        rows = self._store.rows("SELECT * FROM network WHERE host = ? ORDER BY id", self._host.id)
        return [self._report(row) for row in rows]

    def apply_router(self, router: str, generation: int, config: RouterConfig) -> RouterApplied:
        if generation < 1:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'generation' begins with 1")
        with self._store.transaction():
            self._check_interfaces(self._router(router), config)
            encoded = json.dumps(config, default=vars, separators=(",", ":"))
            known = self._store.row("SELECT * FROM router WHERE id = ?", router)
            changed = _differences(known["config"] if known else "{}", encoded)
            if known is not None and generation < known["generation"]:
                raise Refusal(
                    ErrorCode.OUTDATED_GENERATION,
                    f"router {router} has generation {known['generation']}, not {generation}",
                )
            if known is not None and generation == known["generation"]:
                if changed:
                    raise Refusal(
                        ErrorCode.ALREADY_EXISTS,
                        f"generation {generation} of router {router} differs in {', '.join(changed)}",
                    )
                return RouterApplied(generation, [])
            self._save_router(router, generation, config, encoded)
            return RouterApplied(generation, changed)

    def remove_router(self, router: str) -> None:
        if self._instances.here(router) is not None:
            self._store.execute("DELETE FROM router WHERE id = ?", router)

    def describe_router(self, router: str) -> RouterReport:
        self._router(router)
        row = self._store.row("SELECT * FROM router WHERE id = ?", router)
        if row is None:
            return RouterReport(router, 0, ROUTER_VERSION, "UNKNOWN")
        config = _read(row)
        shown = replace(config, metadata=[replace(each, user_data=None, password=None) for each in config.metadata])
        return RouterReport(router, row["generation"], ROUTER_VERSION, self._redundancy_state(row), shown)

    def router_health(self, router: str, fresh: bool) -> list[HealthCheck]:
        spec = read_spec(self._router(router))
        row = self._store.row("SELECT * FROM router WHERE id = ?", router)
        config = _read(row) if row is not None else RouterConfig(spec.hostname)
        now = self._store.clock()
        use = figures.of_instance(spec, now, 0.0)
        gateways = [each for each in config.interfaces if each.traffic == "Public" and not each.gateway]
        networks = {each.network for each in config.interfaces}
        stray = [each.ip for each in config.dhcp if each.network not in networks]
        empty = [each.id for each in config.load_balancers if not each.members]
        checks = [
            ("connectivity.test", "basic", row is not None, "" if row is not None else "no configuration is applied"),
            ("disk.space.check", "basic", True, "free space is sufficient"),
            ("cpu.usage", "basic", use.cpu_percent < 95, f"CPU usage {use.cpu_percent:.1f} %"),
            ("memory.usage", "basic", True, f"{use.memory_used_bytes * 100 // use.memory_bytes} % of memory is used"),
            ("dhcp_check", "advanced", not stray, f"no interface for {', '.join(stray)}" if stray else ""),
            ("dns_check", "advanced", bool(config.dns_servers) or not config.dns, ""),
            ("gateways_check", "advanced", not gateways, "".join(f"{each.ip} has no gateway" for each in gateways)),
            ("haproxy_check", "advanced", not empty, f"no members: {', '.join(empty)}" if empty else ""),
            ("iptables_check", "advanced", True, f"{len(config.firewall)} firewall rules"),
        ]
        # Without `fresh` they are the results of the last whole interval of ten minutes, as a scheduled check leaves
        # them.
        checked_at = now if fresh else now - now % 600
        return [HealthCheck(name, _kind(kind), success, checked_at, details) for name, kind, success, details in checks]

    def router_statistics(self, router: str) -> RouterStatistics:
        started_at = self._router(router)["started_at"]
        row = self._store.row("SELECT * FROM router WHERE id = ?", router)
        if row is None:
            return RouterStatistics({})
        seconds = max(0.0, self._store.clock() - started_at)
        public = [each for each in _read(row).interfaces if each.traffic == "Public"]
        ips = [ip for each in public for ip in (each.ip, *each.addresses)]
        return RouterStatistics({ip: figures.of_traffic(router + ip, seconds) for ip in ips})

    def _save_router(self, router: str, generation: int, config: RouterConfig, encoded: str) -> None:
        redundancy = config.redundancy
        self._store.execute("DELETE FROM router WHERE id = ?", router)
        self._store.insert(
            "router",
            id=router,
            generation=generation,
            config=encoded,
            redundancy_group=redundancy.group if redundancy else None,
            redundancy_ip=redundancy.guest_ip if redundancy else None,
            redundancy_priority=redundancy.priority if redundancy else None,
            applied_at=self._store.clock(),
        )

    def _router(self, router: str) -> sqlite3.Row:
        row = self._instances.running(router)
        if row["kind"] != "DomainRouter":
            raise Refusal(ErrorCode.NOT_FOUND, f"Instance {router} is not a router")
        return row

    @staticmethod
    def _check_interfaces(row: sqlite3.Row, config: RouterConfig) -> None:
        nics = {nic.id: nic for nic in read_spec(row).nics}
        for each in config.interfaces:
            nic = nics.get(each.nic)
            if nic is None or nic.network != each.network:
                raise Refusal(
                    ErrorCode.NOT_FOUND, f"router {row['id']} has no NIC {each.nic} on network {each.network}"
                )

    def _redundancy_state(self, row: sqlite3.Row) -> Literal["PRIMARY", "BACKUP", "UNKNOWN"]:
        if row["redundancy_group"] is None:
            return "UNKNOWN"
        # Of equals the one with the lower id leads, as VRRP takes the address for it.
        leader = self._store.row(
            "SELECT id FROM router WHERE redundancy_group = ? AND redundancy_ip = ?"
            " ORDER BY redundancy_priority DESC, id LIMIT 1",
            row["redundancy_group"],
            row["redundancy_ip"],
        )
        return "PRIMARY" if leader is not None and leader["id"] == row["id"] else "BACKUP"

    def _row(self, network: str) -> Optional[sqlite3.Row]:
        return self._store.row("SELECT * FROM network WHERE host = ? AND id = ?", self._host.id, network)

    def _nics(self, network: str) -> int:
        row = self._store.row(
            "SELECT count(*) AS number FROM nic WHERE host = ? AND network = ?", self._host.id, network
        )
        assert row is not None
        return int(row["number"])

    def _report(self, row: sqlite3.Row) -> NetworkReport:
        return NetworkReport(row["id"], _bridge(row), row["isolation"], row["tag"], self._nics(row["id"]))


def _differences(had: str, wanted: str) -> list[str]:
    """The parts in which one configuration, as JSON, is not the other."""
    if had == wanted:
        return []
    before: dict[str, Any] = json.loads(had)
    return [name for name, part in json.loads(wanted).items() if before.get(name) != part]


def _check_tag(network: NetworkSpec) -> None:
    largest = LARGEST_TAG.get(network.isolation)
    if largest is None:
        if network.tag is not None:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'network.tag' must be null without isolation")
    elif network.tag is None or not 1 <= network.tag <= largest:
        raise Refusal(
            ErrorCode.BAD_ARGUMENT,
            f"'network.tag' of a {network.isolation} must be from 1 to {largest}, not {network.tag}",
        )


def _bridge(row: sqlite3.Row) -> str:
    label = row["label"] or "cloudbr0"
    if row["isolation"] == "NONE":
        return str(label)
    return f"{TUNNELS.get(row['isolation'], f'br{label}')}-{row['tag']}"


def _read(row: sqlite3.Row) -> RouterConfig:
    config: RouterConfig = decode(RouterConfig, json.loads(row["config"]), "config")
    return config


def _kind(kind: str) -> Literal["basic", "advanced"]:
    return "basic" if kind == "basic" else "advanced"
