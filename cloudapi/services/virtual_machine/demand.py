"""What a machine asks of a place, from its record: size, tags, architecture, volumes."""

from __future__ import annotations

from cloudapi.context import ADMIN, Context
from cloudapi.models.identity import Account, Role
from cloudapi.models.machine import Machine
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import Template
from cloudapi.placement.demand import Demand
from cloudapi.placement.tag import split
from cloudapi.services.volume import disk


def strict_tags(context: Context, *tags: str | None) -> tuple[str, ...]:
    """Return those of the tags that count even where the caller names the host."""
    strict = set(split(context.settings.get("vm.strict.host.tags")))
    if context.settings.get("vm.strict.resource.limit.host.tag.check"):
        strict.update(split(context.settings.get("resource.limit.host.tags")))
    return tuple(tag for text in tags for tag in split(text) if tag in strict)


def tags_of(context: Context, offering: ServiceOffering,
            template: Template | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `(tags, strict tags)` that hosts must have for an offering and a template.

    A template's tag counts where it is strict; an offering's tags always do.
    """
    of_template = template.template_tag if template is not None else None
    strict = strict_tags(context, offering.host_tag, of_template)
    return tuple(dict.fromkeys((*split(offering.host_tag), *strict))), strict


def may_use_disabled(context: Context, machine: Machine) -> bool:
    """Whether disabled zones, pods, clusters and hosts will do: for root admins and routers, where settings say so."""
    if machine.kind == "DomainRouter":
        return bool(context.settings.get("allow.router.on.disabled.resources"))
    if machine.kind != "User" or not context.settings.get("allow.admin.vm.on.disabled.resources"):
        return False
    owner = Account.get_by_id(machine.account_id)
    role = Role.get_or_none(Role.id == owner.role_id)
    return role is not None and role.role_type == ADMIN


def of(context: Context, machine: Machine, *, offering: ServiceOffering | None = None,
       template: Template | None = None, size: tuple[int, int, int] | None = None, volumes: bool = True) -> Demand:
    """Return what the machine needs.

    :param offering: one that it shall change to; `template` likewise.
    :param size: `(cores, MHz, MiB)` that it shall change to.
    :param volumes: with its volumes; without for a move that takes them along.
    """
    found = template or (machine.template if machine.template_id is not None else None)
    tags, strict = tags_of(context, offering or machine.service_offering, found)
    cpu, speed, memory = size or (machine.cpu, machine.speed, machine.memory)
    return Demand(
        machine_id=machine.id, name=machine.instance_name, zone_id=machine.zone_id, account_id=machine.account_id,
        hypervisor=machine.hypervisor_type, arch=machine.arch, cpu=cpu, speed=speed, memory=memory, kind=machine.kind,
        host_tags=tags, strict_tags=strict, uefi=machine.boot_type == "UEFI",
        on_disabled=may_use_disabled(context, machine), volumes=disk.demands(machine) if volumes else ())
