"""What hosts say about the guests that they take: rules on the guest OS, its category, hardware virtualisation."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_host


@pytest.fixture(scope="module")
def parts(cloud):
    """A deployment that only hosts with the tag `pair` take, and its template's category."""
    admin, parts = cloud.admin, cloud.deployment()
    offering = admin("createServiceOffering", name="pair", displaytext="pair", cpunumber=1, cpuspeed=100, memory=128,
                     hosttags="pair")["serviceoffering"]
    template = admin.one("listTemplates", templatefilter="all", id=parts["templateid"])
    guest_os = admin.one("listOsTypes", id=template["ostypeid"])
    admin("updateConfiguration", name="vm.allocation.algorithm", value="firstfit")
    return {**parts, "serviceofferingid": offering["id"]}, guest_os


@pytest.fixture
def deploy(cloud, parts):
    made = []

    def run(**more):
        instance = cloud.admin.job("deployVirtualMachine", **{**parts[0], **more})
        made.append(instance["id"])
        return instance["hostname"]

    yield run
    for instance in made:
        cloud.admin.job("destroyVirtualMachine", id=instance, expunge=True)


@pytest.fixture
def hosts(cloud):
    """Makes hosts with the tag, which other tests leave alone."""
    made = []
    cluster = cloud.admin.list("listClusters")[0]

    def run(url="http://sim/c0/pair"):
        made.append(add_host(cloud.admin, cluster, url=url, hosttags="pair"))
        return made[-1]

    yield run
    for host in made:
        cloud.admin("deleteHost", id=host["id"], forced=True)


def test_a_host_whose_rule_keeps_the_guest_os_out_is_left_out(cloud, parts, hosts, deploy):
    admin, (_, guest_os) = cloud.admin, parts
    first, second = hosts(), hosts()
    admin("updateHost", id=first["id"], guestosrule="vmGuestOs.toLowerCase().includes('abacus')")
    assert admin.one("listHosts", id=first["id"])["guestosrule"].startswith("vmGuestOs")
    assert deploy() == second["name"]
    admin("updateHost", id=second["id"], guestosrule="vmGuestOs == 'Abacus'")
    with pytest.raises(ApiFailure) as refused:
        deploy()
    assert refused.value.code == 533
    for host in (first, second):
        assert f"{host['name']}: its guest OS rule keeps {guest_os['description']} out" in refused.value.text
    assert deploy(hostid=first["id"]) == first["name"], "as in CloudStack, a host that is named is not asked"
    admin("updateHost", id=first["id"], guestosrule=f"vmGuestOs == '{guest_os['description']}' && !(1 == 2)")
    assert deploy() == first["name"]
    admin("updateHost", id=second["id"], guestosrule="")
    assert "guestosrule" not in admin.one("listHosts", id=second["id"])


def test_hosts_of_the_guests_category_come_first_and_those_of_others_last(cloud, parts, hosts, deploy):
    admin, (_, guest_os) = cloud.admin, parts
    first, second = hosts(), hosts()
    assert deploy() == first["name"]
    admin("updateHost", id=second["id"], oscategoryid=guest_os["oscategoryid"])
    assert deploy() == second["name"]
    other = next(category for category in admin.list("listOsCategories")
                 if category["id"] != guest_os["oscategoryid"] and category["name"] != "None")
    admin("updateHost", id=second["id"], guestosrule="vmGuestOs != ''")
    assert "oscategoryid" not in admin.one("listHosts", id=second["id"]), "a rule takes the place of a category"
    admin("updateHost", id=first["id"], oscategoryid=other["id"])
    assert deploy() == second["name"]
    admin("updateHost", id=second["id"], oscategoryid=other["id"])
    assert deploy() in (first["name"], second["name"]), "last is not never"


def test_a_stopped_instance_does_not_return_to_a_host_that_prefers_other_guests(cloud, parts, hosts):
    admin, (wanted, guest_os) = cloud.admin, parts
    first, second = hosts(), hosts()
    instance = admin.job("deployVirtualMachine", **wanted)
    assert instance["hostname"] == first["name"]
    admin.job("stopVirtualMachine", id=instance["id"])
    other = next(category for category in admin.list("listOsCategories")
                 if category["id"] != guest_os["oscategoryid"] and category["name"] != "None")
    admin("updateHost", id=first["id"], oscategoryid=other["id"])
    assert admin.job("startVirtualMachine", id=instance["id"])["hostname"] == second["name"]
    admin.job("destroyVirtualMachine", id=instance["id"], expunge=True)


def test_a_template_that_requires_hvm_leaves_hosts_without_it_out(cloud, parts, hosts, deploy):
    admin, (wanted, _) = cloud.admin, parts
    host = hosts("http://sim/c0/pair/hvm=false")
    assert "hvm" not in host["capabilities"].split(",")
    with_hvm = admin.list("listHosts", type="Routing")[0]
    assert "hvm" in with_hvm["capabilities"].split(",")
    before = admin.one("listTemplates", templatefilter="all", id=wanted["templateid"])["requireshvm"]
    try:
        admin("updateTemplate", id=wanted["templateid"], requireshvm=True)
        with pytest.raises(ApiFailure, match=rf"{host['name']}: it has no hardware virtualisation \(hvm\)"):
            deploy()
        admin("updateTemplate", id=wanted["templateid"], requireshvm=False)
        hosts()
        assert deploy() == host["name"], "what needs no hvm leaves the other hosts free"
    finally:
        admin("updateTemplate", id=wanted["templateid"], requireshvm=before)


@pytest.mark.parametrize("rule", ["vmGuestOs", "process.exit()", "vmGuestOs == 'a", "vmGuestOs == 1", "1 == 1)",
                                  "(" * 200, "vmGuestOs.length(", "vmGuestOs == 'a' 'b'"])
def test_a_rule_that_cannot_be_understood_is_refused(cloud, rule):
    host = cloud.admin.list("listHosts", type="Routing")[0]
    with pytest.raises(ApiFailure, match="guestosrule") as refused:
        cloud.admin("updateHost", id=host["id"], guestosrule=rule)
    assert refused.value.code == 431
    category = cloud.admin.list("listOsCategories")[0]["id"]
    with pytest.raises(ApiFailure, match="only one of them") as refused:
        cloud.admin("updateHost", id=host["id"], guestosrule="vmGuestOs != ''", oscategoryid=category)
    assert refused.value.code == 431
