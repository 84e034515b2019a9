"""What the server expects of each hypervisor."""

from __future__ import annotations

from typing import Any

from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import HypervisorCapability


def update_capabilities(capability: HypervisorCapability | None, hypervisor: str | None, version: str | None,
                        **values: Any) -> HypervisorCapability:
    """Change the values that are not None.

    :raises InvalidParameter: there are no capabilities of this hypervisor and version.
    """
    if capability is None:
        record = HypervisorCapability
        capability = record.alive(record.hypervisor_type == hypervisor, record.hypervisor_version == version).first()
        if capability is None:
            raise InvalidParameter(f"Unable to find capabilities of hypervisor {hypervisor}, version {version}")
    changed = {name: value for name, value in values.items() if value is not None}
    if changed:
        HypervisorCapability.update(changed).where(HypervisorCapability.id == capability.id).execute()
    return capability
