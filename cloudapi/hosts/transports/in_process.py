"""Simulated hosts, in the process of the server. The messages are the same as on any other way."""

from agents.hypervisors.simulator import Location, Simulator
from agents.hypervisors.simulator.simulation import Range
from agents.protocol import Progress, read_reply
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.transports.base import OnProgress, Transport


class InProcessTransport(Transport):
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def send(self, address: HostAddress, request: str, timeout: float, on_progress: OnProgress | None) -> str:
        where = Range(address.zone_id, address.pod_id, address.cluster_id, address.id)
        location = Location(address.uuid, address.url, where)

        def deliver(text: str) -> None:
            reply = read_reply(text)
            if on_progress is not None and isinstance(reply, Progress):
                on_progress(reply)

        return self._simulator.handle(location, request, deliver)

    def close(self) -> None:
        self._simulator.close()
