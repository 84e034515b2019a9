"""The states of networks and NICs."""

from __future__ import annotations

from cloudapi.models.network import Network, Nic
from cloudapi.states.base import StateMachine, govern

NETWORK = govern(Network, StateMachine("Network", (
    ("Allocated", "ImplementNetwork", "Implementing"),
    ("Implementing", "OperationSucceeded", "Implemented"),
    ("Implementing", "OperationFailed", "Shutdown"),
    ("Implemented", "DestroyNetwork", "Shutdown"),
    ("Shutdown", "OperationSucceeded", "Allocated"),
    ("Shutdown", "OperationFailed", "Shutdown"),
    ("Setup", "DestroyNetwork", "Destroy"),
    ("Allocated", "DestroyNetwork", "Destroy"),
)))

NIC = govern(Nic, StateMachine("Nic", (
    ("Allocated", "ReservationRequested", "Reserving"),
    ("Reserving", "CancelRequested", "Allocated"),
    ("Reserving", "OperationCompleted", "Reserved"),
    ("Reserving", "OperationFailed", "Allocated"),
    ("Reserved", "ReleaseRequested", "Releasing"),
    ("Releasing", "OperationCompleted", "Allocated"),
    ("Releasing", "OperationFailed", "Reserved"),
)))
