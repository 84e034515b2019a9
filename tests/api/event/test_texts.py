"""What events say: what was done, to which resource, and nothing that is secret."""

from __future__ import annotations

import base64

import pytest

from cloudapi import events
from cloudapi.models.common import Event
from tests.support.browser import Browser
from tests.support.cloud import ApiFailure

SECRET = "An-unspeakable-word-1"
USER_DATA = base64.b64encode(b"token=unspeakable").decode()


@pytest.fixture(scope="module")
def alice(cloud):
    return cloud.new_account()


@pytest.fixture(scope="module")
def machine(cloud, alice):
    order = {**cloud.deployment(), "name": "web", "displayname": "web", "startvm": False, "userdata": USER_DATA}
    return alice.job("deployVirtualMachine", **order)


def texts(client, **filters):
    """State and text, the first event first."""
    return [(event["state"], event["description"]) for event in reversed(client.list("listEvents", **filters))]


def test_of_a_command(cloud):
    domain = cloud.admin("createDomain", name="texts")["domain"]
    cloud.admin("updateDomain", id=domain["id"], name="words")
    assert texts(cloud.admin, resourceid=domain["id"], resourcetype="Domain") == [
        ("Completed", f"Successfully completed creating domain texts ({domain['id']})"),
        ("Completed", f"Successfully completed updating domain texts ({domain['id']})")]


def test_of_a_job(alice, machine):
    named = f"Instance web ({machine['id']})"
    assert texts(alice, resourceid=machine["id"], resourcetype="VirtualMachine", type="VM.CREATE") == [
        ("Scheduled", f"Deploying {named}"), ("Started", f"Deploying {named}"),
        ("Completed", f"Successfully completed deploying {named}")]


def test_of_a_job_that_fails(alice, machine):
    with pytest.raises(ApiFailure):
        alice.job("expungeVirtualMachine", id=machine["id"])
    with pytest.raises(ApiFailure):
        alice.job("rebootVirtualMachine", id=machine["id"])
    last = alice.list("listEvents", resourceid=machine["id"], resourcetype="VirtualMachine", type="VM.REBOOT")[0]
    assert last["level"] == "ERROR"
    assert last["description"].startswith(f"Error while rebooting Instance web ({machine['id']}): ")


def test_records_given_are_named(cloud, alice, machine):
    offering = cloud.admin.list("listDiskOfferings")[0]
    order = {"size": 1} if offering["iscustomized"] else {}
    volume = alice.job("createVolume", name="data", zoneid=machine["zoneid"], diskofferingid=offering["id"], **order)
    alice.job("attachVolume", id=volume["id"], virtualmachineid=machine["id"])
    found = texts(alice, resourceid=volume["id"], resourcetype="Volume", type="VOLUME.ATTACH")
    assert found[-1][1] == ("Successfully completed attaching volume data "
                            f"({volume['id']}) to Instance web ({machine['id']})")


def test_what_no_account_owns_is_named_by_its_id(cloud, alice, machine):
    offering = cloud.admin.one("listServiceOfferings", name="Medium Instance")
    alice("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=offering["id"])
    (found,) = texts(alice, resourceid=machine["id"], resourcetype="VirtualMachine", type="VM.UPGRADE")
    assert found[1].endswith(f"giving stopped Instance web ({machine['id']}) another service offering "
                             f"{offering['id']}")


def test_kinds_of_resources_are_cloudstacks(cloud, alice, machine):
    started = alice("startVirtualMachine", id=machine["id"])["jobid"]
    alice.wait(started)
    assert alice("queryAsyncJobResult", jobid=started)["jobinstancetype"] == "VirtualMachine"
    assert alice("queryAsyncJobResult", resourceid=machine["id"], resourcetype="VirtualMachine")["jobid"] == started
    alice.job("stopVirtualMachine", id=machine["id"], forced=True)
    routers = cloud.admin.list("listEvents", type="ROUTER.CREATE", listall=True)
    assert {event["resourcetype"] for event in routers} == {"DomainRouter"}


def test_of_a_login(cloud):
    bob = cloud.new_account()
    path = cloud.admin.one("listDomains", id=bob.domain_id)["path"].removeprefix("ROOT")
    Browser(cloud).login(username=bob.account, password="A-long-password-1", domain=path)
    ((_, text),) = texts(bob, type="USER.LOGIN")
    assert text.startswith("user has logged in from IP Address ")


def test_secrets_are_in_none(cloud, alice, machine):
    cloud.admin("updateUser", id=alice.user_id, password=SECRET)
    cloud.admin("resetUserDataForVirtualMachine", id=machine["id"], userdata=USER_DATA)
    keys = cloud.admin.job("registerUserKeys", id=alice.user_id)
    alice.apikey, alice.secretkey = keys["apikey"], keys["secretkey"]
    pair = alice("createSSHKeyPair", name="made")["keypair"]
    everything = " ".join(event.description for event in Event.select())
    for secret in (SECRET, USER_DATA, keys["secretkey"], keys["apikey"], pair["privatekey"][40:60]):
        assert secret not in everything


def test_every_type_left_is_listed(cloud, machine):
    listed = {item["name"] for item in cloud.admin.list("listEventTypes")}
    left = {event.event_type for event in Event.select(Event.event_type).distinct()}
    assert left - listed == set()
    assert {"NETWORK.CREATE", "USER.CREATE", "ROUTER.CREATE", "SSVM.START", "PROXY.STOP", "TEMPLATE.DOWNLOAD.SUCCESS",
            "UPDATE.PS", "VM.LEASE.EXPIRED", "VOLUME.DELETE"} <= listed


def test_an_undeclared_type_is_not_left(cloud):
    with pytest.raises(ValueError, match=r"VM\.FLY"):
        events.completed(cloud.installation.context(), "VM.FLY", "flying")
