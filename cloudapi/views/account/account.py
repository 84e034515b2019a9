"""What the API shows of an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.views.common import DetailMap, pretty_path
from cloudapi.views.resource_limit.balance import AccountLimits
from cloudapi.views.user.user import UserView, access_shown


def load_users(page: Page) -> dict[int, list[dict[str, Any]]]:
    marks = ",".join("?" * len(page.ids))
    owners = dict(rows(f"SELECT id, account_id FROM cloud_user WHERE removed IS NULL AND account_id IN ({marks}) "
                       "ORDER BY id", page.ids))
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in page.ids}
    listed = list(owners)
    for user_id, shown in zip(listed, UserView.render(page.context, listed), strict=True):
        found[owners[user_id]].append(shown)
    return found


def machines_of(account_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return how many Instances of each account run and how many are stopped."""
    found: dict[int, dict[str, int]] = {key: {"vmrunning": 0, "vmstopped": 0} for key in account_ids}
    marks = ",".join("?" * len(account_ids))
    for account_id, state, count in rows(
            f"SELECT account_id, state, COUNT(*) FROM machine WHERE removed IS NULL AND kind = 'User' "
            f"AND account_id IN ({marks}) AND state IN ('Running', 'Stopped') GROUP BY account_id, state",
            list(account_ids)):
        found[account_id][f"vm{state.lower()}"] = int(count)
    return found


def load_machines(page: Page) -> dict[int, dict[str, int]]:
    return machines_of(page.ids)


def load_traffic(page: Page) -> dict[int, dict[str, int]]:
    """Bytes through the public NICs of the account's routers."""
    found: dict[int, dict[str, int]] = {key: {"receivedbytes": 0, "sentbytes": 0} for key in page.ids}
    marks = ",".join("?" * len(page.ids))
    for account_id, received, sent in rows(
            "SELECT m.account_id, SUM(n.bytes_received), SUM(n.bytes_sent) FROM nic n JOIN machine m ON m.id = n.vm_id "
            f"WHERE m.kind = 'DomainRouter' AND n.traffic_type = 'Public' AND m.account_id IN ({marks}) "
            "GROUP BY m.account_id", page.ids):
        found[account_id] = {"receivedbytes": int(received or 0), "sentbytes": int(sent or 0)}
    return found


class AccountView(AccountLimits, View):
    record, name = Account, "account"
    links = {"zone_": ("default_zone_id", Zone)}

    id = Column("uuid", "ID of the account")
    name_ = Column("account_name", "name of the account")
    accounttype = Column("account_type", "0 user, 1 root admin, 2 domain admin, 3 resource admin")
    roleid = Column("role.uuid", "ID of its role")
    roletype = Column("role.role_type", "type of its role")
    rolename = Column("role.name", "name of its role")
    domainid = Column("domain.uuid", "ID of its domain")
    domain = Column("domain.name", "name of its domain")
    domainpath = Column("domain.path", "path of its domain", convert=pretty_path, since="4.13")
    defaultzoneid = Column("zone_.uuid", "ID of the zone that is its own by default")
    receivedbytes = Batch(load_traffic, "bytes that its routers received", key="receivedbytes", type="long")
    sentbytes = Batch(load_traffic, "bytes that its routers sent", key="sentbytes", type="long")
    vmrunning = Batch(load_machines, "Instances that run", key="vmrunning", type="integer", detail="resource")
    vmstopped = Batch(load_machines, "Instances that are stopped", key="vmstopped", type="integer", detail="resource")
    state = Column("state", "enabled, disabled or locked")
    iscleanuprequired = Column("cleanup_needed", "whether something of it is still to be removed")
    created = Column("created", "when it was made", type="date")
    user = Batch(load_users, "its users", type="list", nested=UserView)
    networkdomain = Column("network_domain", "DNS domain of its networks")
    accountdetails = DetailMap("Account", "details of the account")
    isdefault = Column("is_default", "whether the installation began with it", since="4.2.0")
    groups = Given("groups of access control that it is in", type="list", since="4.4")
    icon = Given("icon of the account", type="resourceiconresponse", since="4.16.0.0")
    apikeyaccess = Computed(access_shown, "api_key_access", help="whether its users may use API keys: Enabled, "
                            "Disabled or Inherit", type="string", since="4.20.1.0", admin=True)
