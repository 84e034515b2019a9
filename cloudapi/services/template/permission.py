"""Who may use a template or ISO beside its owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.context import ROOT_DOMAIN, Caller, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain, Project
from cloudapi.models.storage import LaunchPermission, Template

OPERATIONS = ("add", "remove", "reset")
PROJECT_ACCOUNT = 5


def check_kind(template: Template, iso: bool) -> None:
    """Refuse an ISO where a template is meant, and the other way round."""
    if (template.format == "ISO") != iso:
        raise InvalidParameter(f"Please provide a valid {'ISO' if iso else 'Template'}: {template.uuid} is none")


def may_use(caller: Caller, template: Template) -> bool:
    """Whether somebody who does not own a template may make Instances of it: it is public, or shared with them."""
    if template.is_public:
        return True
    return bool(rows(
        "SELECT 1 FROM launch_permission l WHERE l.template_id = ? AND (l.account_id = ? OR l.account_id IN ("
        "SELECT p.project_account_id FROM project p JOIN project_member m ON m.project_id = p.id "
        "WHERE m.account_id = ? AND (m.user_id IS NULL OR m.user_id = ?) AND p.removed IS NULL)) LIMIT 1",
        [template.id, caller.account_id, caller.account_id, caller.user_id]))


def shown(template: Template) -> dict[str, Any]:
    """Return the permissions as the API shows them."""
    owner = Account.get_by_id(template.account_id)
    accounts = list(Account.alive(Account.id.in_(LaunchPermission.select(LaunchPermission.account_id).where(
        LaunchPermission.template == template.id))).order_by(Account.id))
    projects = {project.project_account_id: project.uuid for project in Project.select().where(
        Project.project_account_id.in_([account.id for account in accounts] or [0]), Project.removed.is_null())}
    names = [account.account_name for account in accounts if account.id not in projects]
    if not template.is_public:
        names.append(owner.account_name)
    return {"id": template.uuid, "ispublic": bool(template.is_public),
            "domainid": Domain.get_by_id(template.domain_id).uuid, "account": names,
            **({"projectids": list(projects.values())} if projects else {})}


def change(context: Context, template: Template, *, public: bool | None, featured: bool | None,
           extractable: bool | None, operation: str | None, accounts: Sequence[str] | None,
           projects: Sequence[Project] | None) -> None:
    """Change what a template's public is. Within a transaction.

    :param operation: add or remove `accounts` (of the owner's domain) and `projects`, or reset: nobody but the owner.
    :raises InvalidParameter: an account is unknown, an operation is missing or unknown, or it is not for the caller.
    """
    kind = "iso" if template.format == "ISO" else "template"
    if template.template_type == "SYSTEM":
        raise InvalidParameter(f"unable to update permissions for {kind} with id {template.uuid}: it is the system's")
    owner = Account.get_by_id(template.account_id)
    caller = context.caller
    if public and not caller.is_admin and not context.settings.get("allow.public.user.templates", account=owner.id):
        raise InvalidParameter(f"Only private {kind}s can be created.")
    wanted = _operation(operation, accounts is not None or projects is not None)
    changes: dict[str, Any] = {}
    if public is not None:
        changes["is_public"] = public
    if featured is not None:
        if not caller.is_admin and featured:
            raise InvalidParameter(f"isfeatured: only administrators feature {kind}s")
        changes["featured"] = featured
    if extractable is not None:
        changes["extractable"] = extractable
    if changes:
        Template.update(changes).where(Template.id == template.id).execute()
    if wanted == "reset":
        LaunchPermission.delete().where(LaunchPermission.template == template.id).execute()
        Template.update(is_public=False, featured=False).where(Template.id == template.id).execute()
    elif wanted is not None:
        _share(template, wanted, _named(owner, accounts or [], projects or []))


def _operation(text: str | None, named: bool) -> str | None:
    found = text.strip().lower() if text else None
    if found is not None and found not in OPERATIONS:
        raise InvalidParameter(f"Invalid operation on Accounts, op is one of {', '.join(OPERATIONS)}, not '{text}'")
    if named and found is None:
        raise InvalidParameter("Invalid operation on Accounts, the operation must be either 'add' or 'remove' in order "
                               "to modify launch permissions: parameter op is missing")
    if found in ("add", "remove") and not named:
        raise InvalidParameter(f"Operation {found} requires Accounts or projectIds to be passed in")
    return found


def _named(owner: Account, names: Sequence[str], projects: Sequence[Project]) -> list[int]:
    """Return the accounts by name, of the owner's domain, and those of projects."""
    found = [project.project_account_id for project in projects]
    for name in names:
        account = Account.alive(Account.account_name == name, Account.domain_id == owner.domain_id,
                                Account.account_type != PROJECT_ACCOUNT).first()
        if account is None:
            raise InvalidParameter(
                f"Unable to grant a launch permission to Account {name} in domain id="
                f"{Domain.get_by_id(owner.domain_id).uuid}, Account not found.  No permissions updated, please verify "
                "the Account names and retry.")
        found.append(account.id)
    return [number for number in found if number != owner.id]


def _share(template: Template, operation: str, accounts: Sequence[int]) -> None:
    for account_id in accounts:
        if operation == "add":
            LaunchPermission.insert(template=template.id, account_id=account_id).on_conflict_ignore().execute()
        else:
            LaunchPermission.delete().where(LaunchPermission.template == template.id,
                                            LaunchPermission.account_id == account_id).execute()


def domains_that_keep(context: Context) -> list[int]:
    """Return the domains whose public templates are not for the caller's domain."""
    if context.caller.is_root_admin:
        return []
    setting = "share.public.templates.with.other.domains"
    found = [row[0] for row in rows("SELECT DISTINCT t.domain_id FROM template t WHERE t.is_public = ? "
                                    "AND t.removed IS NULL", [True])]
    return [domain_id for domain_id in found if domain_id not in (context.caller.domain_id, ROOT_DOMAIN)
            and not context.settings.get(setting, domain=domain_id)]
