"""What the API shows of SSH key pairs."""

from __future__ import annotations

from cloudapi.api.view import Column, Given, View
from cloudapi.models.identity import Account, Domain, SshKeyPair
from cloudapi.views.common import ProjectOwnedView
from cloudapi.views.zone.place import HasAnnotations


class SSHKeyPairView(ProjectOwnedView, View):
    record, name = SshKeyPair, "sshkeypair"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the key pair")
    name_ = Column("name", "name of the key pair")
    account = Column("account_.account_name", "account that owns it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    fingerprint = Column("fingerprint", "fingerprint of the public key")
    hasannotations = HasAnnotations()


class CreateSSHKeyPairView(SSHKeyPairView):
    name = "keypair"

    privatekey = Given("the private key, shown this once", type="string", secret=True)
