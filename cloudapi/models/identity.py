"""Domains, accounts, users, roles and keys."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, LongText, Moment, Record, Table


class Domain(Record):
    """A node of the domain tree; `path` is `/` for the root, `/a/b/` below it."""

    name = peewee.CharField(255)
    parent_id = peewee.BigIntegerField(null=True, index=True)
    path = peewee.CharField(512, index=True)
    level = peewee.IntegerField(default=0)
    owner_id = peewee.BigIntegerField(default=2)
    network_domain = peewee.CharField(255, null=True)
    state = peewee.CharField(32, default="Active")
    child_count = peewee.IntegerField(default=0)

    class Meta:
        indexes = ((("parent_id", "name"), False),)


class Role(Record):
    name = peewee.CharField(255)
    role_type = peewee.CharField(32)
    description = peewee.TextField(null=True)
    is_default = peewee.BooleanField(default=False)
    is_public = peewee.BooleanField(default=True)
    state = peewee.CharField(32, default="enabled")


class RolePermission(Table):
    """One rule of a role; the first that matches a command decides."""

    id = peewee.BigAutoField()
    uuid = peewee.CharField(40, unique=True)
    role = Link(Role)
    rule = peewee.CharField(255)
    permission = peewee.CharField(16)
    description = peewee.TextField(null=True)
    sort_order = peewee.BigIntegerField(default=0)


class Account(Record):
    """`account_type`: 0 user, 1 root admin, 2 domain admin, 3 resource admin, 5 project."""

    account_name = peewee.CharField(100)
    account_type = peewee.IntegerField(default=0)
    role = Link(Role, null=True)
    domain = Link(Domain)
    state = peewee.CharField(32, default="enabled")
    network_domain = peewee.CharField(255, null=True)
    default_zone_id = peewee.BigIntegerField(null=True)
    is_default = peewee.BooleanField(default=False)
    api_key_access = peewee.BooleanField(null=True)
    cleanup_needed = peewee.BooleanField(default=False)

    class Meta:
        indexes = ((("domain_id", "account_name"), False),)


class User(Record):
    username = peewee.CharField(255, index=True)
    password = peewee.CharField(255, default="")
    account = Link(Account)
    domain_id = peewee.BigIntegerField(index=True)
    first_name = peewee.CharField(255, null=True)
    last_name = peewee.CharField(255, null=True)
    email = peewee.CharField(255, null=True)
    timezone = peewee.CharField(64, null=True)
    state = peewee.CharField(32, default="enabled")
    source = peewee.CharField(32, default="native")
    is_default = peewee.BooleanField(default=False)
    failed_logins = peewee.IntegerField(default=0)
    two_factor_enabled = peewee.BooleanField(default=False)
    two_factor_mandated = peewee.BooleanField(default=False)
    api_key_access = peewee.BooleanField(null=True)
    password_change_required = peewee.BooleanField(default=False)

    class Meta:
        table_name = "cloud_user"  # `user` is a reserved word in PostgreSQL


class ApiKeyPair(Record):
    """A user's API key; the secret key is sealed with the installation's own key."""

    name = peewee.CharField(255, null=True)
    description = peewee.TextField(null=True)
    user = Link(User)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    api_key = peewee.CharField(255, unique=True)
    secret_key = peewee.TextField()
    start_date = Moment(null=True)
    end_date = Moment(null=True)


class ApiKeyPermission(Table):
    id = peewee.BigAutoField()
    uuid = peewee.CharField(40, unique=True)
    key_pair = Link(ApiKeyPair)
    rule = peewee.CharField(255)
    permission = peewee.CharField(16)
    description = peewee.TextField(null=True)
    sort_order = peewee.BigIntegerField(default=0)


class Project(Record):
    name = peewee.CharField(255)
    display_text = peewee.CharField(255, null=True)
    project_account_id = peewee.BigIntegerField(index=True)
    domain = Link(Domain)
    state = peewee.CharField(32, default="Active")


class ProjectMember(Table):
    """An account (or one of its users) in a project; `role` is Admin or Regular."""

    id = peewee.BigAutoField()
    project = Link(Project)
    account_id = peewee.BigIntegerField(index=True)
    user_id = peewee.BigIntegerField(null=True)
    role = peewee.CharField(16, default="Regular")


class ProjectInvitation(Record):
    """An offer to join a project, to an account, to one of its users or to whoever reads the mail with `token`.

    `state` is Pending, Completed, Expired or Declined.
    """

    project = Link(Project)
    account_id = peewee.BigIntegerField(null=True, index=True)
    user_id = peewee.BigIntegerField(null=True)
    domain_id = peewee.BigIntegerField(index=True)
    email = peewee.CharField(255, null=True)
    token = peewee.CharField(64, null=True)
    role = peewee.CharField(16, default="Regular")
    state = peewee.CharField(16, default="Pending")


class Session(Table):
    """A login by password; `token` and `session_key` are kept as SHA-256 digests."""

    id = peewee.BigAutoField()
    token = peewee.CharField(64, unique=True)
    session_key = peewee.CharField(64)
    user = Link(User)
    created = Moment()
    last_used = Moment()
    remote_address = peewee.CharField(64, null=True)


class ResourceCount(Table):
    """How much of a limited resource an account or a domain (with all below it) has; `tag` as in tagged limits."""

    id = peewee.BigAutoField()
    owner_type = peewee.CharField(16)
    owner_id = peewee.BigIntegerField()
    resource_type = peewee.CharField(32)
    tag = peewee.CharField(64, default="")
    count = peewee.BigIntegerField(default=0)

    class Meta:
        indexes = ((("owner_type", "owner_id", "resource_type", "tag"), True),)


class ResourceLimit(Table):
    """A limit set for one account or domain; -1 is unlimited."""

    id = peewee.BigAutoField()
    owner_type = peewee.CharField(16)
    owner_id = peewee.BigIntegerField()
    resource_type = peewee.CharField(32)
    tag = peewee.CharField(64, default="")
    maximum = peewee.BigIntegerField()

    class Meta:
        indexes = ((("owner_type", "owner_id", "resource_type", "tag"), True),)


class SshKeyPair(Record):
    name = peewee.CharField(255)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    fingerprint = peewee.CharField(255)
    public_key = peewee.TextField()


class UserData(Record):
    """Registered user data (`kind` userdata) or CNI configuration (`kind` cni), base64 as the client sent it."""

    kind = peewee.CharField(16, default="userdata")
    name = peewee.CharField(255)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    content = LongText()
    variables = Json(null=True)
