"""What verbs work on: the drivers of one host, and the request that is being answered."""

import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional, TypeVar

from agents.hypervisors.base import Hypervisor
from agents.network.base import Network
from agents.protocol import ErrorCode, Refusal
from agents.simulation import Simulation
from agents.storage.base import PrimaryStorage, SecondaryStorage

Driver = TypeVar("Driver")


@dataclass(frozen=True)
class Machine:
    """The drivers of one host. A host of secondary storage alone has no hypervisor, only simulated ones a
    `simulation`."""

    hypervisor: Optional[Hypervisor] = None
    primary: Optional[PrimaryStorage] = None
    secondary: Optional[SecondaryStorage] = None
    network: Optional[Network] = None
    simulation: Optional[Simulation] = None


@dataclass
class Call:
    """One request on its way. Long work calls `progress`, which is also where a cancelled or overdue request ends."""

    machine: Machine
    request_id: str
    expires_at: Optional[float] = None
    report: Optional[Callable[[float, str], None]] = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def hypervisor(self) -> Hypervisor:
        return _present(self.machine.hypervisor, "hypervisor")

    @property
    def primary(self) -> PrimaryStorage:
        return _present(self.machine.primary, "primary storage")

    @property
    def secondary(self) -> SecondaryStorage:
        return _present(self.machine.secondary, "secondary storage")

    @property
    def network(self) -> Network:
        return _present(self.machine.network, "networks")

    @property
    def simulation(self) -> Simulation:
        return _present(self.machine.simulation, "simulation")

    def require(self, capability: str) -> None:
        if not getattr(self.hypervisor.capabilities, capability):
            raise Refusal(ErrorCode.CAPABILITY_MISSING, f"this hypervisor lacks {capability.replace('_', ' ')}")

    def progress(self, percent: float, text: str = "") -> None:
        self.check()
        if self.report is not None:
            self.report(percent, text)

    def remaining(self) -> Optional[float]:
        """Seconds until the deadline, where there is one."""
        return None if self.expires_at is None else max(0.0, self.expires_at - time.monotonic())

    def check(self) -> None:
        """Raises Refusal(cancelled, deadline_exceeded) where there is no use in going on."""
        if self.cancelled.is_set():
            raise Refusal(ErrorCode.CANCELLED, "cancelled by the sender")
        if self.expires_at is not None and time.monotonic() >= self.expires_at:
            raise Refusal(ErrorCode.DEADLINE_EXCEEDED, "not finished before the deadline")


def _present(driver: Optional[Driver], what: str) -> Driver:
    if driver is None:
        raise Refusal(ErrorCode.CAPABILITY_MISSING, f"this host has no {what}")
    return driver
