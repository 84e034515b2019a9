"""What the API shows of registered user data."""

from __future__ import annotations

from cloudapi.api.view import Column, Computed, Given, View
from cloudapi.models.identity import Account, Domain, UserData
from cloudapi.views.common import ProjectOwnedView, pretty_path
from cloudapi.views.zone.place import HasAnnotations


def joined(variables: list[str] | None) -> str | None:
    return ",".join(variables) if variables else None


class UserDataView(ProjectOwnedView, View):
    record, name = UserData, "userdata"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the user data")
    name_ = Column("name", "name of the user data")
    accountid = Column("account_.uuid", "ID of the account that owns it")
    account = Column("account_.account_name", "account that owns it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    userdata = Column("content", "the user data, in base64")
    params = Computed(joined, "variables", help="names of its variables, comma separated")
    hasannotations = HasAnnotations()


class RegisteredUserDataView(UserDataView):
    """The answer of a registration, which says that it was done as well."""

    success = Computed(lambda uuid: True, "uuid", help="whether it was done", type="boolean")
    displaytext = Given("what there is to say of it", type="string")
