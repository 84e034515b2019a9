"""SSH key pairs: made, registered, listed and deleted, each account its own."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from cloudapi.models.identity import SshKeyPair
from tests.support.cloud import ApiFailure


def public_key():
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


@pytest.fixture
def user(bare_cloud):
    return bare_cloud.new_account()


def refused(client, command, **parameters):
    with pytest.raises(ApiFailure) as caught:
        client(command, **parameters)
    return caught.value


def test_a_made_pair_fits_and_its_private_half_is_shown_once(bare_cloud, user):
    made = user("createSSHKeyPair", name="mine")["keypair"]
    private = serialization.load_pem_private_key(made["privatekey"].encode(), None)
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    row = SshKeyPair.get(SshKeyPair.uuid == made["id"])
    assert row.public_key.split()[:2] == public.decode().split()[:2]
    assert private.key_size == 2048
    (listed,) = user.list("listSSHKeyPairs")
    assert "privatekey" not in listed
    assert listed == {key: value for key, value in made.items() if key != "privatekey"}
    assert len(made["fingerprint"].split(":")) == 16
    body = made["privatekey"].splitlines()[1]
    events = user.list("listEvents", type="REGISTER.SSH.KEYPAIR")
    assert len(events) == 1
    assert body not in str(events)


def test_the_length_follows_the_setting(bare_cloud, user):
    bare_cloud.admin("updateConfiguration", name="ssh.key.length", value="3072")
    try:
        made = user("createSSHKeyPair", name="long")["keypair"]
    finally:
        bare_cloud.admin("resetConfiguration", name="ssh.key.length")
    assert serialization.load_pem_private_key(made["privatekey"].encode(), None).key_size == 3072


@pytest.mark.parametrize("comment", ["", " me@laptop", " a comment of words"])
def test_a_registered_one_keeps_its_comment(user, comment):
    made = user("registerSSHKeyPair", name="mine", publickey=public_key() + comment + "\n")["keypair"]
    assert SshKeyPair.get(SshKeyPair.uuid == made["id"]).public_key.endswith(comment)


@pytest.mark.parametrize("wrong", ["x", "ssh-rsa", "ssh-rsa AAAA", "ssh-ed25519 not!base64",
                                   "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_public_key(user, wrong):
    failure = refused(user, "registerSSHKeyPair", name="mine", publickey=wrong)
    assert failure.code == 431
    assert "publickey" in failure.text
    assert user("listSSHKeyPairs") == {}


def test_a_key_of_one_type_that_says_it_is_another(user):
    blob = public_key().split()[1]
    assert "publickey" in refused(user, "registerSSHKeyPair", name="mine", publickey=f"ssh-rsa {blob}").text


def test_names_and_keys_are_unique_in_an_account(bare_cloud, user):
    key = public_key()
    user("registerSSHKeyPair", name="mine", publickey=key)
    assert "mine" in refused(user, "registerSSHKeyPair", name="mine", publickey=public_key()).text
    assert "mine" in refused(user, "createSSHKeyPair", name="mine").text
    assert "already exists" in refused(user, "registerSSHKeyPair", name="other", publickey=key + " again").text
    other = bare_cloud.new_account()
    assert other("registerSSHKeyPair", name="mine", publickey=key)["keypair"]["name"] == "mine"
    assert user("listSSHKeyPairs")["count"] == other("listSSHKeyPairs")["count"] == 1


def test_deleting_by_name(bare_cloud, user):
    user("registerSSHKeyPair", name="mine", publickey=public_key())
    assert refused(bare_cloud.new_account(), "deleteSSHKeyPair", name="mine").code == 431
    assert user("deleteSSHKeyPair", name="mine") == {"success": True}
    assert user("listSSHKeyPairs") == {}
    assert refused(user, "deleteSSHKeyPair", name="mine").code == 431


def test_filters(user):
    made = {name: user("registerSSHKeyPair", name=name, publickey=public_key())["keypair"] for name in ("a1", "a2")}
    assert user.one("listSSHKeyPairs", name="a1") == made["a1"]
    assert user.one("listSSHKeyPairs", fingerprint=made["a2"]["fingerprint"]) == made["a2"]
    assert user.one("listSSHKeyPairs", id=made["a2"]["id"]) == made["a2"]
    assert user("listSSHKeyPairs", keyword="A")["count"] == 2


def test_the_admin_of_the_domain_acts_for_its_accounts_and_a_stranger_does_not(bare_cloud):
    domain = bare_cloud.new_domain()
    boss, member = bare_cloud.new_account(domain=domain, role="DomainAdmin"), bare_cloud.new_account(domain=domain)
    whose = {"account": member.about["account"], "domainid": domain}
    made = boss("registerSSHKeyPair", name="given", publickey=public_key(), **whose)["keypair"]
    assert made["account"] == member.about["account"]
    assert member.one("listSSHKeyPairs")["id"] == made["id"]
    assert boss("listSSHKeyPairs") == {}
    assert boss("listSSHKeyPairs", listall=True)["count"] == 1
    stranger = bare_cloud.new_account()
    assert refused(stranger, "createSSHKeyPair", name="x", **whose).code == 531
    assert refused(stranger, "listSSHKeyPairs", id=made["id"]).code == 531


def test_they_go_with_their_account(bare_cloud, user):
    made = user("registerSSHKeyPair", name="mine", publickey=public_key())["keypair"]
    bare_cloud.admin.job("deleteAccount", id=user.about["account_id"])
    assert SshKeyPair.get_or_none(SshKeyPair.uuid == made["id"]) is None
