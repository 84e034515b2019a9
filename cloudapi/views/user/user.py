"""What the API shows of a user."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.base import now
from cloudapi.models.database import rows
from cloudapi.models.identity import Domain, User


def access_shown(allowed: bool | None) -> str:
    """Return whether API keys may be used, as the API says it."""
    return {True: "Enabled", False: "Disabled", None: "Inherit"}[allowed]


def load_keys(page: Page) -> dict[int, dict[str, Any]]:
    """The newest key pair of each user; the secret key where `use.secret.key.in.response` says so."""
    marks = ",".join("?" * len(page.ids))
    context = page.context
    secret_too = context.settings.get("use.secret.key.in.response")
    found: dict[int, dict[str, Any]] = {}
    for user_id, api_key, sealed in rows(
            f"SELECT user_id, api_key, secret_key FROM api_key_pair WHERE removed IS NULL AND user_id IN ({marks}) "
            "AND (end_date IS NULL OR end_date > ?) ORDER BY id", [*page.ids, now()]):
        found[user_id] = {"apikey": api_key}
        if secret_too:
            found[user_id]["secretkey"] = context.installation.secrets.open(sealed)
    return found


def load_below(page: Page) -> dict[int, bool]:
    """Whether the caller's domain is at or above the user's."""
    caller = page.context.caller
    places = page.values("domain_id")
    wanted = set(places.values())
    paths = dict(rows(f"SELECT id, path FROM domain WHERE id IN ({','.join('?' * len(wanted))})", list(wanted)))
    return {user_id: paths[place].startswith(caller.domain_path) and place != caller.domain_id
            for user_id, place in places.items()}


class UserView(View):
    record, name = User, "user"
    links = {"domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the user")
    username = Column("username", "name that the user logs in with")
    firstname = Column("first_name", "first name")
    lastname = Column("last_name", "last name")
    email = Column("email", "e-mail address")
    created = Column("created", "when the user was made", type="date")
    state = Column("state", "enabled, disabled or locked")
    account = Column("account.account_name", "account of the user")
    accountid = Column("account.uuid", "ID of the user's account")
    accounttype = Column("account.account_type", "0 user, 1 root admin, 2 domain admin, 3 resource admin")
    usersource = Column("source", "where the user's password is kept")
    roleid = Column("account.role.uuid", "ID of the account's role")
    roletype = Column("account.role.role_type", "type of the account's role")
    rolename = Column("account.role.name", "name of the account's role")
    domainid = Column("domain_.uuid", "ID of the user's domain")
    domain = Column("domain_.name", "name of the user's domain")
    timezone = Column("timezone", "time zone of the user")
    apikey = Batch(load_keys, "newest API key of the user", key="apikey", type="string")
    secretkey = Batch(load_keys, "secret key of it, where the installation shows them", key="secretkey", type="string",
                      secret=True)
    iscallerchilddomain = Batch(load_below, "whether the user's domain is below the caller's", default=False,
                                needs=("domain_id",), type="boolean")
    isdefault = Column("is_default", "whether the installation began with this user", since="4.2.0")
    icon = Given("icon of the user", type="resourceiconresponse", since="4.16.0.0")
    is2faenabled = Column("two_factor_enabled", "whether logins need a second factor", since="4.18.0.0")
    is2famandated = Column("two_factor_mandated", "whether a second factor is demanded", since="4.18.0.0")
    apikeyaccess = Computed(access_shown, "api_key_access", help="whether the user may use API keys: Enabled, Disabled "
                            "or Inherit", type="string", since="4.20.1.0", admin=True)
