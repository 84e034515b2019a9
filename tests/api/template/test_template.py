"""Templates: registered, listed by filter, shared, copied, fetched, sent, deleted."""

import itertools

import pytest

from cloudapi.services.template import download
from tests.support.cloud import ApiFailure

GB = 1_000_000_000
URL = "http://203.0.113.7/images/linux.qcow2"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def zone(cloud):
    return cloud.admin.list("listZones")[0]


@pytest.fixture(scope="module")
def guest_os(cloud):
    return cloud.admin.list("listOsTypes", description="CentOS 7")[0]["id"]


@pytest.fixture(scope="module")
def register(cloud, zone, guest_os):
    def call(client=None, wait=False, **parameters):
        given = {"name": f"template{next(numbers)}", "displaytext": "a template", "url": URL, "format": "QCOW2",
                 "hypervisor": "Simulator", "ostypeid": guest_os, "zoneid": zone["id"], **parameters}
        (made,) = (client or cloud.admin).list("registerTemplate", **given)
        return ready(cloud, made["id"]) if wait else made

    return call


def ready(cloud, template):
    def look():
        download.poll(cloud.installation.context())
        found = cloud.admin.list("listTemplates", templatefilter="all", id=template)
        return found and found[0]["isready"] and found[0]

    return cloud.until(look, "the template is downloaded")


def test_the_path_of_the_domain_begins_at_root(cloud, register):
    below = cloud.new_domain("below")
    user = cloud.new_account(domain=below)
    for client, path in ((cloud.admin, "ROOT"), (user, "ROOT/below")):
        template = register(client)["id"]
        assert client.one("listTemplates", templatefilter="self", id=template)["domainpath"] == path
    iso = user("registerIso", name="disc", displaytext="disc", url="http://203.0.113.7/images/disc.iso",
               zoneid=cloud.admin.one("listZones")["id"], bootable=False)["iso"][0]
    assert iso["domainpath"] == "ROOT/below"


def listed(client, chosen, **parameters):
    return {template["id"] for template in client.list("listTemplates", templatefilter=chosen, **parameters)}


def held(cloud, client):
    shown = cloud.admin.one("listAccounts", id=client.account_id)
    return shown["templatetotal"], shown["secondarystoragetotal"]


def test_a_registered_template_is_downloaded(cloud, register):
    made = register(checksum="{SHA-256}" + "ab" * 32, details={"rootDiskController": "scsi"})
    assert (made["isready"], made["templatetype"], made["format"]) == (False, "USER", "QCOW2")
    assert "Downloaded" in made["status"] or made["status"] == "Processing"
    template = ready(cloud, made["id"])
    assert (template["status"], template["size"], template["physicalsize"]) == ("Download Complete", GB, GB)
    assert (template["checksum"], template["details"]) == ("ab" * 32, {"rootDiskController": "scsi"})
    (progress,) = template["downloaddetails"]
    assert (progress["downloadState"], progress["downloadPercent"]) == ("DOWNLOADED", "100")


@pytest.mark.parametrize(("parameters", "text"), [
    ({"url": "ftp://203.0.113.7/x.qcow2"}, "Unsupported scheme"),
    ({"url": "file:///etc/passwd"}, "currently unsupported"),
    ({"url": "http://127.0.0.1/x.qcow2"}, "Illegal host"),
    ({"url": "http://localhost/x.qcow2"}, "Illegal host"),
    ({"url": "http://203.0.113.7/x.vhd"}, "Please specify a valid qcow2"),
    ({"format": "PNG"}, "Image format: PNG is incorrect"),
    ({"hypervisor": "Abacus"}, "Hypervisor Type: Abacus is invalid"),
    ({"hypervisor": "XenServer"}, "not of use for hypervisor XenServer"),
    ({"checksum": "xyz"}, "parameter checksum"),
    ({"checksum": "{SHA-256}abcd"}, "parameter checksum"),
    ({"arch": "z80"}, "parameter arch"),
    ({"templatetype": "WRONG"}, "valid templatetype"),
    ({"templatetype": "SYSTEM"}, "must be cross zone"),
    ({"ostypeid": None}, "guest OS type"),
    ({"zoneid": None}, "Either zoneid or zoneids"),
    ({"directdownload": True}, "directdownload"),
    ({"deployasis": True}, "deployasis"),
    ({"details": {"UEFI": "maybe"}}, "Invalid bootmode"),
    ({"name": "SystemVM Template (simulator)"}, "reserved names"),
    ({"name": " "}, "name"),
])
def test_bad_values_are_refused_and_leave_nothing(cloud, register, parameters, text):
    before = listed(cloud.admin, "all")
    with pytest.raises(ApiFailure, match=text) as failure:
        register(**parameters)
    assert failure.value.code == 431
    assert listed(cloud.admin, "all") == before


def test_every_zone_has_one_registered_for_all(cloud, register):
    template = register(zoneid=-1)
    assert template["crossZones"] is True
    with pytest.raises(ApiFailure, match="All zones"):
        register(cloud.new_account(), zoneid=-1)


def test_each_filter_shows_its_own(cloud, register):
    alice, bob = cloud.new_account(), cloud.new_account()
    private = register(alice)["id"]
    public = register(alice, ispublic=True)["id"]
    featured = register(isfeatured=True, ispublic=True)["id"]
    assert listed(alice, "self") == listed(alice, "selfexecutable") == {private, public}
    assert {private, public} & listed(bob, "self") == set()
    assert featured in listed(bob, "featured") and public not in listed(bob, "featured")
    assert public in listed(bob, "community") and featured not in listed(bob, "community")
    assert {public, featured} <= listed(bob, "executable") and private not in listed(bob, "executable")
    assert {private, public} <= listed(alice, "executable")
    assert {private, public, featured} <= listed(cloud.admin, "all")
    with pytest.raises(ApiFailure, match="admin only"):
        bob("listTemplates", templatefilter="all")
    with pytest.raises(ApiFailure, match="templatefilter"):
        bob("listTemplates", templatefilter="wrong")
    with pytest.raises(ApiFailure) as failure:
        bob("listTemplates", templatefilter="executable", id=private)
    assert failure.value.code == 531
    assert not any(t["templatetype"] == "SYSTEM" for t in bob.list("listTemplates", templatefilter="featured"))


def test_the_systems_own_are_found_by_the_system_account(cloud, zone):
    found = cloud.admin.list("listTemplates", templatefilter="self", listall=True, account="system", zoneid=zone["id"],
                             hypervisor="simulator")
    assert {t["templatetype"]: t["isready"] for t in found} == {"BUILTIN": True, "SYSTEM": True}
    every = cloud.admin.list("listTemplates", templatefilter="all")
    assert all(template["downloaddetails"] for template in every if template["isready"])


def test_a_private_one_is_shared_with_accounts(cloud, register):
    alice, bob = cloud.new_account(), cloud.new_account()
    template = register(alice)["id"]
    assert alice("updateTemplatePermissions", id=template, op="add", accounts=bob.account)["success"] is True
    assert listed(bob, "sharedexecutable") == {template}
    assert bob.one("listTemplates", templatefilter="sharedexecutable", id=template)["id"] == template
    shown = alice("listTemplatePermissions", id=template)["templatepermission"]
    assert shown["account"] == [bob.account, alice.account] and shown["ispublic"] is False
    with pytest.raises(ApiFailure) as failure:
        bob("updateTemplatePermissions", id=template, ispublic=True)
    assert failure.value.code == 531
    alice("updateTemplatePermissions", id=template, op="reset")
    assert listed(bob, "sharedexecutable") == set()
    for parameters, text in (({"op": "add"}, "requires Accounts"), ({"accounts": bob.account}, "op is missing"),
                             ({"op": "lend", "accounts": bob.account}, "op is one of"),
                             ({"op": "add", "accounts": "nobody-here"}, "Account not found")):
        with pytest.raises(ApiFailure, match=text):
            alice("updateTemplatePermissions", id=template, **parameters)


def test_public_ones_can_be_forbidden(cloud, register):
    alice = cloud.new_account()
    cloud.admin("updateConfiguration", name="allow.public.user.templates", value="false")
    try:
        with pytest.raises(ApiFailure, match="Only private"):
            register(alice, ispublic=True)
        template = register(alice)["id"]
        with pytest.raises(ApiFailure, match="Only private"):
            alice("updateTemplatePermissions", id=template, ispublic=True)
    finally:
        cloud.admin("updateConfiguration", name="allow.public.user.templates", value="true")


def test_changes(cloud, register, guest_os):
    template = register(details={"a": "1"})
    changed = cloud.admin("updateTemplate", id=template["id"], name="renamed", displaytext="other", bootable=False,
                          passwordenabled=True, isdynamicallyscalable=True, details={"b": "2"})["template"]
    assert (changed["name"], changed["displaytext"], changed["bootable"]) == ("renamed", "other", False)
    assert changed["passwordenabled"] is True and changed["isdynamicallyscalable"] is True
    assert changed["details"] == {"a": "1", "b": "2"}
    assert "details" not in cloud.admin("updateTemplate", id=template["id"], cleanupdetails=True)["template"]
    with pytest.raises(ApiFailure, match="templatetag"):
        cloud.new_account()("registerTemplate", name="x", displaytext="x", url=URL, format="QCOW2", templatetag="t",
                            hypervisor="Simulator", ostypeid=guest_os, zoneid=template["zoneid"])


def test_what_an_account_has_is_counted(cloud, register):
    alice = cloud.new_account()
    template = register(alice, wait=True)
    assert held(cloud, alice) == (1, pytest.approx(GB / 2**30, abs=0.1))
    assert alice.job("deleteTemplate", id=template["id"])["success"] is True
    assert held(cloud, alice) == (0, 0)
    assert alice.list("listTemplates", templatefilter="self", id=template["id"]) == []
    assert listed(alice, "self", showremoved=True) == {template["id"]}


def test_a_limit_keeps_a_template_out(cloud, register):
    alice = cloud.new_account()
    cloud.admin("updateResourceLimit", account=alice.account, domainid=alice.domain_id, resourcetype=4, max=0)
    with pytest.raises(ApiFailure) as failure:
        register(alice)
    assert failure.value.code == 535
    assert listed(alice, "self") == set()


def test_others_cannot_delete_it_and_the_systems_is_kept(cloud, register):
    alice, bob = cloud.new_account(), cloud.new_account()
    template = register(alice)["id"]
    with pytest.raises(ApiFailure) as failure:
        bob("deleteTemplate", id=template)
    assert failure.value.code == 531
    system = next(t for t in cloud.admin.list("listTemplates", templatefilter="all") if t["templatetype"] == "SYSTEM")
    with pytest.raises(ApiFailure, match="isSystem is set to false"):
        cloud.admin.job("deleteTemplate", id=system["id"])


def test_it_is_fetched_by_a_link(cloud, register):
    alice = cloud.new_account()
    template = register(alice, isextractable=True, wait=True)
    made = alice.job("extractTemplate", id=template["id"], mode="HTTP_DOWNLOAD", zoneid=template["zoneid"])
    assert (made["state"], made["extractMode"], made["zoneid"]) == (
        "DOWNLOAD_URL_CREATED", "HTTP_DOWNLOAD", template["zoneid"])
    assert made["url"].endswith(".qcow2")
    assert alice.job("extractTemplate", id=template["id"], mode="HTTP_DOWNLOAD")["url"] == made["url"]
    with pytest.raises(ApiFailure, match="extract mode"):
        alice.job("extractTemplate", id=template["id"], mode="FTP_UPLOAD", url="ftp://203.0.113.7/")
    kept = register(alice)
    with pytest.raises(ApiFailure, match="not extractable"):
        alice.job("extractTemplate", id=kept["id"], mode="HTTP_DOWNLOAD")


def test_it_is_copied_to_another_zone(cloud, register):
    other = cloud.admin("createZone", name="other", networktype="Advanced", dns1="8.8.8.8",
                        internaldns1="8.8.8.8")["zone"]["id"]
    template = register(wait=True)
    with pytest.raises(ApiFailure, match="no image store"):
        cloud.admin.job("copyTemplate", id=template["id"], sourcezoneid=template["zoneid"], destzoneid=other)
    cloud.admin("addImageStore", provider="NFS", name="other", url="nfs://10.3.3.3:/x", zoneid=other)
    copied = cloud.admin.job("copyTemplate", id=template["id"], sourcezoneid=template["zoneid"], destzoneid=other)
    assert (copied["zoneid"], copied["isready"]) == (other, True)
    found = cloud.admin.list("listTemplates", templatefilter="all", id=template["id"])
    assert {entry["zoneid"] for entry in found} == {template["zoneid"], other}
    assert len(cloud.admin.list("listTemplates", templatefilter="all", id=template["id"], showunique=True)) == 1
    cloud.admin.job("deleteTemplate", id=template["id"], zoneid=other)
    (left,) = cloud.admin.list("listTemplates", templatefilter="all", id=template["id"])
    assert left["zoneid"] == template["zoneid"]
    with pytest.raises(ApiFailure, match="different source and destination"):
        cloud.admin.job("copyTemplate", id=template["id"], sourcezoneid=template["zoneid"],
                        destzoneid=template["zoneid"])


def test_pools_get_it_ahead_and_give_it_up(cloud, register, zone):
    template = register(wait=True)
    pool = cloud.admin.list("listStoragePools")[0]
    before = pool["disksizeallocated"]
    cloud.admin("prepareTemplate", templateid=template["id"], zoneid=zone["id"], storageid=pool["id"])
    assert cloud.admin.one("listStoragePools", id=pool["id"])["disksizeallocated"] == before + GB
    cloud.admin("prepareTemplate", templateid=template["id"], zoneid=zone["id"], storageid=pool["id"])
    assert cloud.admin.one("listStoragePools", id=pool["id"])["disksizeallocated"] == before + GB
    assert listed(cloud.admin, "all", storageid=pool["id"]) >= {template["id"]}
    cloud.admin.job("deleteTemplate", id=template["id"])
    assert cloud.admin.one("listStoragePools", id=pool["id"])["disksizeallocated"] == before


def test_an_upload_is_permitted_and_received(cloud, register, zone, guest_os):
    from cloudapi.services.storage import link
    from cloudapi.services.template import upload

    alice = cloud.new_account()
    permit = alice("getUploadParamsForTemplate", name="sent", displaytext="sent", format="QCOW2", zoneid=zone["id"],
                   hypervisor="Simulator", ostypeid=guest_os)["getuploadparams"]
    assert permit["postURL"].endswith(permit["id"]) and permit["expires"].endswith("Z")
    context = cloud.installation.context()
    shown = link.UploadPermit(permit["id"], permit["postURL"], permit["metadata"], permit["expires"],
                              permit["signature"])
    assert link.check(context, shown)["kind"] == "template"
    with pytest.raises(ApiFailure, match="getting uploaded"):
        alice.job("deleteTemplate", id=permit["id"])
    upload.begin(context, permit["id"])
    upload.finish(context, permit["id"], 5_000_000)
    template = alice.one("listTemplates", templatefilter="self", id=permit["id"])
    assert (template["isready"], template["size"]) == (True, 5_000_000)


def test_a_forged_permit_is_refused(cloud, zone, guest_os):
    import dataclasses

    from cloudapi.errors import Unauthenticated
    from cloudapi.services.storage import link

    made = cloud.admin("getUploadParamsForTemplate", name="forged", displaytext="x", format="QCOW2", zoneid=zone["id"],
                       hypervisor="Simulator", ostypeid=guest_os)["getuploadparams"]
    permit = link.UploadPermit(made["id"], made["postURL"], made["metadata"], made["expires"], made["signature"])
    with pytest.raises(Unauthenticated):
        link.check(cloud.installation.context(), dataclasses.replace(permit, expires="2999-01-01T00:00:00.000Z"))
