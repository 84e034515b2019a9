"""The states of templates and of their copies on image stores and primary pools."""

from __future__ import annotations

from cloudapi.models.storage import Template, TemplatePool, TemplateStore, VolumeStore
from cloudapi.states.base import StateMachine, govern

TEMPLATE = govern(Template, StateMachine("Template", (
    ("NotUploaded", "OperationTimeout", "UploadAbandoned"),
    ("NotUploaded", "UploadRequested", "UploadInProgress"),
    ("NotUploaded", "OperationSucceeded", "Active"),
    ("NotUploaded", "OperationFailed", "UploadError"),
    ("UploadInProgress", "OperationSucceeded", "Active"),
    ("UploadInProgress", "OperationFailed", "UploadError"),
    ("UploadInProgress", "OperationTimeout", "UploadError"),
)))

STORED_COPY = govern(TemplateStore, StateMachine("ObjectInDataStore", (
    ("Allocated", "CreateOnlyRequested", "Creating"),
    ("Allocated", "DestroyRequested", "Destroying"),
    ("Allocated", "OperationFailed", "Failed"),
    ("Allocated", "OperationSucceeded", "Ready"),
    ("Creating", "OperationFailed", "Allocated"),
    ("Creating", "OperationSucceeded", "Ready"),
    ("Ready", "CopyingRequested", "Copying"),
    ("Copying", "OperationSucceeded", "Ready"),
    ("Copying", "OperationFailed", "Ready"),
    ("Ready", "DestroyRequested", "Destroying"),
    ("Destroying", "DestroyRequested", "Destroying"),
    ("Destroying", "OperationSucceeded", "Destroyed"),
    ("Destroying", "OperationFailed", "Destroying"),
    ("Destroyed", "DestroyRequested", "Destroyed"),
    ("Destroyed", "OperationSucceeded", "Destroyed"),
    ("Destroyed", "OperationFailed", "Destroyed"),
    ("Failed", "DestroyRequested", "Destroying"),
    ("Ready", "OperationSucceeded", "Ready"),
    ("Ready", "MigrateDataRequested", "Migrating"),
    ("Ready", "CopyRequested", "Copying"),
    ("Allocated", "MigrateDataRequested", "Migrating"),
    ("Migrating", "MigrationFailed", "Failed"),
    ("Migrating", "MigrationSucceeded", "Destroyed"),
    ("Migrating", "OperationSucceeded", "Ready"),
    ("Migrating", "OperationFailed", "Ready"),
    ("Hidden", "DestroyRequested", "Destroying"),
)))

govern(TemplatePool, STORED_COPY)
govern(VolumeStore, STORED_COPY)
