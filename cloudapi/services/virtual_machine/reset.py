"""Passwords, SSH keys and user data of Instances that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, UserData
from cloudapi.models.machine import Machine, MachineKeyPair
from cloudapi.services.network import network as networks
from cloudapi.services.virtual_machine import deployment, life, password, user_data


def _default_network_serves(machine: Machine) -> bool:
    """Whether the guest can be reached with user data through its default network."""
    from cloudapi.services.nic import nic as nics

    found = next((nic for nic in nics.of_machine(machine) if nic.is_default), None)
    return found is not None and networks.has_service(found.network, "UserData")


def _check_stopped(machine: Machine, what: str) -> None:
    if machine.state in ("Error", "Expunging", "Destroyed"):
        raise InvalidParameter(f"Vm {machine.uuid} is not in the right state: {machine.state}")
    if machine.state != "Stopped":
        raise InvalidParameter(f"Vm {machine.uuid} should be stopped to do {what} reset")


def check_password(machine: Machine) -> None:
    """:raises InvalidParameter: its template takes no password, or it is not stopped."""
    if machine.template_id is None or not machine.template.password_enabled:
        raise InvalidParameter("Fail to reset password for the Instance, the Template is not password enabled")
    _check_stopped(machine, "password")


def reset_password(context: Context, machine: Machine, chosen: str | None) -> str:
    """Give a stopped Instance a password, which its guest gets at the next start. In steps. Returns it."""

    def work() -> None:
        found = life.again(machine)
        check_password(found)
        password.put(context, found, chosen or password.generate(context))

    context.steps.run(f"password of {machine.uuid}", work)
    return password.plain(context, life.again(machine)) or ""


def reset_keys(context: Context, machine: Machine, owner: Account, names: Sequence[str]) -> str | None:
    """Replace the SSH keys of a stopped Instance. In steps. Returns the new password, where its template takes one."""

    def work() -> None:
        found = life.again(machine)
        _check_stopped(found, "SSH Key")
        if not names:
            raise InvalidParameter("'keypair' or 'keypairs' must be specified")
        pairs = deployment.key_pairs(owner, names)
        MachineKeyPair.delete().where(MachineKeyPair.machine == machine.id).execute()
        for pair in pairs:
            MachineKeyPair.create(machine=machine.id, name=pair.name, public_key=pair.public_key)
        if found.template_id is not None and found.template.password_enabled:
            password.put(context, found, password.generate(context))

    context.steps.run(f"SSH keys of {machine.uuid}", work)
    return password.plain(context, life.again(machine))


def reset_user_data(context: Context, machine: Machine, content: str | None, record: UserData | None,
                    details: Mapping[str, str] | None) -> Machine:
    """Replace (or, with nothing given, take away) the user data of a stopped Instance. Within a transaction."""
    _check_stopped(machine, "UserData")
    template = machine.template if machine.template_id is not None else None
    chosen = user_data.choose(context, content, record, details, template)
    if chosen.content and not _default_network_serves(machine):
        raise InvalidParameter("The default network of the Instance does not support user data")
    Machine.update(user_data=chosen.content, user_data_id=chosen.record_id, user_data_details=chosen.details).where(
        Machine.id == machine.id).execute()
    return life.again(machine)
