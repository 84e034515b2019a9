"""The states of snapshots of volumes."""

from __future__ import annotations

from cloudapi.models.storage import Snapshot
from cloudapi.states.base import StateMachine, govern

SNAPSHOT = govern(Snapshot, StateMachine("Snapshot", (
    ("Allocated", "CreateRequested", "Creating"),
    ("Creating", "OperationSucceeded", "CreatedOnPrimary"),
    ("Creating", "OperationNotPerformed", "BackedUp"),
    ("Creating", "OperationFailed", "Error"),
    ("CreatedOnPrimary", "BackupToSecondary", "BackingUp"),
    ("CreatedOnPrimary", "OperationNotPerformed", "BackedUp"),
    ("BackingUp", "OperationSucceeded", "BackedUp"),
    ("BackingUp", "OperationFailed", "Error"),
    ("BackingUp", "OperationNotPerformed", "BackedUp"),
    ("BackedUp", "DestroyRequested", "Destroying"),
    ("BackedUp", "CopyingRequested", "Copying"),
    ("BackedUp", "BackupToSecondary", "BackingUp"),
    ("Copying", "OperationSucceeded", "BackedUp"),
    ("Copying", "OperationFailed", "BackedUp"),
    ("Destroying", "OperationSucceeded", "Destroyed"),
    ("Destroying", "OperationFailed", "BackedUp"),
    ("Destroying", "DestroyRequested", "Destroying"),
    ("BackingUp", "BackupToSecondary", "BackingUp"),
)))
