"""Faults on order, and what happens to simulated hosts behind the server's back."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Optional

from agents.codec import decode, encode
from agents.hypervisors.simulator.commands import COMMANDS, NAMES
from agents.hypervisors.simulator.hardware import Host
from agents.hypervisors.simulator.instances import Instances
from agents.machine import Call
from agents.protocol import ErrorCode, Refusal, Request
from agents.simulation import Availability, Fault, Simulation

# How long a request without a deadline of its own hangs in a `timeout` that names no time.
HANG_SECONDS = 60.0
# Still answered by a host without power.
UNPOWERED_VERBS = frozenset({"simulator.recover"})

MATCH = (
    "SELECT * FROM fault WHERE name IN ({marks}) AND (count IS NULL OR count > 0) AND (zone IS NULL OR zone = ?)"
    " AND (pod IS NULL OR pod = ?) AND (cluster IS NULL OR cluster = ?) AND (host IS NULL OR host = ?)"
    " ORDER BY id LIMIT 1"
)


@dataclass(frozen=True)
class Range:
    """Where a simulated host stands, in the server's numbers."""

    zone: Optional[int] = None
    pod: Optional[int] = None
    cluster: Optional[int] = None
    host: Optional[int] = None


class SimulatedHostControl(Simulation):
    def __init__(self, host: Host, instances: Instances, where: Range) -> None:
        self._host = host
        self._store = host.store
        self._instances = instances
        self._where = where

    def intercept(self, call: Call, request: Request) -> Optional[dict[str, Any]]:
        """Does what was ordered for this request; a result is answered in place of the verb's. Raises
        ConnectionError: no power."""
        if request.verb not in UNPOWERED_VERBS:
            row = self._store.row("SELECT powered FROM host WHERE id = ?", self._host.id)
            if row is not None and not row["powered"]:
                raise ConnectionError("the host has no power")
        if request.verb.startswith("simulator."):
            return None
        fault = self._take_fault(request.verb)
        return None if fault is None else _carry_out(fault, call)

    def configure(
        self,
        name: str,
        value: str,
        zone: Optional[int],
        pod: Optional[int],
        cluster: Optional[int],
        host: Optional[int],
        count: Optional[int],
        json_response: Optional[str],
    ) -> Fault:
        if name not in NAMES and name not in COMMANDS:
            raise Refusal(
                ErrorCode.BAD_ARGUMENT, f"'name' {name!r:.80} is neither a verb nor an agent command that is simulated"
            )
        if count is not None and count < 0:
            raise Refusal(ErrorCode.BAD_ARGUMENT, "'count' must not be negative")
        _pairs(value)
        if json_response is not None:
            _response(json_response)
        with self._store.transaction():
            self._store.execute(
                "DELETE FROM fault WHERE name = ? AND zone IS ? AND pod IS ? AND cluster IS ? AND host IS ?",
                name,
                zone,
                pod,
                cluster,
                host,
            )
            number = self._store.insert(
                "fault",
                zone=zone,
                pod=pod,
                cluster=cluster,
                host=host,
                name=name,
                value=value,
                count=count,
                json_response=json_response,
            )
        return self.query(number)

    def query(self, fault: int) -> Fault:
        row = self._store.row("SELECT * FROM fault WHERE id = ?", fault)
        if row is None:
            raise Refusal(ErrorCode.NOT_FOUND, f"there is no fault {fault}")
        return _fault(row)

    def list_faults(self) -> list[Fault]:
        return [_fault(row) for row in self._store.rows("SELECT * FROM fault ORDER BY id")]

    def cleanup(self, fault: int) -> None:
        if not self._store.execute("DELETE FROM fault WHERE id = ?", fault):
            raise Refusal(ErrorCode.NOT_FOUND, f"there is no fault {fault}")

    def stop_instance(self, instance: str) -> None:
        with self._store.transaction():
            self._instances.running(instance)
            self._instances.let_go(instance)
            self._store.execute("UPDATE instance SET state = 'PowerOff' WHERE id = ? AND incoming = 0", instance)

    def crash(self) -> None:
        with self._store.transaction():
            self._host.row()
            for row in self._instances.all_here():
                self._instances.forget(row["id"])
            # A host that boots has no bridges, and no pool until the server attaches it again.
            for table in ("instance", "network", "pool_host"):
                self._store.execute(f"DELETE FROM {table} WHERE host = ?", self._host.id)
            self._store.execute("UPDATE host SET powered = 0 WHERE id = ?", self._host.id)

    def recover(self) -> None:
        self._store.execute(
            "UPDATE host SET powered = 1, started_at = ? WHERE id = ? AND NOT powered",
            self._store.clock(),
            self._host.id,
        )

    def set_availability(self, availability: Availability) -> None:
        with self._store.transaction():
            self._host.row()
            text = json.dumps(encode(availability))
            self._store.execute("UPDATE host SET availability = ? WHERE id = ?", text, self._host.id)

    def availability(self) -> Availability:
        text = self._host.row()["availability"]
        found: Availability = decode(Availability, json.loads(text) if text else {}, "availability")
        return found

    def _take_fault(self, verb: str) -> Optional[Fault]:
        if self._store.row("SELECT 1 FROM fault LIMIT 1") is None:
            return None
        names = (verb, *COMMANDS.get(verb, ()))
        where = self._where
        with self._store.transaction():
            statement = MATCH.format(marks=", ".join("?" * len(names)))
            row = self._store.row(statement, *names, where.zone, where.pod, where.cluster, where.host)
            if row is None:
                return None
            if row["count"] is not None:
                self._store.execute("UPDATE fault SET count = count - 1 WHERE id = ?", row["id"])
            return _fault(row)


def _carry_out(fault: Fault, call: Call) -> Optional[dict[str, Any]]:
    pairs = _pairs(fault.value)
    if "wait" in pairs:
        _pause(call, int(pairs["wait"]) / 1000)
    if "timeout" in pairs:
        _pause(call, int(pairs["timeout"]) / 1000 if pairs["timeout"] else _remaining(call, HANG_SECONDS))
        raise Refusal(ErrorCode.DEADLINE_EXCEEDED, "Simulated timeout")
    if pairs.get("result") == "fail":
        raise Refusal(ErrorCode.FAILED, "Simulated failure")
    if pairs.get("result") == "fault":
        raise Refusal(ErrorCode.INTERNAL, "Simulated fault")
    return None if fault.json_response is None else _respond(_response(fault.json_response))


def _remaining(call: Call, most: float) -> float:
    remaining = call.remaining()
    return most if remaining is None else remaining


def _pause(call: Call, seconds: float) -> None:
    call.cancelled.wait(min(seconds, _remaining(call, seconds)))
    call.check()


def _pairs(value: str) -> dict[str, str]:
    """`wait:1000|result:fail` as a map. Raises Refusal(bad_argument)."""
    pairs = {}
    for part in value.replace(";", "|").split("|"):
        key, _, content = (text.strip().lower() for text in part.partition(":"))
        if key in ("fail", "fault"):
            key, content = "result", key
        good = {
            "wait": content.isdecimal(),
            "timeout": content.isdecimal() or not content,
            "result": content in ("fail", "fault", "success"),
        }
        if not good.get(key):
            known = "wait:MILLISECONDS, timeout, timeout:MILLISECONDS, result:fail, result:fault and result:success"
            raise Refusal(ErrorCode.BAD_ARGUMENT, f"'value' has the part {part!r:.80}; known are {known}")
        pairs[key] = content
    return pairs


def _response(text: str) -> dict[str, Any]:
    try:
        response = json.loads(text)
    except ValueError as error:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'json_response' is not JSON: {error}") from error
    if not isinstance(response, dict):
        raise Refusal(ErrorCode.BAD_ARGUMENT, "'json_response' must be an object")
    return response


def _respond(response: dict[str, Any]) -> Optional[dict[str, Any]]:
    """CloudStack's form is {"com.cloud.agent.api.XAnswer": {"result": …}}: failure becomes a refusal, success lets
    the verb do its work. Any other object is the verb's result."""
    wrapped = next(iter(response.values())) if len(response) == 1 and next(iter(response)).endswith("Answer") else None
    if not isinstance(wrapped, dict):
        return response
    if wrapped.get("result") is False:
        raise Refusal(ErrorCode.FAILED, str(wrapped.get("details") or "Simulated failure"))
    return None


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(**dict(row))
