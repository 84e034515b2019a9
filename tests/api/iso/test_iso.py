"""ISOs: registered, listed, put into the drives of Instances."""

import itertools

import pytest

from cloudapi.services.template import download
from tests.support.cloud import ApiFailure

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def zone(cloud):
    return cloud.admin.list("listZones")[0]["id"]


@pytest.fixture(scope="module")
def register(cloud, zone):
    guest_os = cloud.admin.list("listOsTypes", description="CentOS 7")[0]["id"]

    def call(client=None, **parameters):
        given = {"name": f"iso{next(numbers)}", "displaytext": "an ISO", "zoneid": zone, "ostypeid": guest_os,
                 "url": "http://203.0.113.7/images/boot.iso", **parameters}
        return (client or cloud.admin).list("registerIso", **given)[0]

    return call


@pytest.fixture(scope="module")
def images(cloud, register):
    """Two ISOs that are ready."""
    made = [register(ispublic=True)["id"] for _ in range(2)]

    def look():
        download.poll(cloud.installation.context())
        found = cloud.admin.list("listIsos", isofilter="all", listall=True)
        return {iso["id"] for iso in found if iso["isready"]} >= set(made)

    cloud.until(look, "the ISOs are downloaded")
    return made


@pytest.fixture(scope="module")
def machine(cloud, zone):
    """A running Instance, and a stopped one."""
    template = cloud.admin.one("listTemplates", templatefilter="featured")["id"]
    offering = cloud.admin.list("listServiceOfferings")[0]["id"]
    return [cloud.admin.job("deployVirtualMachine", zoneid=zone, templateid=template, serviceofferingid=offering,
                            startvm=start)["id"] for start in (True, False)]


def test_it_is_installed_and_listed(cloud, images):
    iso = cloud.admin.one("listIsos", id=images[0])
    assert (iso["status"], iso["format"], iso["bootable"]) == ("Successfully Installed", "ISO", True)
    assert "hypervisor" not in iso
    bob = cloud.new_account()
    assert {entry["id"] for entry in bob.list("listIsos", isofilter="community")} >= set(images)
    assert bob.list("listIsos") == []
    with pytest.raises(ApiFailure, match="is not an ISO"):
        cloud.admin("listIsos", id=cloud.admin.one("listTemplates", templatefilter="featured")["id"])
    with pytest.raises(ApiFailure, match="Incorrect format ISO"):
        cloud.admin("listTemplates", templatefilter="all", id=images[0])


@pytest.mark.parametrize(("parameters", "text"), [
    ({"url": "http://203.0.113.7/boot.img"}, "valid iso"),
    ({"ostypeid": None}, "valid GuestOS"),
    ({"imagestoreuuid": "nothing"}, "imagestoreuuid"),
])
def test_bad_values_are_refused(register, parameters, text):
    with pytest.raises(ApiFailure, match=text) as failure:
        register(**parameters)
    assert failure.value.code == 431


def test_one_that_is_not_bootable_has_no_guest_os(register):
    iso = register(bootable=False, ostypeid=None)
    assert iso["bootable"] is False and iso["ostypename"] == "None"


@pytest.mark.parametrize("which", [0, 1])
def test_it_goes_into_the_drive_and_out_again(cloud, images, machine, which):
    first, second = images
    shown = cloud.admin.job("attachIso", id=first, virtualmachineid=machine[which])
    assert shown["isoid"] == first
    with pytest.raises(ApiFailure, match="already attached"):
        cloud.admin.job("attachIso", id=first, virtualmachineid=machine[which])
    with pytest.raises(ApiFailure, match="maximum of 1"):
        cloud.admin.job("attachIso", id=second, virtualmachineid=machine[which])
    with pytest.raises(ApiFailure, match="used by other instances"):
        cloud.admin.job("deleteIso", id=first)
    assert cloud.admin.job("attachIso", id=second, virtualmachineid=machine[which], forced=True)["isoid"] == second
    assert "isoid" not in cloud.admin.job("detachIso", virtualmachineid=machine[which])
    with pytest.raises(ApiFailure, match="no ISO attached"):
        cloud.admin.job("detachIso", virtualmachineid=machine[which])


def test_others_may_not_use_a_private_one(cloud, register, machine):
    iso = register(cloud.new_account())["id"]
    bob = cloud.new_account()
    with pytest.raises(ApiFailure) as failure:
        bob("attachIso", id=iso, virtualmachineid=machine[0])
    assert failure.value.code == 531


def test_permissions_and_uploads(cloud, register, zone, images):
    alice = cloud.new_account()
    iso = register(alice)["id"]
    alice("updateIsoPermissions", id=iso, ispublic=True)
    assert alice("listIsoPermissions", id=iso)["templatepermission"]["ispublic"] is True
    with pytest.raises(ApiFailure, match="valid Template"):
        alice("listTemplatePermissions", id=iso)
    assert alice("updateIso", id=iso, name="renamed")["iso"]["name"] == "renamed"
    permit = alice("getUploadParamsForIso", name="sent", format="ISO", zoneid=zone, bootable=False)["getuploadparams"]
    assert permit["signature"]
    with pytest.raises(ApiFailure, match="Image format"):
        alice("getUploadParamsForIso", name="sent", format="QCOW2", zoneid=zone, bootable=False)
    assert alice.job("deleteIso", id=iso)["success"] is True
