"""What a machine's guest OS and template ask of a host: rules about the OS, its category, hardware virtualisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudapi.models.database import rows
from cloudapi.placement import rule


@dataclass(frozen=True, slots=True)
class Guest:
    """The guest OS of a machine's template; a machine without a template asks for nothing."""

    os_name: str | None = None
    category_id: int | None = None
    requires_hvm: bool = False

    def refusal(self, host: Any) -> str | None:
        """Return why a host does not take such a guest, or None."""
        if host.guest_os_rule and not rule.holds(host.guest_os_rule, {"vmGuestOs": self.os_name or ""}):
            return f"its guest OS rule keeps {self.os_name or 'an unknown guest OS'} out"
        if self.requires_hvm and not host.can_hvm:
            return "it has no hardware virtualisation (hvm), which the template requires"
        return None

    def deters(self, host: Any) -> bool:
        """Whether the host prefers guests of another category."""
        return host.os_category_id is not None and host.os_category_id != self.category_id

    def rank(self, host: Any) -> tuple[int, bool]:
        """Return what hosts sort by: those of the guest's category first, those of another one last.

        Among the others those without hardware virtualisation come first for a guest that does without, so that the
        rest stays free for those that need it.
        """
        if host.os_category_id is None:
            return 1, not self.requires_hvm and host.can_hvm
        return (2 if self.deters(host) else 0), False


def of(machine_id: int) -> Guest:
    """Return what the machine's template says."""
    found = rows("SELECT g.display_name, g.category_id, t.requires_hvm FROM machine m "
                 "JOIN template t ON t.id = m.template_id LEFT JOIN guest_os g ON g.id = t.guest_os_id "
                 "WHERE m.id = ?", [machine_id])
    return Guest(found[0][0], found[0][1], bool(found[0][2])) if found else Guest()
