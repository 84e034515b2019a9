"""Jobs that the system starts by itself: the same commands as clients', with their locks, steps and recovery."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.models.base import new_uuid
from cloudapi.models.common import AsyncJob
from cloudapi.models.machine import Machine

IN_PROGRESS = 0


def busy(machine: Machine) -> bool:
    """Whether a job has the machine in hand, or waits for it."""
    return bool(AsyncJob.select().where(AsyncJob.resource_uuid == machine.uuid,
                                        AsyncJob.status == IN_PROGRESS).exists())


def waiting(context: Context, command: str) -> int:
    """Return how many jobs of this command the system has started that have not ended."""
    system = context.installation.callers.system()
    return int(AsyncJob.select().where(AsyncJob.command == command, AsyncJob.status == IN_PROGRESS,
                                       AsyncJob.user_id == system.user_id).count())


def submit(context: Context, command: str, machine: Machine, **parameters: str) -> bool:
    """Start a job on a machine as the system. Returns False where one is under way already."""
    if busy(machine):
        return False
    context.installation.dispatcher.handle(
        {"command": command, "id": machine.uuid, **parameters}, context.installation.callers.system(), new_uuid())
    return True
