"""What the API shows of API keys and their rules."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Given, Page, View
from cloudapi.models.base import now
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, ApiKeyPair, Domain
from cloudapi.views.common import pretty_path
from cloudapi.views.zone.place import HasAnnotations

ACCOUNT_TYPES = {0: "NORMAL", 1: "ADMIN", 2: "DOMAIN_ADMIN", 3: "RESOURCE_DOMAIN_ADMIN", 5: "PROJECT"}


class KeyRuleView(View):
    name = "keypermission"

    rule = Given("name of the command, or a pattern with *", type="string")
    permission = Given("allow or deny", type="string")
    description = Given("what the rule is for", type="string")


def load_rules(page: Page) -> dict[int, list[dict[str, Any]]]:
    if not getattr(page.arguments, "showpermissions", False):
        return {}
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in page.ids}
    marks = ",".join("?" * len(page.ids))
    for pair_id, rule, permission, description in rows(
            f"SELECT key_pair_id, rule, permission, description FROM api_key_permission WHERE key_pair_id IN ({marks}) "
            "ORDER BY key_pair_id, sort_order, id", page.ids):
        found[pair_id].append({"rule": rule, "permission": permission,
                               **({"description": description} if description else {})})
    return found


def load_secrets(page: Page) -> dict[int, str]:
    opened = page.context.installation.secrets.open
    return {key: opened(sealed) for key, sealed in page.values("secret_key").items()}


def load_states(page: Page) -> dict[int, str]:
    """Whether a pair works now: enabled, not yet, or no longer."""
    starts, ends, moment = page.values("start_date"), page.values("end_date"), now()
    return {key: "expired" if ends[key] and ends[key] <= moment else
            "pending" if starts[key] and starts[key] > moment else "enabled" for key in page.ids}


class ApiKeyPairView(View):
    record, name = ApiKeyPair, "userkeys"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the key pair")
    name_ = Column("name", "name of the key pair")
    description = Column("description", "what the key pair is for")
    apikey = Column("api_key", "the API key")
    secretkey = Batch(load_secrets, "the secret key", needs=("secret_key",), type="string", secret=True)
    startdate = Column("start_date", "when it begins to work", type="date")
    enddate = Column("end_date", "when it ends to work", type="date")
    created = Column("created", "when it was made", type="date")
    state = Batch(load_states, "enabled, pending or expired", needs=("start_date", "end_date"), type="string")
    userid = Column("user.uuid", "ID of the user")
    username = Column("user.username", "name of the user")
    accountid = Column("account_.uuid", "ID of the user's account")
    accountname = Column("account_.account_name", "name of the user's account")
    accounttype = Column("account_.account_type", "type of the user's account", type="string",
                         convert=ACCOUNT_TYPES.get)
    roleid = Column("account_.role.uuid", "ID of the account's role")
    roletype = Column("account_.role.role_type", "type of the account's role")
    rolename = Column("account_.role.name", "name of the account's role")
    domainid = Column("domain_.uuid", "ID of the user's domain")
    domain = Column("domain_.name", "name of the user's domain")
    domainpath = Column("domain_.path", "path of the user's domain", convert=pretty_path)
    permissions = Batch(load_rules, "rules of the key pair, where asked for", type="list", nested=KeyRuleView)
    hasannotations = HasAnnotations()


class UserKeysView(View):
    name = "userkeys"

    apikey = Given("the API key", type="string")
    secretkey = Given("the secret key", type="string", secret=True)
    apikeyaccess = Given("whether the user may use API keys", type="boolean")
