"""SSH key pairs of accounts: only the public half is kept."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, SshKeyPair
from cloudapi.services.account import cleanup

KINDS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")


def of_name(owner: Account, name: str) -> SshKeyPair | None:
    return SshKeyPair.alive(SshKeyPair.account_id == owner.id, SshKeyPair.name == name).first()


def check_name(owner: Account, name: str) -> None:
    if of_name(owner, name) is not None:
        raise InvalidParameter(f"A key pair with name '{name}' already exists.")


def parse(material: str) -> tuple[str, str]:
    """Return `(public key, fingerprint)` of a key as ssh-keygen writes it; also of one that is in base64 as a whole.

    :raises InvalidParameter: it is no public key.
    """
    text = material.strip()
    if not text.startswith(KINDS):
        try:
            text = base64.b64decode(text, validate=True).decode().strip()
        except ValueError:  # not base64, not even ASCII, or what it encodes is no text
            text = ""
    words = text.split(None, 2)
    if len(words) < 2 or words[0] not in KINDS:
        raise InvalidParameter("Public key is invalid: parameter publickey is not one line of an OpenSSH public key")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:
        blob = b""
    if not blob[4:].startswith(words[0].encode()):
        raise InvalidParameter("Public key is invalid: what parameter publickey encodes is not of the type it names")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return text, ":".join(digest[index:index + 2] for index in range(0, len(digest), 2))


def register(owner: Account, name: str, material: str) -> SshKeyPair:
    """Keep a public key that the client has.

    :raises InvalidParameter: the name or the key is taken, or it is no key.
    """
    check_name(owner, name)
    public_key, fingerprint = parse(material)
    if SshKeyPair.alive(SshKeyPair.account_id == owner.id, SshKeyPair.fingerprint == fingerprint).exists():
        raise InvalidParameter(f"A key pair with key '{fingerprint}' already exists for this account.")
    return _save(owner, name, public_key, fingerprint)


def create(context: Context, owner: Account, name: str) -> tuple[SshKeyPair, str]:
    """Make a new pair; return it with the private key, which is not kept."""
    check_name(owner, name)
    private = rsa.generate_private_key(public_exponent=65537, key_size=int(context.settings.get("ssh.key.length")))
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    secret = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                   serialization.NoEncryption()).decode()
    public_key, fingerprint = parse(public)
    return _save(owner, name, public_key, fingerprint), secret


def _save(owner: Account, name: str, public_key: str, fingerprint: str) -> SshKeyPair:
    return SshKeyPair.create(
        name=name, account_id=owner.id, domain_id=owner.domain_id, public_key=public_key, fingerprint=fingerprint)


def delete(owner: Account, name: str) -> None:
    """Forget a key; Instances that have it keep it.

    :raises InvalidParameter: there is none of this name.
    """
    found = of_name(owner, name)
    if found is None:
        raise InvalidParameter(f"A key pair with name '{name}' does not exist for account {owner.account_name} "
                               "in specified domain id")
    found.delete_instance()


@cleanup.register(70, "SSH key pairs")
def remove_all(context: Context, account: Account) -> None:
    SshKeyPair.delete().where(SshKeyPair.account_id == account.id).execute()
