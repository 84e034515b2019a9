"""What this installation can do, as clients ask before they offer it."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.identity import Domain
from cloudapi.models.storage import ImageStore

API_VERSION = "4.23.0.0"


def capabilities(context: Context, domain: Domain | None) -> dict[str, Any]:
    """Return the capabilities for the caller; `domain` is asked for instead of the caller's own."""
    settings, caller = context.settings, context.caller
    own = {"account": caller.account_id, "domain": caller.domain_id}
    found: dict[str, Any] = {
        # No network has them: createNetwork refuses offerings with that service.
        "securitygroupsenabled": False,
        "dynamicrolesenabled": True,
        "supportELB": "false",
        "userpublictemplateenabled": settings.get("allow.public.user.templates", **own),
        "projectinviterequired": settings.get("project.invite.required"),
        "allowusercreateprojects": settings.get("allow.user.create.projects"),
        "customdiskofferingminsize": settings.get("custom.diskoffering.size.min"),
        "customdiskofferingmaxsize": settings.get("custom.diskoffering.size.max"),
        "regionsecondaryenabled": ImageStore.alive(ImageStore.scope == "REGION").exists(),
        "kvmsnapshotenabled": settings.get("kvm.snapshot.enabled"),
        "snapshotshowchainsize": settings.get("snapshot.show.chain.size"),
        "allowuserviewalldomainaccounts": settings.get(
            "allow.user.view.all.domain.accounts", domain=domain.id if domain is not None else caller.domain_id),
        # Kubernetes clusters are not part of this server, whatever their settings say.
        "kubernetesserviceenabled": False,
        "kubernetesclusterexperimentalfeaturesenabled": False,
        "defaultuipagesize": settings.get("default.ui.page.size"),
        "instancesstatsretentiontime": settings.get("vm.stats.max.retention.time"),
        "instancesstatsuseronly": settings.get("vm.stats.user.vm.only"),
        "instancesdisksstatsretentionenabled": settings.get("vm.disk.stats.retention.enabled"),
        "instancesdisksstatsretentiontime": settings.get("vm.disk.stats.max.retention.time"),
        "instanceleaseenabled": settings.get("instance.lease.enabled"),
        "dynamicscalingenabled": settings.get("enable.dynamic.scale.vm"),
        "additionalconfigenabled": settings.get("enable.additional.vm.configuration", **own),
    }
    for field, name in (("allowuserviewdestroyedvm", "allow.user.view.destroyed.vm"),
                        ("allowuserexpungerecovervm", "allow.user.expunge.recover.vm"),
                        ("allowuserexpungerecovervolume", "allow.user.expunge.recover.volume"),
                        ("allowuserforcestopvm", "allow.user.force.stop.vm")):
        found[field] = caller.is_admin or settings.get(name, **own)
    if settings.get("expose.cloudstack.version.api.list.capabilities"):
        found["cloudstackversion"] = API_VERSION
    if settings.get("api.throttling.enabled"):
        found["apilimitinterval"] = settings.get("api.throttling.interval")
        found["apilimitmax"] = settings.get("api.throttling.max")
    for field, name in (("sharedfsvmmincpucount", "sharedfsvm.min.cpu.count"),
                        ("sharedfsvmminramsize", "sharedfsvm.min.ram.size"),
                        ("customhypervisordisplayname", "hypervisor.custom.display.name")):
        found[field] = settings.get(name)
    return {name: value for name, value in found.items() if value is not None}
