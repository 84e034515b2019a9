"""Details of Instances that callers set: which names they may use, and the extra configuration of hypervisors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine
from cloudapi.placement.tag import split
from cloudapi.services import detail
from cloudapi.services.virtual_machine import password, size

EXTRA = "extraconfig"
LEASE = frozenset({"leaseduration", "leaseexpiryaction", "leaseexpirydate", "leaseactionexecution"})
_UNSAFE = re.compile(r"<\s*(emulator|source|devices|disk|interface)\b", re.IGNORECASE)


def denied(context: Context) -> set[str]:
    return {name.lower() for name in split(context.settings.get("user.vm.denied.details"))}


def readonly(context: Context) -> list[str]:
    return split(context.settings.get("user.vm.readonly.details"))


def check(context: Context, details: Mapping[str, str], present: Mapping[str, str] | None = None) -> None:
    """Refuse details that the caller may not set.

    :param present: those that the Instance has: sending the same value again is no change.
    :raises InvalidParameter: the name is reserved, or kept from users by settings.
    """
    before = present or {}
    for name, value in details.items():
        lowered = name.lower()
        if lowered.startswith(EXTRA):
            raise InvalidParameter("'extraconfig' should not be included in details as key")
        if lowered in LEASE:
            raise InvalidParameter("lease parameters should not be included in details as key")
        if password.is_secret(name):
            raise InvalidParameter(f"You're not allowed to add or edit the non-displayable setting: {name}")
        if context.caller.is_root_admin or before.get(name) == value:
            continue
        if lowered in denied(context) and present is not None:
            raise InvalidParameter(f"You're not allowed to add or edit the restricted setting: {name}")
        if lowered in {each.lower() for each in readonly(context)}:
            raise InvalidParameter(f"You're not allowed to add or edit the read-only setting: {name}")


def put_extra(context: Context, machine: Machine, text: str | None) -> None:
    """Keep additional configuration for the hypervisor: blocks of lines, each a detail `extraconfig-<n>`.

    :raises InvalidParameter: the account may not, or a block is not among those that the hypervisor's setting allows.
    """
    if not text:
        return
    if not context.settings.get("enable.additional.vm.configuration", account=machine.account_id):
        raise InvalidParameter("attempted setting extraconfig but enable.additional.vm.configuration is disabled")
    kind = (machine.hypervisor_type or "").lower()
    name = f"allow.additional.vm.configuration.list.{'xenserver' if kind == 'xenserver' else kind}"
    blocks = [block.strip() for block in re.split(r"\n\s*\n", unquote(text)) if block.strip()]
    allowed = {each.lower() for each in split(context.settings.get(name))} if name in _known(context) else set()
    for block in blocks:
        keys = set(re.findall(r"<([A-Za-z][\w:-]*)", block)) or {line.partition("=")[0].strip()
                                                                 for line in block.splitlines() if "=" in line}
        refused = sorted(key for key in keys if key.lower() not in allowed)
        if refused or not keys or _UNSAFE.search(block):
            raise InvalidParameter(f"Provided extraconfig is not on the allow list of {machine.hypervisor_type}: "
                                   f"{', '.join(refused) or block[:60]}")
    remove_extra(machine)
    detail.put(machine, {f"{EXTRA}-{number}": block for number, block in enumerate(blocks, 1)})


def _known(context: Context) -> set[str]:
    from cloudapi.settings import REGISTRY

    return set(REGISTRY)


def remove_extra(machine: Machine) -> None:
    names = [name for name in detail.get(machine) if name.startswith(EXTRA)]
    if names:
        detail.remove(machine, *names)


def without_size(details: Mapping[str, str]) -> dict[str, str]:
    """Return the details without those that choose the size, which are kept with the machine itself."""
    names = {name.lower() for name in size.NAMES}
    return {name: value for name, value in details.items() if name.lower() not in names}
