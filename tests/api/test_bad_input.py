"""Every command, every parameter, every role: bad values are refused by name, and nothing is done."""

from __future__ import annotations

import uuid

import pytest

import cloudapi.commands
from cloudapi.api.access import OPERATE
from cloudapi.api.parameters import (
    Date,
    Entity,
    EntityList,
    Flag,
    Integer,
    LongList,
    Map,
    Rows,
    Text,
    TextList,
    Uuid,
)
from cloudapi.api.registry import Registry
from cloudapi.models.base import Record
from cloudapi.models.common import AsyncJob, Event
from tests.support.cloud import ApiFailure
from tests.support.guess import Guess

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


@pytest.fixture(scope="module")
def machine(cloud):
    """A stopped Instance, whose network has a router."""
    made = cloud.admin.job("deployVirtualMachine", **cloud.deployment())
    return cloud.admin.job("stopVirtualMachine", id=made["id"], forced=True)


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
    if isinstance(parameter, Map):
        return ["plain", {"k" * 241: "v"}, {"k": "v" * (parameter.length + 1)}, {"k": "a\x00b"}]
    if isinstance(parameter, Rows):
        return ["plain", [{"k": "a\x1bb"}]]
    if isinstance(parameter, TextList):
        return ["x" * (parameter.length + 1), f"a,{'x' * (parameter.length + 1)}"]
    if isinstance(parameter, Uuid):
        return ["not-a-uuid", "5", "9" * 80]
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
                assert failure.code == 431, (role, parameter.name, str(value)[:40], failure)
                assert parameter.name in failure.text, (role, parameter.name, failure)
            failure = refused(role, name, **{parameter.name: "a\x00b\x1b"})
            assert failure.code == 431
            assert parameter.name in failure.text
        required = [parameter.name for parameter in command.parameters.values() if parameter.required]
        if required:
            failure = refused(role, name)
            assert failure.code == 431
            assert required[0] in failure.text


@pytest.mark.parametrize("name", sorted(name for name, command in COMMANDS.items() if sum(
    parameter.required for parameter in command.parameters.values()) > 1))
def test_each_required_parameter_is_missed_by_name(name, refused, machine):
    """All but one are given, and right; an empty one is as good as none."""
    command = COMMANDS[name]
    for missing in command.parameters.values():
        if not missing.required:
            continue
        others = [parameter.name for parameter in command.parameters.values()
                  if isinstance(parameter, Entity) and parameter is not missing]
        for empty in ({}, {missing.name: ""}):
            # A record may be of the wrong sort, a system VM for one: that is said first, and another one is tried.
            for seed in range(20):
                request = Guess(seed).request(command, optional=0, but=missing.name)
                failure = refused("Admin", name, **request, **empty)
                assert failure.code == 431, (missing.name, failure)
                if missing.name in failure.text:
                    break
                assert any(other in failure.text or request.get(other, "-") in failure.text
                           for other in others), failure
            else:
                assert "none" in request.values(), (missing.name, failure)  # the sandbox has none of that kind


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


def test_what_is_somebody_elses_is_refused(cloud, callers, refused, machine):
    """To users, and to the administrators of other domains."""
    cloud.admin("registerSSHKeyPair", name="admins", publickey=(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGz1ZpCkz4kWcO0r8GKxkTq5n1mBT7Y0c0oXU4oQ0H3A admin"))
    foreign = owned_by_admin()
    assert len(foreign) >= 4
    tried = {"User": 0, "DomainAdmin": 0}
    for role in tried:
        for name, command in sorted(COMMANDS.items()):
            if role not in command.roles or command.read_only:
                continue
            for parameter in command.parameters.values():
                if not isinstance(parameter, Entity) or parameter.access != OPERATE or parameter.roles:
                    continue
                for record in parameter.records:
                    if record in foreign:
                        failure = refused(role, name, **{parameter.name: foreign[record]})
                        # That an Instance is no router is said before whose it is.
                        of_another_kind = failure.code == 431 and "is not a router" in failure.text
                        assert failure.code == 531 or of_another_kind, (role, name, parameter.name, failure)
                        tried[role] += 1
    assert min(tried.values()) >= 40
    assert cloud.admin.one("listVirtualMachines", id=machine["id"])["state"] == "Stopped"


def test_what_is_somebody_elses_is_not_listed(cloud, callers, machine):
    """A list that is asked for it is empty, or refuses; it never shows it."""
    foreign, tried = owned_by_admin(), 0
    for role in ("User", "DomainAdmin"):
        for name, command in sorted(COMMANDS.items()):
            parameter = command.parameters.get("id")
            if not command.read_only or role not in command.roles or not isinstance(parameter, Entity):
                continue
            for record in parameter.records:
                if record not in foreign or getattr(record.get(record.uuid == foreign[record]), "is_public", False):
                    continue
                try:
                    body = callers[role](name, id=foreign[record])
                except ApiFailure as failure:
                    assert failure.code in (431, 531), (role, name, failure)
                else:
                    assert foreign[record] not in str(body), (role, name, body)
                tried += 1
    assert tried >= 8
