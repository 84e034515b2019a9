"""The contract of simulated hosts beyond a host's own: faults to order, and things that happen behind the server's
back."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Fault:
    """The next `count` requests called `name`, or all where it is null, in the zone, pod, cluster or host with these
    numbers.

    `name` is a verb (`instance.start`) or CloudStack's agent command (`StartCommand`). `value` holds pairs, parted by
    `|` or `;`: `wait:MILLISECONDS`, `result:fail` (refused), `result:fault` (breaks down), `timeout` (no answer
    before the deadline), `timeout:MILLISECONDS`. `json_response` is answered in place of doing anything."""

    id: int
    zone: Optional[int]
    pod: Optional[int]
    cluster: Optional[int]
    host: Optional[int]
    name: str
    value: str
    count: Optional[int]
    json_response: Optional[str]


@dataclass(frozen=True)
class Availability:
    """How the host answers to the investigations of high availability, as configureSimulatorHAProviderState sets it."""

    health: bool = True
    activity: bool = True
    recover: bool = True
    fence: bool = True


class Simulation(ABC):
    @abstractmethod
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
        """Replaces a fault of the same name and range."""

    @abstractmethod
    def query(self, fault: int) -> Fault: ...

    @abstractmethod
    def list_faults(self) -> list[Fault]: ...

    @abstractmethod
    def cleanup(self, fault: int) -> None: ...

    @abstractmethod
    def stop_instance(self, instance: str) -> None:
        """The guest shuts itself down: PowerOff in the next report, and its capacity is free."""

    @abstractmethod
    def crash(self) -> None:
        """The host loses power: its Instances end, and it answers nothing but `simulator.recover`."""

    @abstractmethod
    def recover(self) -> None: ...

    @abstractmethod
    def set_availability(self, availability: Availability) -> None: ...

    @abstractmethod
    def availability(self) -> Availability: ...
