"""Passwords of guests: made, kept sealed until the guest has had them, shown once, encrypted for the owner's key."""

from __future__ import annotations

import base64
import secrets
import string
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine, MachineKeyPair
from cloudapi.services import detail

# The detail by which getVMPassword finds what it answers.
ENCRYPTED = "Encrypted.Password"
SECRET_DETAILS = frozenset({"Encrypted.Password", "password"})
# Characters that nobody mistakes for others.
LETTERS = "".join(sorted(set(string.ascii_letters) - set("lIO")))
DIGITS = "23456789"


def is_secret(name: str) -> bool:
    return name in SECRET_DETAILS


def generate(context: Context) -> str:
    """Return a new password of `vm.password.length` characters, with a small and a large letter and a digit."""
    length = max(int(context.settings.get("vm.password.length")), 6)
    needed = [secrets.choice(string.ascii_lowercase.replace("l", "")), secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ"),
              secrets.choice(DIGITS)]
    rest = [secrets.choice(LETTERS + DIGITS) for _ in range(length - len(needed))]
    characters = needed + rest
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def put(context: Context, machine: Machine, text: str) -> None:
    """Give the machine a password, which it gets at its next start. Within a transaction."""
    sealed = context.installation.secrets.seal(text)
    machine.password = sealed
    Machine.update(password=sealed).where(Machine.id == machine.id).execute()
    encrypt(machine, text)


def plain(context: Context, machine: Machine) -> str | None:
    """Return the password that waits for the guest, or None."""
    return context.installation.secrets.open(machine.password) if machine.password else None


def encrypt(machine: Machine, text: str) -> None:
    """Keep the password for its owner, encrypted with the RSA key of the machine; gone where it has none."""
    row = MachineKeyPair.select().where(MachineKeyPair.machine == machine.id).order_by(MachineKeyPair.id).first()
    sealed = None if row is None else with_key(row.public_key, text)
    if sealed is None:
        detail.remove(machine, ENCRYPTED)
    else:
        detail.put(machine, {ENCRYPTED: sealed}, display=False)


def with_key(public_key: str, text: str) -> str | None:
    """Return the text encrypted with an OpenSSH public key (PKCS #1 v1.5, base64); None where it is no RSA key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        key: Any = load_ssh_public_key(public_key.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    return base64.b64encode(key.encrypt(text.encode(), padding.PKCS1v15())).decode()


def encrypted(machine: Machine) -> str:
    """Return the encrypted password.

    :raises InvalidParameter: there is none.
    """
    found = detail.get(machine).get(ENCRYPTED)
    if not found:
        raise InvalidParameter(f"No password for VM with id '{machine.uuid}' found. It was made without an SSH key "
                               "pair, or its template is not password enabled")
    return found
