"""What the API shows of guest VLANs and of their dedication."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Domain
from cloudapi.models.network import GuestVlanRange
from cloudapi.views.common import pretty_path
from cloudapi.views.network.network import NetworkView


def load_owners(page: Page) -> dict[int, dict[str, str]]:
    """Return the owners' fields: of an account its name, of a project's account the project."""
    return owners(page.values("account_id"))


def owners(accounts: dict[int, int | None]) -> dict[int, dict[str, str]]:
    """Return who has what belongs to these accounts: `account`, or `project` and `projectid`, and the domain."""
    wanted = sorted({account for account in accounts.values() if account is not None})
    if not wanted:
        return {}
    found: dict[int, dict[str, str]] = {}
    for account_id, name, project_id, project, domain_id, domain, path in rows(
            "SELECT a.id, a.account_name, p.uuid, p.name, d.uuid, d.name, d.path FROM account a "
            "JOIN domain d ON d.id = a.domain_id LEFT JOIN project p ON p.project_account_id = a.id "
            f"WHERE a.id IN ({','.join('?' * len(wanted))})", wanted):
        owner = {"account": name} if project_id is None else {"projectid": project_id, "project": project}
        found[account_id] = {**owner, "domainid": domain_id, "domain": domain, "domainpath": pretty_path(path)}
    return {key: found[account] for key, account in accounts.items() if account in found}


class GuestVlanRangeView(View):
    record, name = GuestVlanRange, "dedicatedguestvlanrange"
    links = {"domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the dedicated range")
    guestvlanrange = Computed(lambda start, end: f"{start}-{end}", "start_vlan", "end_vlan", help="the VLANs",
                              type="string")
    account = Batch(load_owners, "account that alone takes them", key="account", type="string", needs=("account_id",))
    projectid = Batch(load_owners, "ID of the project that alone takes them", key="projectid", type="string",
                      needs=("account_id",))
    project = Batch(load_owners, "name of the project that alone takes them", key="project", type="string",
                    needs=("account_id",))
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    physicalnetworkid = Column("physical_network_id", "number of the physical network inside the database", type="long")
    zoneid = Column("physical_network.zone_id", "number of the zone inside the database", type="long")


class GuestVlanView(View):
    name = "guestvlan"

    id = Given("number of the VLAN in the cloud", type="long")
    vlan = Given("VLAN or VXLAN id", type="string")
    account = Given("account that has it", type="string")
    domainid = Given("ID of the account's domain", type="string")
    domain = Given("name of the account's domain", type="string")
    domainpath = Given("path of the account's domain", type="string", since="4.19.2.0")
    projectid = Given("ID of the project that has it", type="string")
    project = Given("name of the project that has it", type="string")
    zoneid = Given("ID of the zone", type="string")
    zonename = Given("name of the zone", type="string")
    physicalnetworkid = Given("ID of the physical network", type="string")
    physicalnetworkname = Given("name of the physical network", type="string")
    isdedicated = Given("whether it is dedicated to an account", type="boolean")
    allocationstate = Given("Allocated or Free", type="string")
    taken = Given("when it was taken", type="date")
    network = Given("networks that have it", type="list", nested=NetworkView)
