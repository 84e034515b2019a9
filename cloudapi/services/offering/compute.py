"""What a service offering says of CPUs and memory: fixed, chosen by the deployer, or chosen within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter

LIMITS = ("mincpunumber", "maxcpunumber", "minmemory", "maxmemory")

LEAST_MEMORY = 32
HIGHEST = (1 << 31) - 1

# Lower-case names as clients write them, and the kinds of machine that they are for.
SYSTEM_TYPES = {"domainrouter": "DomainRouter", "consoleproxy": "ConsoleProxy",
                "secondarystoragevm": "SecondaryStorageVm", "internalloadbalancervm": "InternalLoadBalancerVm"}

PLANNERS = ("FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner", "ImplicitDedicationPlanner",
            "SkipHeuresticsPlanner", "BareMetalPlanner", "ExternalServerPlanner")

LEASE_ACTIONS = ("STOP", "DESTROY")
LONGEST_LEASE = 36500


def is_customized(asked: Mapping[str, Any]) -> bool:
    """Whether the deployer chooses: `customized`, or CPUs or memory are left open."""
    if asked.get("customized") is not None:
        return bool(asked["customized"])
    return asked.get("cpunumber") is None or asked.get("memory") is None


def check(context: Context, asked: Mapping[str, Any]) -> dict[str, int]:
    """Check CPUs, speed and memory. Returns the limits of the deployer's choice, by the names of `LIMITS`.

    :raises InvalidParameter: values out of bounds, or an incomplete set of them.
    """
    if is_customized(asked):
        return _check_custom(asked)
    unlimited = {name: int(context.settings.get(name)) or HIGHEST
                 for name in ("vm.serviceoffering.cpu.cores.max", "vm.serviceoffering.ram.size.max")}
    _within(asked, "cpunumber", 1, unlimited["vm.serviceoffering.cpu.cores.max"])
    if asked.get("cpuspeed") is None:
        raise InvalidParameter("Failed to create service offering: parameter cpuspeed is missing, specify a value "
                               f"between 0 and {HIGHEST}")
    _within(asked, "cpuspeed", 0, HIGHEST)
    _within(asked, "memory", LEAST_MEMORY, unlimited["vm.serviceoffering.ram.size.max"])
    return {}


def _within(asked: Mapping[str, Any], name: str, least: int, most: int) -> None:
    value = asked.get(name)
    if value is not None and not least <= value <= most:
        raise InvalidParameter(f"Failed to create service offering: invalid value {value} for parameter {name}, "
                               f"specify one between {least} and {most}")


def _check_custom(asked: Mapping[str, Any]) -> dict[str, int]:
    for name in ("cpunumber", "memory"):
        if asked.get(name) is not None:
            raise InvalidParameter("For creating a custom compute offering cpu and memory all should be null; "
                                   f"{name} is given")
    constrained = {name: asked[name] for name in (*LIMITS, "cpuspeed") if asked.get(name) is not None}
    if not constrained:
        return {}
    missing = [name for name in (*LIMITS, "cpuspeed") if name not in constrained]
    if missing:
        raise InvalidParameter("For creating a custom compute offering min/max cpu and min/max memory/cpu speed "
                               f"should all be null or all specified; {', '.join(missing)} is missing")
    _within(asked, "cpuspeed", 0, HIGHEST)
    for least, most, lowest in (("mincpunumber", "maxcpunumber", 1), ("minmemory", "maxmemory", LEAST_MEMORY)):
        _within(asked, least, lowest, HIGHEST)
        _within(asked, most, lowest, HIGHEST)
        if asked[least] > asked[most]:
            raise InvalidParameter(f"Failed to create service offering: {least} {asked[least]} is over {most} "
                                   f"{asked[most]}")
    return {name: asked[name] for name in LIMITS}


def system_type(asked: Mapping[str, Any]) -> str | None:
    """Return the kind of system VM that the offering is for; None where it is for Instances.

    :raises InvalidParameter: the kind is unknown, or a parameter does not go with system VMs.
    """
    if not asked.get("issystem"):
        return None
    kind = str(asked.get("systemvmtype") or "domainrouter").lower()
    if kind not in SYSTEM_TYPES:
        raise InvalidParameter(f"Invalid systemVmType {kind} (systemvmtype). Supported types are: "
                               f"{', '.join(SYSTEM_TYPES.values())}")
    for name in ("customizediops", "hypervisorsnapshotreserve"):
        if asked.get(name) is not None:
            raise InvalidParameter(f"{name} is not a valid parameter for a system VM's offering")
    return SYSTEM_TYPES[kind]


def check_network_rate(asked: Mapping[str, Any], vm_type: str | None) -> int | None:
    """Return the rate of NICs in Mbit/s.

    :raises InvalidParameter: negative, or for a system VM that has no guests' traffic.
    """
    rate = asked.get("networkrate")
    if rate is None:
        return None
    if vm_type not in (None, "DomainRouter"):
        raise InvalidParameter("networkrate can be specified only for non-System offering and system offerings "
                               "having \"domainrouter\" systemvmtype")
    if rate < 0:
        raise InvalidParameter(f"Invalid value {rate} for parameter networkrate: specify the network rate value more "
                               "than 0")
    return int(rate)


def check_planner(name: str | None) -> str | None:
    """Return the name of a deployment planner.

    :raises InvalidParameter: there is no such planner.
    """
    if name and name not in PLANNERS:
        raise InvalidParameter(f"Invalid name {name} for Deployment Planner specified (deploymentplanner), please use "
                               "listDeploymentPlanners to get the valid set")
    return name or None


def lease(context: Context, asked: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """Return `(days, action)` of the lease; nothing while the setting `instance.lease.enabled` is off.

    :raises InvalidParameter: only one of them is given, or it is out of bounds.
    """
    days, action = asked.get("leaseduration"), asked.get("leaseexpiryaction") or None
    if action is not None and action.upper() not in LEASE_ACTIONS:
        raise InvalidParameter(f"Invalid value {action} configured for leaseexpiryaction, valid values are: "
                               f"{', '.join(LEASE_ACTIONS)}")
    if not context.settings.get("instance.lease.enabled") or (days is None and action is None):
        return None, None
    if days is None or action is None:
        raise InvalidParameter("Provide values for both: leaseduration and leaseexpiryaction")
    if not 1 <= days <= LONGEST_LEASE:
        raise InvalidParameter(f"Invalid leaseduration {days}: must be a natural number (>=1), max supported value "
                               f"is {LONGEST_LEASE}")
    return days, action.upper()
