"""Puts simulated hosts together."""

import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from agents.agent import Agent, InFlight, Send
from agents.hypervisors.simulator.hardware import Host
from agents.hypervisors.simulator.hypervisor import SimulatedHypervisor
from agents.hypervisors.simulator.instances import Instances
from agents.hypervisors.simulator.network import SimulatedNetwork
from agents.hypervisors.simulator.pools import SimulatedPrimaryStorage
from agents.hypervisors.simulator.secondary import SimulatedSecondaryStorage
from agents.hypervisors.simulator.simulation import Range, SimulatedHostControl
from agents.hypervisors.simulator.store import Store, StoredMemory
from agents.machine import Machine
from agents.storage.base import SecondaryStorage
from agents.storage.stores import SecondaryStores


@dataclass(frozen=True)
class Location:
    """A simulated host: `id` is its UUID at the server, `url` names its hardware."""

    id: str
    url: str = "http://sim/c0/h0"
    range: Range = field(default_factory=Range)


class Simulator:
    """All simulated hosts of one state file. They exist from the first contact, and cost nothing between two requests.

    Secondary storage of the scheme `file` is served by `directory`, any other is simulated, with downloads of
    `download_seconds`."""

    def __init__(
        self,
        path: str,
        download_seconds: float = 1.0,
        directory: Optional[SecondaryStorage] = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = Store(path, clock)
        self._memory = StoredMemory(self._store)
        self._in_flight = InFlight()
        simulated = SimulatedSecondaryStorage(self._store, download_seconds)
        self._secondary = SecondaryStores({"file": directory} if directory is not None else {}, simulated)

    def agent(self, location: Location) -> Agent:
        host = Host(self._store, location.id, location.url)
        instances = Instances(host, self._secondary)
        primary = SimulatedPrimaryStorage(host, self._secondary)
        control = SimulatedHostControl(host, instances, location.range)
        machine = Machine(
            SimulatedHypervisor(host, instances, primary),
            primary,
            self._secondary,
            SimulatedNetwork(host, instances),
            control,
        )
        return Agent(machine, self._memory, control.intercept, self._in_flight)

    def handle(self, location: Location, text: str, send: Optional[Send] = None) -> str:
        """One request to one host. Raises ConnectionError where it has no power."""
        return self.agent(location).handle(text, send)

    def close(self) -> None:
        self._store.close()
