"""The size of a machine: what its offering fixes, what the deployer chooses by details, and who keeps the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.offering import ServiceOffering
from cloudapi.services import detail

CPU, SPEED, MEMORY = "cpuNumber", "cpuSpeed", "memory"
NAMES = (CPU, SPEED, MEMORY)
LARGEST = (1 << 31) - 1
LEAST_MEMORY = 32


@dataclass(frozen=True, slots=True)
class Size:
    """Cores, MHz of each, MiB."""

    cpu: int
    speed: int
    memory: int


def is_dynamic(offering: ServiceOffering) -> bool:
    """Whether the offering leaves something open."""
    return offering.cpu is None or offering.speed is None or offering.memory is None


def given(details: Mapping[str, str]) -> dict[str, str]:
    """Return those of the details that choose a size; empty ones count as not given. Names are matched in any case."""
    names = {name.lower(): name for name in NAMES}
    return {names[key.lower()]: value for key, value in details.items() if key.lower() in names and value.strip()}


def of(context: Context, offering: ServiceOffering, details: Mapping[str, str]) -> Size:
    """Return the size of a machine with this offering and these details.

    :raises InvalidParameter: a value is missing, fixed by the offering, no number or out of range.
    """
    chosen = given(details)
    if not is_dynamic(offering):
        if chosen:
            raise InvalidParameter(f"{', '.join(chosen)} cannot be specified: the service offering {offering.uuid} "
                                   "is not custom")
        _check_most(context, offering.cpu, offering.memory)
        return Size(offering.cpu, offering.speed, offering.memory)
    open_names = [name for name, fixed in zip(NAMES, (offering.cpu, offering.speed, offering.memory), strict=True)
                  if fixed is None]
    missing = [name for name in open_names if name not in chosen]
    if missing:
        raise InvalidParameter("Need to specify custom parameter values cpu, cpu speed and memory when using custom "
                               f"offering; missing: {', '.join(missing)}")
    bounds = detail.get(offering)
    most_cpu = int(context.settings.get("vm.serviceoffering.cpu.cores.max")) or LARGEST
    most_memory = int(context.settings.get("vm.serviceoffering.ram.size.max")) or LARGEST
    return Size(
        _value(CPU, offering.cpu, chosen, _bound(bounds, "mincpunumber", 1),
               min(most_cpu, _bound(bounds, "maxcpunumber", LARGEST)), offering),
        _value(SPEED, offering.speed, chosen, 1, LARGEST, offering),
        _value(MEMORY, offering.memory, chosen, _bound(bounds, "minmemory", LEAST_MEMORY),
               min(most_memory, _bound(bounds, "maxmemory", LARGEST)), offering))


def _check_most(context: Context, cpu: int, memory: int) -> None:
    most = int(context.settings.get("vm.serviceoffering.cpu.cores.max"))
    if most and cpu > most:
        raise InvalidParameter(f"Invalid cpu cores value, please choose another service offering with cpu cores "
                               f"between 1 and {most}")
    most = int(context.settings.get("vm.serviceoffering.ram.size.max"))
    if most and memory > most:
        raise InvalidParameter(f"Invalid memory value, please choose another service offering with memory between "
                               f"{LEAST_MEMORY} and {most} MB")


def _bound(bounds: Mapping[str, str], name: str, default: int) -> int:
    value = bounds.get(name)
    return int(value) if value else default


def _value(name: str, fixed: int | None, chosen: Mapping[str, str], least: int, most: int,
           offering: ServiceOffering) -> int:
    if fixed is not None:
        if name in chosen:
            raise InvalidParameter(f"The {name} of this offering id:{offering.uuid} is not customizable. "
                                   "This is predefined in the Template.")
        return fixed
    try:
        value = int(chosen[name])
    except ValueError:
        raise InvalidParameter(f"Invalid {name} value {chosen[name][:40]}: it is not a whole number") from None
    if not least <= value <= most:
        raise InvalidParameter(f"Invalid {name} value {value}, specify a value between {least} and {most}")
    return value
