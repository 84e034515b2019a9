"""What the API shows of settings, capabilities and planners."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Column, Given, View
from cloudapi.models.infrastructure import HypervisorCapability
from cloudapi.settings import REGISTRY, Kind, Scope, Setting


class ConfigurationView(View):
    name = "configuration"

    category = Given("category of the setting", type="string")
    group = Given("group that it is listed under", type="string", since="4.18.0")
    subgroup = Given("subgroup that it is listed under", type="string", since="4.18.0")
    name_ = Given("name of the setting", type="string")
    value = Given("value in force", type="string")
    defaultvalue = Given("value where none is set", type="string", since="4.18.0")
    scope = Given("scope of the value, where that is not the global one", type="string")
    id = Given("number of the resource of the scope", type="long")
    description = Given("what the setting does", type="string")
    isdynamic = Given("whether a change takes effect without a restart", type="boolean")
    component = Given("part of the program that reads it", type="string", since="4.18.0")
    parent = Given("setting that switches this one on", type="string", since="4.18.0")
    displaytext = Given("name to show", type="string", since="4.18.0")
    type = Given("type of its values", type="string", since="4.18.0")
    options = Given("values that it takes, where they are listed", type="string", since="4.18.0")


def show(setting: Setting, value: str | None, scope: Scope, resource: Any = None) -> dict[str, Any]:
    """Return the object of one setting; a secret's value is left out."""
    shown: dict[str, Any] = {
        "category": setting.category, "group": setting.group, "subgroup": setting.subgroup.name, "name": setting.name,
        "description": setting.description, "isdynamic": setting.dynamic,
        "component": REGISTRY.subject_of(setting.name), "displaytext": setting.display_text, "type": setting.api_type}
    if not setting.secret:
        shown["value"] = value
        shown["defaultvalue"] = setting.default
    if setting.parent:
        shown["parent"] = setting.parent
    if setting.kind in (Kind.SELECT, Kind.ORDER) and setting.options:
        shown["options"] = ",".join(setting.options)
    if scope is not Scope.GLOBAL:
        shown["scope"] = scope.value.lower()
        shown["id"] = resource.id
    return {name: item for name, item in shown.items() if item is not None}


class ConfigurationSubGroupView(View):
    name = "subgroup"

    name_ = Given("name of the subgroup", type="string")
    precedence = Given("its place in lists", type="long")


class ConfigurationGroupView(View):
    name = "configurationgroup"

    name_ = Given("name of the group", type="string")
    description = Given("what its settings are about", type="string")
    precedence = Given("its place in lists", type="long")
    subgroup = Given("its subgroups", type="list", nested=ConfigurationSubGroupView)


class DeploymentPlannersView(View):
    name = "deploymentPlanner"

    name_ = Given("name of the planner", type="string")


class HypervisorCapabilitiesView(View):
    record, name = HypervisorCapability, "hypervisorCapabilities"

    id = Column("uuid", "ID of the capabilities")
    hypervisor = Column("hypervisor_type", "hypervisor")
    hypervisorversion = Column("hypervisor_version", "version of the hypervisor")
    maxguestslimit = Column("max_guests", "Instances that one host takes")
    maxdatavolumeslimit = Column("max_data_volumes", "data disks that one Instance takes")
    maxhostspercluster = Column("max_hosts_per_cluster", "hosts that one cluster takes")
    securitygroupenabled = Column("security_groups", "whether it has security groups")
    storagemotionenabled = Column("storage_motion", "whether disks move while their Instance runs")
    vmsnapshotenabled = Column("vm_snapshots", "whether Instances can be snapshot with their disks")


class CapabilitiesView(View):
    name = "capability"

    cloudstackversion = Given("version of the API", type="string")
    securitygroupsenabled = Given("whether a network with security groups exists", type="boolean")
    dynamicrolesenabled = Given("whether roles have rules of their own", type="boolean")
    userpublictemplateenabled = Given("whether users may publish templates", type="boolean")
    supportELB = Given("whether elastic load balancing exists", type="string")
    projectinviterequired = Given("whether accounts are invited to projects", type="boolean")
    allowusercreateprojects = Given("whether users may create projects", type="boolean")
    customdiskofferingminsize = Given("least size of a custom disk, GiB", type="long")
    customdiskofferingmaxsize = Given("greatest size of a custom disk, GiB", type="long")
    regionsecondaryenabled = Given("whether secondary storage spans the region", type="boolean")
    apilimitinterval = Given("seconds in which calls are counted", type="integer")
    apilimitmax = Given("calls that one account may make in the interval", type="integer")
    kvmsnapshotenabled = Given("whether volumes of running KVM Instances can be snapshot", type="boolean")
    snapshotshowchainsize = Given("whether the size of a chain of snapshots is shown", type="boolean", since="4.22.1")
    allowuserviewdestroyedvm = Given("whether users see destroyed Instances", type="boolean", since="4.6.0")
    allowuserexpungerecovervm = Given("whether users may expunge and recover Instances", type="boolean", since="4.6.0")
    allowuserexpungerecovervolume = Given("whether users may expunge and recover volumes", type="boolean",
                                          since="4.14.0")
    allowuserviewalldomainaccounts = Given("whether users see the other accounts of their domain", type="boolean")
    allowuserforcestopvm = Given("whether users may force an Instance to stop", type="boolean", since="4.20.0")
    kubernetesserviceenabled = Given("whether Kubernetes clusters can be made", type="boolean")
    kubernetesclusterexperimentalfeaturesenabled = Given("whether their experimental features exist", type="boolean")
    customhypervisordisplayname = Given("name of the hypervisor type Custom", type="string", since="4.19.0")
    defaultuipagesize = Given("rows of a page in the web interface", type="long", since="4.15.2")
    instancesstatsretentiontime = Given("minutes that statistics are kept", type="integer", since="4.18.0")
    instancesstatsuseronly = Given("whether only Instances of users have statistics", type="boolean", since="4.18.0")
    instancesdisksstatsretentionenabled = Given("whether statistics of disks are kept", type="boolean", since="4.18.0")
    instancesdisksstatsretentiontime = Given("minutes that statistics of disks are kept", type="integer",
                                             since="4.18.0")
    sharedfsvmmincpucount = Given("least CPUs of a shared file system's Instance", type="integer", since="4.20.0")
    sharedfsvmminramsize = Given("least memory of a shared file system's Instance, MiB", type="integer",
                                 since="4.20.0")
    instanceleaseenabled = Given("whether Instances can have leases", type="boolean", since="4.21.0")
    extensionspath = Given("where extensions lie", type="string", since="4.21.0")
    dynamicscalingenabled = Given("whether running Instances can be scaled", type="boolean", since="4.21.0")
    additionalconfigenabled = Given("whether Instances take extra configuration", type="boolean", since="4.20.2")
    vpncustomergatewayparameters = Given("what VPN customer gateways take", type="map")
