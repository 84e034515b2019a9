"""The states of primary storage pools."""

from __future__ import annotations

from cloudapi.models.storage import StoragePool
from cloudapi.states.base import StateMachine, govern

STORAGE_POOL = govern(StoragePool, StateMachine("StoragePool", (
    ("Initialized", "Attached", "Up"),
    ("Up", "DisableRequested", "Disabled"),
    ("Disabled", "EnableRequested", "Up"),
    ("Up", "MaintenanceRequested", "PrepareForMaintenance"),
    ("ErrorInMaintenance", "MaintenanceRequested", "PrepareForMaintenance"),
    ("PrepareForMaintenance", "OperationSucceeded", "Maintenance"),
    ("PrepareForMaintenance", "OperationFailed", "ErrorInMaintenance"),
    ("Maintenance", "CancelRequested", "CancelMaintenance"),
    ("ErrorInMaintenance", "CancelRequested", "CancelMaintenance"),
    ("CancelMaintenance", "OperationSucceeded", "Up"),
    ("CancelMaintenance", "OperationFailed", "ErrorInMaintenance"),
    ("Maintenance", "Deleted", "Removed"),
    ("Initialized", "Deleted", "Removed"),
)))
