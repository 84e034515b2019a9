"""ISOs in the drives of Instances."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Template
from cloudapi.services.host import agent
from cloudapi.services.template import image

DRIVES = 1


def _check(machine: Machine) -> None:
    if machine.kind != "User":
        raise InvalidParameter(f"Unable to find an Instance with id {machine.uuid}")
    if machine.state not in ("Running", "Stopped"):
        raise InvalidParameter("Please specify an instance that is either Stopped or Running.")


def attach(context: Context, machine: Machine, iso: Template, forced: bool) -> Machine:
    """Put an ISO into the drive of an Instance, running or not; a job's work.

    :param forced: take out the one that is in it.
    :raises InvalidParameter: it is no ISO, not in the zone, there already, or the drive is taken.
    """
    machine = Machine.get_by_id(machine.id)
    _check(machine)
    if iso.format != "ISO" or iso.removed is not None:
        raise InvalidParameter(f"Unable to find an ISO with id {iso.uuid}")
    if not image.ready(iso, machine.zone_id):
        raise InvalidParameter("ISO is not available in the zone the instance is in.")
    before = context.steps.run("read drive", lambda: machine.iso_id)
    if before == iso.id:
        raise InvalidParameter("The specified ISO is already attached to this Instance.")
    if before is not None and not forced:
        raise InvalidParameter(f"Instance has reached the maximum of {DRIVES} attached CD-ROM(s); detach one before "
                               "attaching another.")
    if before is not None:
        _take_out(context, machine, before)
    if machine.state == "Running":
        host = Host.get_by_id(machine.host_id)
        context.steps.remote(
            "attach", lambda request_id: agent.call(
                context, host, "instance.attach_iso",
                {"instance": machine.uuid, "iso": image.iso_spec(iso, machine.zone_id)}, request_id=request_id),
            undo=lambda _: agent.call(context, host, "instance.detach_iso", {"instance": machine.uuid}))
    context.steps.run("note", lambda: _note(machine, iso.id))
    return Machine.get_by_id(machine.id)


def detach(context: Context, machine: Machine, iso: Template | None, forced: bool) -> Machine:
    """Empty the drive of an Instance; a job's work.

    :param iso: the one that is expected to be in it.
    :param forced: also where the host does not do it: the Instance is without it from its next start.
    :raises InvalidParameter: there is none in it, or another one.
    """
    machine = Machine.get_by_id(machine.id)
    _check(machine)
    before = context.steps.run("read drive", lambda: machine.iso_id)
    if before is None:
        raise InvalidParameter("The specified instance has no ISO attached to it.")
    if iso is not None and iso.id != before:
        raise InvalidParameter("The specified ISO is not attached to this Instance.")
    _take_out(context, machine, before, forced)
    return Machine.get_by_id(machine.id)


def _take_out(context: Context, machine: Machine, iso_id: int, forced: bool = False) -> None:
    if machine.state == "Running":
        host = Host.get_by_id(machine.host_id)

        def eject(request_id: str) -> None:
            try:
                agent.call(context, host, "instance.detach_iso", {"instance": machine.uuid}, request_id=request_id)
            except agent.HostRefused:
                if not forced:
                    raise

        def put_back(_: object) -> None:
            iso = image.iso_spec(Template.get_by_id(iso_id), machine.zone_id)
            agent.call(context, host, "instance.attach_iso", {"instance": machine.uuid, "iso": iso})

        context.steps.remote("detach", eject, undo=put_back)
    context.steps.run("note empty", lambda: _note(machine, None), undo=lambda _: _note(machine, iso_id))


def _note(machine: Machine, iso_id: int | None) -> None:
    Machine.update(iso_id=iso_id).where(Machine.id == machine.id).execute()
