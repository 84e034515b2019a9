"""Puts the client together with its transports."""

from agents.hypervisors.simulator import Simulator
from agents.storage.directory import DirectorySecondaryStorage
from cloudapi.hosts.client import HostClient
from cloudapi.hosts.transports.in_process import InProcessTransport


def open_client(simulator_state: str, download_seconds: float = 1.0) -> HostClient:
    """A client for simulated hosts, whose state is kept in the file `simulator_state` (made if it is missing).

    `download_seconds` is how long the downloads of simulated secondary storage take.
    """
    simulator = Simulator(simulator_state, download_seconds, DirectorySecondaryStorage())
    return HostClient({"Simulator": InProcessTransport(simulator)})
