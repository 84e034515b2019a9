"""SSH key pairs."""

from __future__ import annotations

from typing import Any

from cloudapi.api.command import EVERYONE, Command, OwnerParameters
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Entity, Text
from cloudapi.context import Context
from cloudapi.models.identity import SshKeyPair
from cloudapi.services.ssh_key_pair import key_pair as key_pairs
from cloudapi.views.ssh_key_pair.key_pair import CreateSSHKeyPairView, SSHKeyPairView


class CreateSSHKeyPair(OwnerParameters, Command):
    """Makes an SSH key pair and answers its private key, which is shown this once."""

    action = "creating an SSH key pair"
    roles, event, response = EVERYONE, "REGISTER.SSH.KEYPAIR", CreateSSHKeyPairView
    subject = "name"

    name = Text(required=True, help="its name, unique in the account")

    def run(self, context: Context) -> dict[str, Any]:
        made, secret = key_pairs.create(context, self.owner(context), self.name)
        return {**CreateSSHKeyPairView.one(context, made), "privatekey": secret}


class RegisterSSHKeyPair(OwnerParameters, Command):
    """Registers the public key of an SSH key pair that the client has."""

    roles, event, response, wrapper = EVERYONE, "REGISTER.SSH.KEYPAIR", SSHKeyPairView, "keypair"

    name = Text(required=True, help="its name, unique in the account")
    publickey = Text(required=True, length=5120, help="the public key as ssh-keygen writes it")

    def run(self, context: Context) -> SshKeyPair:
        return key_pairs.register(self.owner(context), self.name, self.publickey)


class DeleteSSHKeyPair(OwnerParameters, Command):
    """Deletes an SSH key pair; Instances that have it keep it."""

    roles, event = EVERYONE, "DELETE.SSH.KEYPAIR"
    subject = "name"

    name = Text(required=True, help="the key pair")

    def run(self, context: Context) -> None:
        key_pairs.delete(self.owner(context), self.name)


class ListSSHKeyPairs(OwnedListCommand):
    """Lists SSH key pairs."""

    lasting = True
    roles, response = EVERYONE, SSHKeyPairView
    keywords = ("name", "fingerprint")

    id = Entity(SshKeyPair, access="operate", column="id", minus_one=True, help="the key pair with this ID")
    name = Text(column="name", help="the key pair of this name")
    fingerprint = Text(column="fingerprint", help="the key pair with this fingerprint")
