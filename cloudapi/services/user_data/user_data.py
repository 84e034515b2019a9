"""Registered user data and CNI configurations: base64, with the names of their variables."""

from __future__ import annotations

import base64
from urllib.parse import unquote

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.identity import Account, UserData
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Template
from cloudapi.services.account import cleanup

USER_DATA, CNI = "userdata", "cni"
POLICIES = ("ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE")


def checked(context: Context, content: str, parameter: str = "userdata") -> str:
    """Return user data as it is kept: base64, padded.

    :raises InvalidParameter: it is not base64, empty, or longer than the setting allows.
    """
    text = unquote(content) if "%" in content else content
    text = "".join(text.split())
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:  # binascii.Error is one, and so is the error of what is not even ASCII
        raise InvalidParameter(f"User data is not base64 encoded: parameter {parameter}") from None
    if not decoded:
        raise InvalidParameter(f"User data is too short: parameter {parameter} is empty")
    longest = int(context.settings.get("vm.userdata.max.length"))
    if len(text) > longest:
        raise InvalidParameter(f"User data has exceeded configurable max length: {longest} (parameter {parameter})")
    return base64.b64encode(decoded).decode()


def register(context: Context, owner: Account, kind: str, name: str, content: str, variables: str | None) -> UserData:
    """Keep user data of an account.

    :param variables: the names of its variables, comma separated.
    :raises InvalidParameter: the name or the content is taken.
    """
    mine = (UserData.account_id == owner.id, UserData.kind == kind)
    if UserData.alive(UserData.name == name, *mine).exists():
        raise InvalidParameter(f"A userdata with name '{name}' already exists.")
    kept = checked(context, content, "userdata" if kind == USER_DATA else "cniconfig")
    same = UserData.alive(*mine, UserData.content == kept).first()
    if same is not None:
        raise InvalidParameter(f"Userdata {same.name} with same content already exists for this account.")
    names = [part.strip() for part in (variables or "").split(",") if part.strip()]
    return UserData.create(
        kind=kind, name=name, account_id=owner.id, domain_id=owner.domain_id, content=kept, variables=names or None)


def delete(found: UserData, owner: Account | None, kind: str) -> None:
    """Forget user data that nothing uses. `owner`, where given, is whose it must be.

    :raises InvalidParameter: it is of another account or kind. :raises InternalError: something uses it.
    """
    if found.kind != kind or (owner is not None and found.account_id != owner.id):
        raise InvalidParameter(f"A UserData with id '{found.uuid}' does not exist for the specified account")
    if Template.alive(Template.user_data_id == found.id, Template.state == "Active").exists():
        raise InternalError(f"Userdata {found.name} cannot be removed as it is linked to active template/templates")
    if Machine.alive(Machine.user_data_id == found.id).exists():
        raise InternalError(f"Userdata {found.name} cannot be removed as it is being used by some instances")
    found.delete_instance()


def link(template: Template | None, iso: Template | None, data: UserData | None, policy: str | None) -> Template:
    """Give a template (or ISO) user data for its Instances; without any the link is taken off.

    :raises InvalidParameter: both or none of template and ISO, one that is the other, or data of another kind.
    """
    if template is not None and iso is not None:
        raise InvalidParameter("Both Template ID and ISO ID are passed, API accepts only one: templateid, isoid")
    target = template or iso
    if target is None:
        raise InvalidParameter("At least one of Template ID or ISO ID needs to be passed: templateid, isoid")
    if (target.format == "ISO") != (iso is not None):
        parameter, other = ("isoid", "a template") if iso is not None else ("templateid", "an ISO")
        raise InvalidParameter(f"invalid value of parameter {parameter}: {target.name} is {other}")
    if data is not None and data.kind != USER_DATA:
        raise InvalidParameter(f"invalid value of parameter userdataid: {data.name} is a CNI configuration")
    target.user_data_id = data.id if data is not None else None
    target.user_data_policy = (policy or POLICIES[0]) if data is not None else None
    target.save(only=[Template.user_data_id, Template.user_data_policy])
    return target


@cleanup.register(70, "user data")
def remove_all(context: Context, account: Account) -> None:
    UserData.delete().where(UserData.account_id == account.id).execute()
