"""`hasannotations`: whether somebody has commented on what is listed."""

import pytest

from cloudapi.models.common import Annotation
from cloudapi.models.database import transact


def comment(uuid, admins_only=False):
    transact(lambda: Annotation.create(entity_type="ANY", entity_uuid=uuid, text="a comment", user_id=1,
                                       admins_only=admins_only))


@pytest.fixture(scope="module")
def alice(cloud):
    client = cloud.new_account("alice")
    client("createSSHKeyPair", name="key")
    client("registerUserData", name="data", userdata="aGVsbG8=")
    client.job("createVolume", name="disk", zoneid=cloud.admin.one("listZones")["id"],
               diskofferingid=cloud.admin.list("listDiskOfferings", name="Small")[0]["id"])
    client.job("deployVirtualMachine", **cloud.deployment(), name="machine")
    return client


@pytest.mark.parametrize(("command", "parameters"), [
    ("listServiceOfferings", {"name": "Small Instance"}), ("listDiskOfferings", {"name": "Small"}),
    ("listSSHKeyPairs", {"name": "key"}), ("listUserData", {"name": "data"}), ("listVolumes", {"name": "disk"}),
    ("listVirtualMachines", {"name": "machine"})])
def test_comments_are_told_to_those_who_may_see_them(cloud, alice, command, parameters):
    (shown,) = alice.list(command, **parameters)
    assert shown["hasannotations"] is False
    comment(shown["id"], admins_only=True)
    assert alice.one(command, **parameters)["hasannotations"] is False
    assert cloud.admin.one(command, **parameters, listall=True)["hasannotations"] is True
    comment(shown["id"])
    assert alice.one(command, **parameters)["hasannotations"] is True


def test_comments_on_system_vms(cloud):
    one, other = cloud.until(lambda: len(found := cloud.admin.list("listSystemVms")) == 2 and found, "system VMs")
    comment(one["id"])
    found = {each["id"]: each["hasannotations"] for each in cloud.admin.list("listSystemVms")}
    assert found == {one["id"]: True, other["id"]: False}
