"""What Instances are given: names, sizes, disks, addresses, keys, passwords, user data, leases, owners."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.cloud import ApiFailure


@pytest.fixture(scope="module")
def parts(cloud):
    admin = cloud.admin
    return {"zoneid": admin.one("listZones")["id"],
            "templateid": admin.list("listTemplates", templatefilter="featured")[0]["id"],
            "serviceofferingid": admin.one("listServiceOfferings", name="Small Instance")["id"], "startvm": False}


@pytest.fixture(scope="module")
def carol(cloud):
    return cloud.new_account("carol")


@pytest.fixture
def deploy(carol, parts):
    """Deploys Instances, Stopped unless told otherwise; they go with the test."""
    made = []

    def work(client=carol, **parameters):
        made.append(client.job("deployVirtualMachine", **{**parts, **parameters}))
        return made[-1]

    yield work
    for machine in made:
        carol.cloud.admin.job("destroyVirtualMachine", id=machine["id"], expunge=True)


@pytest.mark.parametrize(("parameters", "reason"), [
    ({"name": "under_score"}, "Vm name can contain ASCII letters"),
    ({"name": "9lives"}, "can't start with digit"),
    ({"rootdisksize": 0}, "positive"),
    ({"keypair": "nowhere"}, "Not all specified keypairs exist: nowhere"),
    ({"userdata": "not base64!"}, "not base64"),
    ({"ipaddress": "10.9.9.9"}, "10.9.9.9"),
    ({"ipaddress": "nonsense"}, "nonsense"),
    ({"boottype": "UEFI"}, "bootmode"),
    ({"size": 3}, "diskofferingid"),
    ({"details": {"cpuNumber": "2"}}, "cannot be specified"),
    ({"details": {"extraconfig-1": "x"}}, "extraconfig"),
    ({"extraconfig": "a=b"}, "enable.additional.vm.configuration"),
    ({"affinitygroupnames": "nowhere"}, "nowhere"),
    ({"securitygroupnames": "default"}, "security group"),
    ({"hypervisor": "KVM"}, "different from the hypervisor type of the Template"),
    ({"hypervisor": "Nothing"}, "Hypervisor Nothing is not known"),
    ({"nicmultiqueuenumber": 4}, "only be set for KVM"),
])
def test_what_cannot_be_is_refused_and_leaves_nothing(carol, parts, parameters, reason):
    with pytest.raises(ApiFailure) as refused:
        carol("deployVirtualMachine", **{**parts, **parameters})
    assert refused.value.code == 431
    assert reason in refused.value.text
    assert carol("listVirtualMachines") == {}
    assert carol("listVolumes") == {}


def test_host_names_are_used_once_in_a_network(carol, deploy, parts):
    deploy(name="web")
    with pytest.raises(ApiFailure, match="already exists in the network domain"):
        carol("deployVirtualMachine", **{**parts, "name": "web"})


def test_names_addresses_and_disks_that_are_asked_for(cloud, carol, deploy):
    small = cloud.admin.one("listDiskOfferings", name="Small")
    network = deploy()["nic"][0]["networkid"]
    made = deploy(name="db", displayname="Database", networkids=network, ipaddress="10.1.1.77", rootdisksize=4,
                  diskofferingid=small["id"], group="tier", details={"purpose": "test"})
    assert (made["name"], made["displayname"], made["group"]) == ("db", "Database", "tier")
    assert made["nic"][0]["ipaddress"] == made["ipaddress"] == "10.1.1.77"
    assert made["details"]["purpose"] == "test"
    disks = {disk["type"]: disk for disk in carol.list("listVolumes", virtualmachineid=made["id"])}
    assert disks["ROOT"]["size"] == 4 << 30
    assert disks["DATADISK"]["size"] == small["disksize"] << 30
    assert cloud.admin.one("listVirtualMachines", id=made["id"])["instancename"].startswith("i-")


def test_a_custom_offering_takes_its_size_from_the_details(cloud, carol, deploy, parts):
    custom = cloud.admin("createServiceOffering", name="Custom one", displaytext="Custom one")["serviceoffering"]["id"]
    with pytest.raises(ApiFailure, match="missing: cpuSpeed, memory"):
        carol("deployVirtualMachine", **{**parts, "serviceofferingid": custom}, details={"cpuNumber": 2})
    made = deploy(serviceofferingid=custom, details={"cpuNumber": 2, "cpuSpeed": 700, "memory": 640})
    assert (made["cpunumber"], made["cpuspeed"], made["memory"]) == (2, 700, 640)
    scaled = carol.job("scaleVirtualMachine", id=made["id"], serviceofferingid=custom, details={"memory": 768})
    assert (scaled["cpunumber"], scaled["cpuspeed"], scaled["memory"]) == (2, 700, 768)


@pytest.fixture(scope="module")
def bounded(cloud):
    """An offering of 1 to 4 cores at 500 MHz with 256 to 1024 MiB."""
    return cloud.admin("createServiceOffering", name="Bounded", displaytext="Bounded", cpuspeed=500, mincpunumber=1,
                       maxcpunumber=4, minmemory=256, maxmemory=1024)["serviceoffering"]["id"]


def size(shown):
    return [int(shown[name]) for name in ("cpunumber", "cpuspeed", "memory")]


def totals(client):
    account = client.one("listAccounts", id=client.account_id)
    return [account["cputotal"], account["memorytotal"]]


def test_details_change_the_size_of_a_stopped_instance_with_a_custom_offering(cloud, carol, deploy, parts, bounded):
    fixed = deploy()
    with pytest.raises(ApiFailure, match="cannot be updated for a non-dynamic offering") as refused:
        carol("updateVirtualMachine", id=fixed["id"], details={"memory": 512})
    assert refused.value.code == 431
    made = deploy(serviceofferingid=bounded, details={"cpuNumber": 1, "memory": 256})
    before = totals(carol)
    changed = carol("updateVirtualMachine", id=made["id"], details={"CPUNUMBER": 3, "memory": 512, "purpose": "test"})
    assert size(changed["virtualmachine"]) == [3, 500, 512]
    details = changed["virtualmachine"]["details"]
    assert (details["cpuNumber"], details["memory"], details["purpose"]) == ("3", "512", "test")
    assert "CPUNUMBER" not in details
    assert [now - then for now, then in zip(totals(carol), before, strict=True)] == [2, 256]
    # What a client read it may send back; what is not sent stays.
    carol("updateVirtualMachine", id=made["id"], details={**details, "memory": 300})
    assert size(carol.one("listVirtualMachines", id=made["id"])) == [3, 500, 300]
    for wrong in ({"cpuNumber": 5}, {"memory": 128}, {"memory": "much"}, {"cpuSpeed": 501}):
        with pytest.raises(ApiFailure) as refused:
            carol("updateVirtualMachine", id=made["id"], details=wrong)
        assert refused.value.code == 431
    cloud.admin("updateResourceLimit", resourcetype=8, max=totals(carol)[0], account=carol.account,
                domainid=carol.domain_id)
    try:
        with pytest.raises(ApiFailure, match="exceeded") as refused:
            carol("updateVirtualMachine", id=made["id"], details={"cpuNumber": 4})
        assert refused.value.code == 431
    finally:
        cloud.admin("updateResourceLimit", resourcetype=8, max=-1, account=carol.account, domainid=carol.domain_id)
    assert size(carol.one("listVirtualMachines", id=made["id"])) == [3, 500, 300]
    assert size(carol.job("startVirtualMachine", id=made["id"])) == [3, 500, 300]


def test_details_of_a_running_instance_change_its_size_at_its_next_start(cloud, carol, deploy, bounded):
    made = deploy(serviceofferingid=bounded, details={"cpuNumber": 1, "memory": 256}, startvm=True)
    host = cloud.admin.one("listVirtualMachines", id=made["id"])["hostid"]

    def room():
        found = cloud.admin.one("listHosts", id=host)
        return found["cpuallocatedvalue"], found["memoryallocatedbytes"]

    before, used = totals(carol), room()
    changed = carol("updateVirtualMachine", id=made["id"], details={"cpuNumber": 2})["virtualmachine"]
    assert (size(changed), changed["details"]["cpuNumber"]) == ([1, 500, 256], "2")
    assert (totals(carol), room()) == (before, used)
    carol.job("stopVirtualMachine", id=made["id"])
    assert size(carol.job("startVirtualMachine", id=made["id"])) == [2, 500, 256]
    assert totals(carol) == [before[0] + 1, before[1]]
    assert cloud.admin.one("listVirtualMachines", id=made["id"])["hostid"] == host
    assert room() == (used[0] + 500, used[1])


def test_a_destroyed_instance_can_be_changed(cloud, carol, deploy, bounded):
    made = deploy(serviceofferingid=bounded, details={"cpuNumber": 1, "memory": 256})
    before = totals(carol)
    carol.job("destroyVirtualMachine", id=made["id"])
    changed = carol("updateVirtualMachine", id=made["id"], displayname="Gone", details={"cpuNumber": 2})
    assert (changed["virtualmachine"]["displayname"], changed["virtualmachine"]["state"]) == ("Gone", "Destroyed")
    assert totals(carol) == [before[0] - 1, before[1] - 256]
    cloud.admin("recoverVirtualMachine", id=made["id"])
    assert totals(carol) == [before[0] + 1, before[1]]


def test_resources_are_counted_while_they_exist(carol, deploy):
    def counts():
        account = carol.one("listAccounts", id=carol.account_id)
        return {name: account[name] for name in ("vmtotal", "cputotal", "memorytotal", "volumetotal")}

    before = counts()
    made = deploy()
    after = counts()
    assert [after[name] - before[name] for name in before] == [1, 1, 512, 1]
    carol.cloud.admin.job("destroyVirtualMachine", id=made["id"])
    destroyed = counts()
    assert [destroyed[name] - before[name] for name in ("vmtotal", "cputotal", "memorytotal")] == [0, 0, 0]


def test_a_password_is_shown_once_and_kept_for_the_owners_key(cloud, carol, deploy, parts):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    carol("registerSSHKeyPair", name="mine", publickey=public)
    cloud.admin("updateTemplate", id=parts["templateid"], passwordenabled=True)
    try:
        made = deploy(keypair="mine", startvm=True)
        text = made["password"]
        assert len(text) >= 6 and made["keypairs"] == "mine"
        assert "password" not in carol.one("listVirtualMachines", id=made["id"])
        assert text not in str(cloud.admin("listEvents", listall=True)), "events bear no secrets"
        sealed = carol("getVMPassword", id=made["id"])["password"]["encryptedpassword"]
        assert key.decrypt(base64.b64decode(sealed), padding.PKCS1v15()).decode() == text
        with pytest.raises(ApiFailure, match="should be stopped"):
            carol.job("resetPasswordForVirtualMachine", id=made["id"])
        carol.job("stopVirtualMachine", id=made["id"])
        new = carol.job("resetPasswordForVirtualMachine", id=made["id"], password="Chosen-1")["password"]
        assert new == "Chosen-1"
        sealed = carol("getVMPassword", id=made["id"])["password"]["encryptedpassword"]
        assert key.decrypt(base64.b64decode(sealed), padding.PKCS1v15()).decode() == new
    finally:
        cloud.admin("updateTemplate", id=parts["templateid"], passwordenabled=False)


def test_user_data(carol, deploy, cloud):
    text = base64.b64encode(b"#cloud-config\n").decode()
    made = deploy(userdata=text)
    shown = carol("getVirtualMachineUserData", virtualmachineid=made["id"])["virtualmachineuserdata"]
    assert shown == {"virtualmachineid": made["id"], "userdata": text}
    assert "userdata" not in carol.one("listVirtualMachines", id=made["id"])
    assert carol.one("listVirtualMachines", id=made["id"], userdata=True)["userdata"] == text
    other = base64.b64encode(b"#!/bin/sh\n").decode()
    cloud.admin("resetUserDataForVirtualMachine", id=made["id"], userdata=other)
    assert carol.one("listVirtualMachines", id=made["id"], userdata=True)["userdata"] == other


def test_details_are_replaced_and_some_are_kept_from_users(cloud, carol, deploy):
    made = deploy(details={"a": "1"})
    carol("updateVirtualMachine", id=made["id"], details={"b": "2"}, displayname="Renamed")
    found = carol.one("listVirtualMachines", id=made["id"])
    assert (found["details"], found["displayname"]) == ({"b": "2"}, "Renamed")
    with pytest.raises(ApiFailure, match="restricted setting: cpuOvercommitRatio"):
        carol("updateVirtualMachine", id=made["id"], details={"cpuOvercommitRatio": "9"})
    carol("updateVirtualMachine", id=made["id"], cleanupdetails=True)
    assert carol.one("listVirtualMachines", id=made["id"])["details"] == {}
    with pytest.raises(ApiFailure, match="HA disabled"):
        carol("updateVirtualMachine", id=made["id"], haenable=True)


def test_a_list_shows_the_groups_of_fields_that_are_asked_for(carol, deploy):
    made = deploy()
    least = carol.one("listVirtualMachines", id=made["id"], details="min")
    assert "nic" not in least and "templateid" not in least and least["state"] == "Stopped"
    nics = carol.one("listVirtualMachines", id=made["id"], details="nics,servoff")
    assert nics["nic"] and nics["serviceofferingid"] and "templateid" not in nics
    assert carol("listVirtualMachines", retrieveonlyresourcecount=True) == {"count": 1, "virtualmachine": []}
    assert carol("listVirtualMachines", state="Running") == {}
    assert carol("listVirtualMachines", keyword="no such name") == {}


def test_others_neither_see_nor_touch_it(cloud, deploy):
    made = deploy()
    mallory = cloud.new_account()
    assert mallory("listVirtualMachines", id=made["id"]) == {}
    for command in ("startVirtualMachine", "destroyVirtualMachine", "stopVirtualMachine"):
        with pytest.raises(ApiFailure) as refused:
            mallory(command, id=made["id"])
        assert refused.value.code == 531


def test_a_stopped_instance_moves_to_another_account(cloud, deploy):
    made = deploy()
    dave = cloud.new_account()
    moved = cloud.admin("assignVirtualMachine", virtualmachineid=made["id"], account=dave.account,
                        domainid=dave.domain_id)["virtualmachine"]
    assert moved["account"] == dave.account
    assert moved["nic"][0]["networkid"] != made["nic"][0]["networkid"]
    assert dave.one("listVolumes", virtualmachineid=made["id"])["account"] == dave.account
    assert dave.job("startVirtualMachine", id=made["id"])["state"] == "Running"


def test_leases_are_kept_only_where_they_are_enabled(cloud, carol, deploy):
    assert "leaseduration" not in deploy(leaseduration=5, leaseexpiryaction="STOP")
    cloud.admin("updateConfiguration", name="instance.lease.enabled", value="true")
    try:
        made = deploy(leaseduration=5, leaseexpiryaction="STOP")
        assert (made["leaseduration"], made["leaseexpiryaction"]) == (5, "STOP")
        assert carol.one("listVirtualMachines", leased=True)["id"] == made["id"]
        carol("updateVirtualMachine", id=made["id"], leaseduration=9, leaseexpiryaction="DESTROY")
        assert carol.one("listVirtualMachines", id=made["id"])["leaseduration"] == 9
        with pytest.raises(ApiFailure, match="Provide values for both"):
            carol("updateVirtualMachine", id=made["id"], leaseduration=3)
    finally:
        cloud.admin("resetConfiguration", name="instance.lease.enabled")
