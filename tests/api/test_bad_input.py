"""Every command, every parameter, every role: bad values are refused by name, and nothing is done."""

from __future__ import annotations

import uuid

import pytest

import cloudapi.commands
from cloudapi.api.access import OPERATE
from cloudapi.api.parameters import Date, Entity, EntityList, Flag, Integer, LongList, Map, Rows, Text
from cloudapi.api.registry import Registry
from cloudapi.models.base import Record
from cloudapi.models.common import AsyncJob, Event
from tests.support.cloud import ApiFailure

ROLES = ("Admin", "DomainAdmin", "User")


def all_commands():
    registry = Registry()
    registry.load(cloudapi.commands)
    return {command.api_name(): command for command in registry if command.authenticated}


COMMANDS = all_commands()


@pytest.fixture(scope="module")
def callers(cloud):
    domain = cloud.new_domain()
    return {"Admin": cloud.admin, "DomainAdmin": cloud.new_account(role="DomainAdmin", domain=domain),
            "User": cloud.new_account(domain=domain)}


@pytest.fixture
def refused(callers):
    """`refused(role, command, …)` answers the failure, having seen that it left no job and no event."""

    def left(command):
        return (AsyncJob.select().where(AsyncJob.command == command).count(),
                Event.select().where(Event.event_type == (COMMANDS[command].event or "")).count())

    def call(role, command, /, **parameters):
        before = left(command)
        with pytest.raises(ApiFailure) as failure:
            callers[role](command, **parameters)
        assert left(command) == before
        assert "Traceback" not in failure.value.text
        return failure.value

    return call


def wrong_values(parameter):
    """Values of the wrong kind for a parameter."""
    if isinstance(parameter, EntityList):
        return ["not-a-uuid", str(uuid.uuid4())]
    if isinstance(parameter, Entity):
        return ["not-a-uuid", str(uuid.uuid4()), "9" * 80]
    if isinstance(parameter, Flag):
        return ["maybe"]
    if isinstance(parameter, Integer):
        return ["many", "1.5", "9" * 40]
    if isinstance(parameter, LongList):
        return ["one,two"]
    if isinstance(parameter, Date):
        return ["yesterday"]
    if isinstance(parameter, Map | Rows):
        return ["plain"]
    if isinstance(parameter, Text):
        return ["x" * (parameter.length + 1)] if parameter.length < 100_000 else []
    return []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_bad_values_are_refused_by_name(name, refused, callers):
    command = COMMANDS[name]
    for role in ROLES:
        if role not in command.roles:
            assert refused(role, name).code == 432
            continue
        for parameter in command.parameters.values():
            if parameter.roles and role not in parameter.roles:
                continue
            for value in wrong_values(parameter):
                failure = refused(role, name, **{parameter.name: value})
                assert failure.code == 431, (role, parameter.name, value[:40], failure)
                assert parameter.name in failure.text, (role, parameter.name, failure)
            failure = refused(role, name, **{parameter.name: "a\x00b\x1b"})
            assert failure.code == 431
            assert parameter.name in failure.text
        required = [parameter.name for parameter in command.parameters.values() if parameter.required]
        if required:
            failure = refused(role, name)
            assert failure.code == 431
            assert required[0] in failure.text


def owned_by_admin():
    """A record of the admin's for every kind that an account owns, as far as the sandbox has one."""
    found = {}
    for command in COMMANDS.values():
        for parameter in command.parameters.values():
            if isinstance(parameter, Entity) and parameter.access == OPERATE:
                for record in parameter.records:
                    if "account_id" in record._meta.fields and issubclass(record, Record) and record not in found:
                        row = record.alive(record.account_id == 2).first()
                        if row is not None:
                            found[record] = row.uuid
    return found


def test_what_is_somebody_elses_is_refused(cloud, callers, refused):
    machine = cloud.admin.job("deployVirtualMachine", startvm=False, **cloud.deployment())
    cloud.admin("registerSSHKeyPair", name="admins", publickey=(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGz1ZpCkz4kWcO0r8GKxkTq5n1mBT7Y0c0oXU4oQ0H3A admin"))
    foreign = owned_by_admin()
    assert len(foreign) >= 4
    tried = 0
    for name, command in sorted(COMMANDS.items()):
        if "User" not in command.roles:
            continue
        for parameter in command.parameters.values():
            if not isinstance(parameter, Entity) or parameter.access != OPERATE or parameter.roles:
                continue
            for record in parameter.records:
                if record in foreign and not command.read_only:
                    failure = refused("User", name, **{parameter.name: foreign[record]})
                    assert failure.code == 531, (name, parameter.name, failure)
                    tried += 1
    assert tried >= 40
    assert cloud.admin.one("listVirtualMachines", id=machine["id"])["state"] == "Stopped"
