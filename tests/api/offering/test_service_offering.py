"""Service offerings: what they say, for whom they are, and who may make them."""

import pytest

from tests.support.cloud import ApiFailure

FIXED = {"cpunumber": 2, "cpuspeed": 1000, "memory": 1024}


def make(client, name="offering", **values):
    return client("createServiceOffering", name=name, displaytext=name, **{**FIXED, **values})["serviceoffering"]


def refusal(client, command, **values):
    with pytest.raises(ApiFailure) as caught:
        client(command, **values)
    return caught.value


@pytest.fixture
def settings(cloud):
    """Set settings for one test: `settings(name, value)`."""
    changed = []

    def put(name, value, **scope):
        cloud.admin("updateConfiguration", name=name, value=value, **scope)
        changed.append((name, scope))

    yield put
    for name, scope in changed:
        cloud.admin("resetConfiguration", name=name, **scope)


def test_an_offering_is_shown_as_it_was_asked_for(cloud):
    made = make(
        cloud.admin, offerha=True, limitcpuuse=True, isvolatile=True, tags="fast, ssd", hosttags="gpu", networkrate=100,
        deploymentplanner="UserDispersingPlanner", rootdisksize=8, cacheMode="writeback", provisioningtype="sparse",
        encryptRoot=True, bytesReadRate=100, bytesReadRateMax=200, iopsWriteRateMaxLength=5, customizediops=False,
        miniops=10, maxiops=20, hypervisorsnapshotreserve=30, dynamicscalingenabled=False,
        serviceofferingdetails={"colour": "blue"}, externaldetails={"rack": "7"}, purgeresources=True)
    (listed,) = cloud.admin.list("listServiceOfferings", id=made["id"])
    assert listed == made
    assert made.items() >= {
        **FIXED, "offerha": True, "limitcpuuse": True, "isvolatile": True, "storagetags": "fast,ssd", "hosttags": "gpu",
        "networkrate": 100, "deploymentplanner": "UserDispersingPlanner", "rootdisksize": 8, "cacheMode": "writeback",
        "provisioningtype": "sparse", "encryptroot": True, "diskBytesReadRate": 100, "diskBytesReadRateMax": 200,
        "diskIopsWriteRateMaxLength": 5, "iscustomizediops": False, "miniops": 10, "maxiops": 20,
        "hypervisorsnapshotreserve": 30, "dynamicscalingenabled": False, "iscustomized": False, "purgeresources": True,
        "storagetype": "shared", "state": "Active", "issystem": False}.items()
    assert made["serviceofferingdetails"].items() >= {"colour": "blue", "External:rack": "7"}.items()
    assert "diskIopsReadRate" not in made and "domainid" not in made


def test_what_is_left_open_is_for_the_deployer(cloud):
    free = make(cloud.admin, cpunumber=None, memory=None, cpuspeed=None)
    assert free["iscustomized"] is True
    assert {"cpunumber", "memory", "cpuspeed"} & set(free) == set()
    limited = make(cloud.admin, cpunumber=None, memory=None, mincpunumber=2, maxcpunumber=4, minmemory=512,
                   maxmemory=2048)
    assert limited["serviceofferingdetails"] == {
        "mincpunumber": "2", "maxcpunumber": "4", "minmemory": "512", "maxmemory": "2048"}

    def listed(**filters):
        return {item["id"] for item in cloud.admin.list("listServiceOfferings", name="offering", **filters)}

    assert {free["id"], limited["id"]} <= listed(cpunumber=4, memory=2048)
    assert limited["id"] not in listed(cpunumber=5)
    assert limited["id"] not in listed(memory=4096)
    assert free["id"] in listed(cpunumber=64)


@pytest.mark.parametrize(("values", "named"), [
    ({"cpunumber": 0}, "cpunumber"),
    ({"memory": 31}, "memory"),
    ({"cpuspeed": -1}, "cpuspeed"),
    ({"cachemode": "sometimes"}, "cachemode"),
    ({"storagetype": "remote"}, "storagetype"),
    ({"provisioningtype": "thick"}, "provisioningtype"),
    ({"deploymentplanner": "Dice"}, "deploymentplanner"),
    ({"offerha": True, "storagetype": "local"}, "offerha"),
    ({"networkrate": -1}, "networkrate"),
    ({"rootdisksize": 0}, "rootdisksize"),
    ({"customizediops": False, "miniops": 20, "maxiops": 10}, "miniops"),
    ({"bytesreadrate": 20, "bytesreadratemax": 10}, "bytesreadrate"),
    ({"issystem": True, "systemvmtype": "toaster"}, "systemvmtype"),
    ({"issystem": True, "systemvmtype": "consoleproxy", "networkrate": 5}, "networkrate"),
    ({"customized": True}, "cpunumber"),
    ({"cpunumber": None, "memory": None, "mincpunumber": 1}, "maxcpunumber"),
    ({"cpunumber": None, "memory": None, "mincpunumber": 4, "maxcpunumber": 2, "minmemory": 64, "maxmemory": 128},
     "mincpunumber"),
    ({"gpucount": 1}, "gpucount"),
    ({"leaseexpiryaction": "NAP"}, "leaseexpiryaction"),
    ({"serviceofferingdetails": {"extraconfig-1": "x"}}, "extraconfig"),
])
def test_bad_values_are_refused_by_name(cloud, values, named):
    before = len(cloud.admin.list("listServiceOfferings", name="refused"))
    failure = refusal(cloud.admin, "createServiceOffering", name="refused", displaytext="x", **{**FIXED, **values})
    assert failure.code == 431
    assert named in failure.text
    assert len(cloud.admin.list("listServiceOfferings", name="refused")) == before


def test_limits_of_the_settings_hold(cloud, settings):
    settings("vm.serviceoffering.cpu.cores.max", 4)
    assert refusal(cloud.admin, "createServiceOffering", name="x", **{**FIXED, "cpunumber": 5}).code == 431
    settings("storage.max.volume.size", 10)
    assert refusal(cloud.admin, "createServiceOffering", name="x", **FIXED, rootdisksize=11).code == 431
    settings("vm.disk.bytes.maximum.read.length", 3)
    assert refusal(cloud.admin, "createServiceOffering", name="x", **FIXED, bytesreadratemaxlength=4).code == 431


def test_leases_are_kept_while_the_setting_allows_them(cloud, settings):
    assert "leaseduration" not in make(cloud.admin, leaseduration=10, leaseexpiryaction="STOP")
    settings("instance.lease.enabled", "true")
    made = make(cloud.admin, leaseduration=10, leaseexpiryaction="stop")
    assert (made["leaseduration"], made["leaseexpiryaction"]) == (10, "STOP")
    assert refusal(cloud.admin, "createServiceOffering", name="x", **FIXED, leaseduration=10).code == 431


def test_changes_and_the_end_of_sale(cloud):
    made = make(cloud.admin)
    changed = cloud.admin("updateServiceOffering", id=made["id"], name="renamed", displaytext="new", storagetags="a",
                          hosttags="b", purgeresources=True)["serviceoffering"]
    assert changed.items() >= {"name": "renamed", "displaytext": "new", "storagetags": "a", "hosttags": "b",
                               "purgeresources": True}.items()
    changed = cloud.admin("updateServiceOffering", id=made["id"], storagetags="", hosttags="")["serviceoffering"]
    assert {"storagetags", "hosttags"} & set(changed) == set()
    assert changed["name"] == "renamed"
    cloud.admin("deleteServiceOffering", id=made["id"])
    assert cloud.admin.list("listServiceOfferings", id=made["id"]) == []
    assert cloud.admin.one("listServiceOfferings", id=made["id"], state="all")["state"] == "Inactive"


def test_defaults_of_system_vms_stay(cloud):
    router = cloud.admin.one("listServiceOfferings", issystem=True, name="System Offering For Software Router")
    assert router["defaultuse"] is True and router["systemvmtype"] == "domainrouter"
    assert refusal(cloud.admin, "deleteServiceOffering", id=router["id"]).code == 431
    user = cloud.new_account()
    assert refusal(user, "listServiceOfferings", issystem=True).code == 431
    assert cloud.admin.list("listServiceOfferings", id=router["id"]) == []


def test_a_clone_is_like_its_source_but_for_what_is_asked(cloud):
    source = make(cloud.admin, name="source", tags="fast", hosttags="h1", cachemode="writethrough", rootdisksize=6,
                  serviceofferingdetails={"a": "1", "b": "2"}, domainid=cloud.new_domain())
    clone = cloud.admin("cloneServiceOffering", name="clone", sourceofferingid=source["id"], memory=2048,
                        serviceofferingdetails={"b": "3"})["serviceoffering"]
    same = ("cpunumber", "cpuspeed", "storagetags", "hosttags", "cacheMode", "rootdisksize", "domainid")
    assert {name: clone[name] for name in same} == {name: source[name] for name in same}
    assert clone["memory"] == 2048 and clone["id"] != source["id"]
    assert clone["diskofferingid"] != source["diskofferingid"]
    assert clone["serviceofferingdetails"] == {"a": "1", "b": "3"}


def test_a_disk_offering_may_be_shared(cloud):
    disk = cloud.admin.one("listDiskOfferings", name="Small")
    made = make(cloud.admin, diskofferingid=disk["id"], diskofferingstrictness=True)
    assert (made["diskofferingid"], made["diskofferingname"], made["diskofferingstrictness"]) == (
        disk["id"], "Small", True)
    cloud.admin("deleteServiceOffering", id=made["id"])
    assert cloud.admin.one("listDiskOfferings", id=disk["id"])["state"] == "Active"
    own = make(cloud.admin)["diskofferingid"]
    assert refusal(cloud.admin, "createServiceOffering", name="x", **FIXED, diskofferingid=own).code == 431


def test_domains_see_their_own_offerings_and_those_above(cloud):
    parent = cloud.new_domain()
    child = cloud.new_domain(parent=parent)
    other = cloud.new_domain()
    public, of_parent, of_child, of_other = (
        make(cloud.admin, name="scoped", domainid=domain)["id"] for domain in (None, parent, child, other))

    def seen(client, **filters):
        return {item["id"] for item in client.list("listServiceOfferings", name="scoped", **filters)}

    user = cloud.new_account(domain=child)
    boss = cloud.new_account(domain=parent, role="DomainAdmin")
    assert seen(cloud.admin) == {public, of_parent, of_child, of_other}
    assert seen(cloud.admin, domainid=parent) == {of_parent}
    assert seen(user) == {public, of_parent, of_child}
    assert seen(boss) == {public, of_parent}
    assert seen(boss, isrecursive=True) == {public, of_parent, of_child}
    assert seen(cloud.admin, account=user.account, domainid=child) == {public, of_parent, of_child}
    assert refusal(user, "listServiceOfferings", isrecursive=True).code == 431
    assert refusal(user, "listServiceOfferings", domainid=other).code == 531


def test_zones_have_their_own_offerings(cloud):
    zone = cloud.admin.list("listZones")[0]["id"]
    elsewhere = cloud.admin("createZone", name="elsewhere", networktype="Advanced", dns1="8.8.8.8",
                            internaldns1="8.8.4.4")["zone"]["id"]
    here, there, anywhere = (make(cloud.admin, name="zoned", zoneid=place) for place in (zone, elsewhere, None))
    assert here["zoneid"] == zone
    assert {item["id"] for item in cloud.admin.list("listServiceOfferings", name="zoned", zoneid=zone)} == {
        here["id"], anywhere["id"]}
    moved = cloud.admin("updateServiceOffering", id=there["id"], zoneid="all")["serviceoffering"]
    assert "zoneid" not in moved
    cloud.admin("deleteZone", id=elsewhere)


def test_domain_admins_make_untagged_offerings_for_their_domains(cloud, settings):
    domain = cloud.new_domain()
    boss = cloud.new_account(domain=domain, role="DomainAdmin")
    assert refusal(boss, "createServiceOffering", name="x", **FIXED).code == 431
    assert refusal(boss, "createServiceOffering", name="x", **FIXED, domainid=domain, tags="a").code == 431
    assert refusal(boss, "createServiceOffering", name="x", **FIXED, domainid=cloud.new_domain()).code == 531
    mine = make(boss, domainid=domain)
    assert mine["domainid"] == domain
    assert boss("updateServiceOffering", id=mine["id"], name="mine")["serviceoffering"]["name"] == "mine"
    assert refusal(boss, "updateServiceOffering", id=mine["id"], domainid="public").code == 431
    public = make(cloud.admin)
    assert refusal(boss, "updateServiceOffering", id=public["id"], name="x").code == 431
    assert refusal(boss, "deleteServiceOffering", id=public["id"]).code == 431
    boss("deleteServiceOffering", id=mine["id"])
    assert cloud.admin("isAccountAllowedToCreateOfferingsWithTags", id=boss.account_id)["isallowed"] == {
        "isallowed": False}
    settings("allow.domain.admins.to.create.tagged.offerings", "true", accountid=boss.account_id)
    assert cloud.admin("isAccountAllowedToCreateOfferingsWithTags", id=boss.account_id)["isallowed"]["isallowed"]
    assert make(boss, domainid=domain, tags="a")["storagetags"] == "a"


def test_an_offering_stays_where_instances_have_it(cloud):
    domain, other = cloud.new_domain(), cloud.new_domain()
    owner = cloud.new_account(domain=domain)
    made = make(cloud.admin, name="used", cpuspeed=100, memory=128, cpunumber=1)
    cloud.admin.job("deployVirtualMachine", **{**cloud.deployment(), "serviceofferingid": made["id"]},
                    account=owner.account, domainid=domain)
    assert "domainid" in refusal(cloud.admin, "updateServiceOffering", id=made["id"], domainid=other).text
    assert cloud.admin("updateServiceOffering", id=made["id"], domainid=domain)["serviceoffering"]["domainid"] == domain
    assert "hosttags" in refusal(cloud.admin, "updateServiceOffering", id=made["id"], hosttags="none").text
    assert "tags" in refusal(cloud.admin, "updateServiceOffering", id=made["id"], storagetags="none").text
    cloud.admin("deleteServiceOffering", id=made["id"])


def test_what_an_instance_can_change_to(cloud):
    present = make(cloud.admin, name="present", cpuspeed=200, memory=256, cpunumber=1)
    bigger = make(cloud.admin, name="bigger", cpuspeed=200, memory=512, cpunumber=1)
    smaller = make(cloud.admin, name="smaller", cpuspeed=200, memory=128, cpunumber=1)
    strict = make(cloud.admin, name="strict", cpuspeed=200, memory=512, cpunumber=1, diskofferingstrictness=True)
    local = make(cloud.admin, name="local", cpuspeed=200, memory=512, cpunumber=1, storagetype="local")
    vm = cloud.admin.job("deployVirtualMachine", **{**cloud.deployment(), "serviceofferingid": present["id"]})

    def possible():
        return {item["id"] for item in cloud.admin.list("listServiceOfferings", virtualmachineid=vm["id"])}

    assert bigger["id"] in possible()
    assert possible() & {present["id"], smaller["id"], strict["id"], local["id"]} == set()
    cloud.admin.job("stopVirtualMachine", id=vm["id"], forced=True)
    assert {bigger["id"], smaller["id"]} <= possible()


def test_a_page_costs_the_same_however_long_it_is(cloud, count_statements):
    for _ in range(3):
        make(cloud.admin, name="paged", tags="a", bytesreadrate=5, domainid=cloud.new_domain(),
             serviceofferingdetails={"x": "y"})
    cloud.admin("listServiceOfferings", name="paged", pagesize=3, page=1)
    one = count_statements(lambda: cloud.admin("listServiceOfferings", name="paged", pagesize=1, page=1))
    two = count_statements(lambda: cloud.admin("listServiceOfferings", name="paged", pagesize=2, page=1))
    assert one == two
