"""Routers that get another offering, or are all restarted at once."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.jobs import locks
from cloudapi.models.common import AsyncJob
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering

KIND = "DomainRouter"


def change_offering(context: Context, machine: Machine, offering: ServiceOffering) -> Machine:
    """Give a stopped router another system offering. Within a transaction.

    :raises InvalidParameter: the offering is not for systems, the router is not stopped, or its disk lies elsewhere.
    """
    if machine.service_offering_id == offering.id:
        return machine
    if not offering.system_use:
        raise InvalidParameter(f"Cannot upgrade router vm to a non system service offering {offering.uuid}")
    if machine.state != "Stopped":
        raise InvalidParameter(f"Unable to upgrade router {machine.uuid} in state {machine.state}; make sure the "
                               "router is stopped and not in an error state before upgrading.")
    before = DiskOffering.get_by_id(ServiceOffering.get_by_id(machine.service_offering_id).disk_offering_id)
    after = DiskOffering.get_by_id(offering.disk_offering_id)
    if bool(before.use_local_storage) != bool(after.use_local_storage):
        raise InvalidParameter(f"Can't upgrade router {machine.uuid}: the offering {offering.uuid} wants another "
                               "kind of storage (local or shared) than its disk is on")
    Machine.update(service_offering=offering.id, cpu=offering.cpu or machine.cpu, speed=offering.speed or machine.speed,
                   memory=offering.memory or machine.memory).where(Machine.id == machine.id).execute()
    return Machine.get_by_id(machine.id)


def begin(context: Context, *, router: Machine | None, cluster: Cluster | None, pod: Pod | None, zone: Zone | None,
          account: Account | None, domain: Domain | None) -> list[str]:
    """Write a job for each router that is to be restarted; returns their ids. Within a transaction.

    :raises InvalidParameter: not exactly one place or router is named.
    """
    named = [item for item in (router, cluster, pod, zone, domain) if item is not None]
    if len(named) != 1:
        raise InvalidParameter("Specify exactly one of id, clusterid, podid, zoneid and domainid (with account)")
    if router is not None:
        found = [router]
    else:
        query = Machine.alive(Machine.kind == KIND, Machine.state == "Running")
        if cluster is not None:
            query = query.where(Machine.host.in_(Host.select(Host.id).where(Host.cluster == cluster.id)))
        if pod is not None:
            query = query.where(Machine.pod_id == pod.id)
        if zone is not None:
            query = query.where(Machine.zone == zone.id)
        if account is not None:
            query = query.where(Machine.account_id == account.id)
        elif domain is not None:
            query = query.where(Machine.domain_id == domain.id)
        found = list(query.order_by(Machine.id))
    return [_job(context, machine) for machine in found]


def _job(context: Context, machine: Machine) -> str:
    """Write the job of a reboot by a stop and a start."""
    caller = context.caller
    job = AsyncJob.create(
        user_id=caller.user_id, account_id=caller.account_id, domain_id=caller.domain_id, command="rebootRouter",
        parameters={"id": machine.uuid, "forced": "true"}, locks=[locks.key(machine)], request_id=context.request_id,
        resource_type=KIND, resource_id=machine.id, resource_uuid=machine.uuid)
    context.after.append(lambda: context.installation.jobs.submit(job.id))
    return str(job.uuid)
