"""What fits nothing that is there - a name that is taken, a state that does not allow it - is refused by name too."""

from __future__ import annotations

import re

import pytest

import cloudapi.commands
from cloudapi.api.registry import Registry
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.storage import Snapshot, StoragePool, Volume
from tests.support.cloud import ApiFailure
from tests.support.guess import Guess

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGz1ZpCkz4kWcO0r8GKxkTq5n1mBT7Y0c0oXU4oQ0H3A taken"
# States in which nothing can be begun: something is under way, or it is as good as gone.
BUSY = {
    Machine: ("Starting", "Stopping", "Migrating", "Expunging", "Error"),
    Volume: ("Creating", "Attaching", "Migrating", "Snapshotting", "Resizing", "Expunging", "Expunged"),
    Snapshot: ("CreatedOnPrimary", "BackingUp", "Error", "Destroying"),
    Network: ("Implementing", "Shutdown", "Destroy"),
    IpAddress: ("Allocating", "Releasing"),
    StoragePool: ("Initializing", "PrepareForMaintenance", "ErrorInMaintenance", "CancelMaintenance"),
}


def commands():
    registry = Registry()
    registry.load(cloudapi.commands)
    return {command.api_name(): command for command in registry if command.authenticated}


COMMANDS = commands()


def names_a_parameter(failure):
    words = "|".join(COMMANDS[failure.command].parameters)
    return re.search(rf"(?<![\w-])({words})(?![\w-])", failure.text, re.IGNORECASE) is not None


def refusal(client, command, **parameters):
    """The failure of a call, of its job where it becomes one."""
    with pytest.raises(ApiFailure) as failure:
        body = client(command, **parameters)
        if COMMANDS[command].is_async:
            client.wait(body["jobid"], command)
    assert "Traceback" not in failure.value.text
    return failure.value


@pytest.fixture(scope="module")
def place(cloud):
    zone = cloud.admin.list("listZones")[0]["id"]
    return {"zone": zone, "pod": cloud.admin.list("listPods")[0]["id"],
            "physical": cloud.admin.list("listPhysicalNetworks")[0]["id"],
            "domain": cloud.admin.one("listDomains", name="ROOT")["id"]}


USER = {"username": "taken", "password": "A-long-password-1", "firstname": "A", "lastname": "B",
        "email": "a@example.org"}
TWICE = {
    "createDomain": lambda place: {"name": "taken"},
    "createAccount": lambda place: {**USER, "accounttype": 0},
    "createRole": lambda place: {"name": "taken", "type": "User"},
    "importRole": lambda place: {"name": "taken-import", "type": "User", "rules": [
        {"rule": "listZones", "permission": "allow"}]},
    "createZone": lambda place: {"name": "taken", "networktype": "Advanced", "dns1": "8.8.8.8",
                                 "internaldns1": "10.0.0.1"},
    "createPod": lambda place: {"name": "taken", "zoneid": place["zone"], "gateway": "172.31.9.1",
                                "netmask": "255.255.255.0", "startip": "172.31.9.2"},
    "addCluster": lambda place: {"clustername": "taken", "clustertype": "CloudManaged", "hypervisor": "Simulator",
                                 "zoneid": place["zone"], "podid": place["pod"]},
    "createProject": lambda place: {"name": "taken", "displaytext": "taken"},
    "registerSSHKeyPair": lambda place: {"name": "taken", "publickey": KEY},
    "createSSHKeyPair": lambda place: {"name": "taken-made"},
    "registerUserData": lambda place: {"name": "taken", "userdata": "MTIz"},
    "registerCniConfiguration": lambda place: {"name": "taken", "cniconfig": "MTIz"},
    "addGuestOs": lambda place: {"osdisplayname": "taken", "oscategoryid": place["category"]},
    "addOsCategory": lambda place: {"name": "taken"},
    "addRegion": lambda place: {"id": 2, "name": "taken", "endpoint": "http://taken/client/api"},
    "addTrafficType": lambda place: {"physicalnetworkid": place["physical"], "traffictype": "Guest"},
    "addNetworkServiceProvider": lambda place: {"physicalnetworkid": place["physical"], "name": "VirtualRouter"},
    "createTags": lambda place: {"resourcetype": "Zone", "resourceids": place["zone"], "tags": {"taken": "1"}},
}


@pytest.mark.parametrize("command", sorted(TWICE))
def test_a_name_that_is_taken(cloud, place, command):
    place["category"] = cloud.admin.list("listOsCategories")[0]["id"]
    parameters = TWICE[command](place)
    for _ in range(2):  # what the sandbox has already is refused at once
        try:
            body = cloud.admin(command, **parameters)
            if COMMANDS[command].is_async:
                cloud.admin.wait(body["jobid"], command)
        except ApiFailure as failure:
            refused = failure
            break
    else:
        pytest.fail(f"{command} took the same twice")
    assert refused.code in (431, 530, 537), refused
    assert names_a_parameter(refused) or refused.code != 431, refused


def test_a_user_s_name_that_is_taken(cloud):
    made = cloud.new_account()
    parameters = {**USER, "username": made.account, "account": made.account}
    failure = refusal(cloud.admin, "createUser", **parameters)
    assert names_a_parameter(failure)


def operations(record):
    """Commands that change what their subject is, with the parameter that names it."""
    for name, command in sorted(COMMANDS.items()):
        parameter = command.parameters.get(command.subject)
        if not command.read_only and record in getattr(parameter, "records", ()):
            yield name, command, parameter


@pytest.fixture(scope="module")
def subjects(cloud):
    machine = cloud.admin.job("deployVirtualMachine", **cloud.deployment())
    volume = cloud.admin.job("createVolume", name="data", zoneid=machine["zoneid"], size=1, diskofferingid=next(
        item["id"] for item in cloud.admin.list("listDiskOfferings") if item["iscustomized"]))
    cloud.admin.job("attachVolume", id=volume["id"], virtualmachineid=machine["id"])
    snapshot = cloud.admin.job("createSnapshot", volumeid=volume["id"])
    network = cloud.admin.list("listNetworks")[0]["id"]
    address = cloud.admin.job("associateIpAddress", networkid=network)
    pool = cloud.admin.list("listStoragePools")[0]["id"]
    return {Machine: machine["id"], Volume: volume["id"], Snapshot: snapshot["id"], Network: network,
            IpAddress: address["id"], StoragePool: pool}


@pytest.mark.parametrize("record", BUSY, ids=lambda record: record.__name__)
def test_a_state_that_does_not_allow_it(cloud, subjects, record):
    """Whatever is asked of a resource that is busy is done, or refused in words that are CloudStack's."""
    guess, tried = Guess(seed=3), 0
    found = record.get(record.uuid == subjects[record])
    for state in BUSY[record]:
        for name, command, parameter in operations(record):
            record.update(state=state).where(record.id == found.id).execute()
            request = {**guess.request(command, optional=0, but=parameter.name), parameter.name: found.uuid}
            try:
                body = cloud.admin(name, **request)
                if command.is_async:
                    cloud.admin.wait(body["jobid"], name)
            except ApiFailure as failure:
                assert failure.code in (431, 432, 530, 531, 533, 534, 535, 536, 537), (state, failure)
                assert not re.search(r"failed: \w+(Error|DoesNotExist)", failure.text), (state, failure)
                assert failure.code != 431 or names_a_parameter(failure), (state, failure)
                tried += 1
            record.update(removed=None).where(record.id == found.id).execute()
    assert tried >= 3


class TestWhatFailedOnce:
    def test_reservations_are_cleaned_where_there_are_none(self, cloud):
        assert cloud.admin.job("cleanVMReservations")["success"] is True

    @pytest.mark.parametrize(("command", "parameter"), [("registerUserData", "userdata"),
                                                        ("registerSSHKeyPair", "publickey")])
    def test_base64_that_is_not_even_ascii(self, cloud, command, parameter):
        failure = refusal(cloud.admin, command, name="wide", **{parameter: "\U0001d54f"})
        assert failure.code == 431
        assert parameter in failure.text

    def test_an_archived_snapshot_is_not_archived_again(self, cloud, subjects):
        Snapshot.update(state="BackedUp").where(Snapshot.uuid == subjects[Snapshot]).execute()
        failure = refusal(cloud.admin, "archiveSnapshot", id=subjects[Snapshot])
        assert (failure.code, "on primary storage" in failure.text) == (530, True)

    def test_a_count_of_what_bears_a_tag(self, cloud, place):
        counted = cloud.admin.list("updateResourceCount", domainid=place["domain"], tag="gold")
        assert {row["resourcetypename"] for row in counted} == {"user_vm", "cpu", "memory", "gpu", "volume",
                                                                "primary_storage"}

    @pytest.mark.parametrize("name", sorted(name for name, command in COMMANDS.items()
                                            if "customid" in command.parameters))
    def test_an_id_of_ones_own_is_a_uuid(self, cloud, name):
        failure = refusal(cloud.admin, name, **{**Guess(seed=1).request(COMMANDS[name], optional=0),
                                                "customid": "not-a-uuid"})
        assert failure.code == 431

    def test_a_speed_that_no_database_column_takes(self, cloud, place):
        failure = refusal(cloud.admin, "updatePhysicalNetwork", id=place["physical"], networkspeed="1" * 17)
        assert failure.code == 431
        assert "networkspeed" in failure.text

    def test_pools_of_a_size_that_no_sum_takes(self, cloud):
        pool = cloud.admin.list("listStoragePools")[0]["id"]
        failure = refusal(cloud.admin, "updateStoragePool", id=pool, capacitybytes=2**63 - 1)
        assert failure.code == 431
        assert "capacitybytes" in failure.text
        assert cloud.admin.list("listZones", showcapacities=True)

    def test_a_machine_moves_to_where_it_is(self, cloud):
        machine = cloud.admin.job("deployVirtualMachine", startvm=False, **cloud.deployment())
        disk = cloud.admin.one("listVolumes", virtualmachineid=machine["id"], listall=True)
        there = disk.get("storageid") or StoragePool.alive().first().uuid
        Volume.update(state="Ready", pool=StoragePool.get(StoragePool.uuid == there).id).where(
            Volume.uuid == disk["id"]).execute()
        failure = refusal(cloud.admin, "migrateVirtualMachine", virtualmachineid=machine["id"], storageid=there)
        assert failure.code == 431
        assert "storageid" in failure.text

    def test_details_that_are_too_long(self, cloud, place):
        for details in ({"k" * 241: "v"}, {"k": "v" * 5121}):
            failure = refusal(cloud.admin, "updateZone", id=place["zone"], details=details)
            assert failure.code == 431
            assert "details" in failure.text
