"""Faults that CloudStack's own smoke suites found, beyond those that issue 2 names."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, make_network, offering, zone_of


@pytest.fixture
def domains(cloud):
    """A domain with an account, and an account outside of it."""
    inside = cloud.new_domain()
    return inside, cloud.new_account(role="DomainAdmin", domain=inside), cloud.new_account()


def test_an_offering_of_a_domain_is_for_owners_in_it_whoever_calls(cloud, domains):
    inside, member, stranger = domains
    compute = cloud.admin("createServiceOffering", name="inside", displaytext="inside", cpunumber=1, cpuspeed=100,
                          memory=64, domainid=inside)["serviceoffering"]["id"]
    what = {**cloud.deployment(), "serviceofferingid": compute}
    with pytest.raises(ApiFailure, match="not for its domain") as refused:
        cloud.admin.job("deployVirtualMachine", **what, account=stranger.account, domainid=stranger.domain_id)
    assert refused.value.code == 531
    assert cloud.admin.job("deployVirtualMachine", **what, account=member.account,
                           domainid=inside)["account"] == member.account
    assert cloud.admin.job("deployVirtualMachine", **what)["account"] == "admin"  # root admins may


def test_a_network_offering_of_a_domain_is_for_owners_in_it(cloud, domains):
    inside, member, stranger = domains
    made = cloud.admin("createNetworkOffering", name="inside", displaytext="inside", traffictype="Guest",
                       guestiptype="L2", domainid=inside)["networkoffering"]["id"]
    cloud.admin("updateNetworkOffering", id=made, state="Enabled")
    what = {"name": "n", "displaytext": "n", "zoneid": zone_of(cloud)["id"], "networkofferingid": made}
    with pytest.raises(ApiFailure, match="not for its domain"):
        cloud.admin("createNetwork", **what, account=stranger.account, domainid=stranger.domain_id)
    cloud.admin("createNetwork", **what, account=member.account, domainid=inside)


def test_with_one_physical_network_tags_do_not_matter(cloud):
    made = cloud.admin("createNetworkOffering", name="tagged", displaytext="tagged", traffictype="Guest",
                       guestiptype="L2", tags="native")["networkoffering"]["id"]
    cloud.admin("updateNetworkOffering", id=made, state="Enabled")
    network = cloud.admin("createNetwork", name="n", displaytext="n", zoneid=zone_of(cloud)["id"],
                          networkofferingid=made)["network"]
    assert network["physicalnetworkid"] == cloud.admin.one("listPhysicalNetworks")["id"]


def test_a_domain_goes_with_its_projects(cloud):
    inside = cloud.new_domain()
    owner = cloud.new_account(domain=inside)
    projects = [owner.job("createProject", name=f"p{number}", displaytext="p")["id"] for number in range(2)]
    cloud.admin.job("deleteDomain", id=inside, cleanup=True)
    assert not [project for project in cloud.admin.list("listProjects", listall=True) if project["id"] in projects]


def test_nothing_starts_in_a_suspended_project(cloud):
    owner = cloud.new_account()
    project = owner.job("createProject", name="suspended", displaytext="p")["id"]
    machine = owner.job("deployVirtualMachine", **cloud.deployment(), projectid=project)["id"]
    owner.job("suspendProject", id=project)
    with pytest.raises(ApiFailure):
        owner.job("startVirtualMachine", id=machine)
    owner.job("activateProject", id=project)
    assert owner.job("startVirtualMachine", id=machine)["state"] == "Running"


def test_the_accounts_of_a_project_that_is_gone_are_refused(cloud):
    owner = cloud.new_account()
    project = owner.job("createProject", name="gone", displaytext="p")["id"]
    owner.job("deleteProject", id=project)
    with pytest.raises(ApiFailure) as refused:
        cloud.admin("listProjectAccounts", projectid=project)
    assert refused.value.code == 431


def test_an_address_of_mail_beside_an_account_is_not_used(cloud):
    owner, guest = cloud.new_account(), cloud.new_account()
    project = owner.job("createProject", name="mailed", displaytext="p")["id"]
    owner.job("addAccountToProject", projectid=project, account=guest.account, email="guest@example.org")
    assert {row["account"] for row in owner.list("listProjectAccounts", projectid=project)} == {
        owner.account, guest.account}


def test_a_network_without_a_router_is_restarted(cloud):
    alice = cloud.new_account()
    network = make_network(alice, "DefaultL2NetworkOffering", name="flat")
    deploy(alice, networkids=network["id"])
    alice.job("restartNetwork", id=network["id"], cleanup=True)
    assert alice.one("listNetworks", id=network["id"])["restartrequired"] is False


def test_an_account_is_deleted_while_it_deploys(cloud):
    alice = cloud.new_account()
    slow = cloud.admin("configureSimulator", name="volume.create", value="wait:400")["simulatormock"]["id"]
    begun = [alice("deployVirtualMachine", **cloud.deployment()) for _ in range(5)]
    cloud.until(lambda: {machine["state"] for machine in alice.list("listVirtualMachines")} == {"Starting"},
                "all are starting")
    cloud.admin.job("deleteAccount", id=alice.account_id)
    cloud.admin("cleanupSimulatorMock", id=slow)
    ended = [cloud.until(lambda job=job: (found := cloud.admin("queryAsyncJobResult", jobid=job["jobid"]))["jobstatus"]
                         and found, "the deployment has ended") for job in begun]
    assert [job["jobstatus"] for job in ended] == [1] * 5, "what ran came to its end, and was removed then"
    machines = {job["id"] for job in begun}
    assert not machines & {machine["id"] for machine in cloud.admin.list("listVirtualMachines", listall=True)}
    assert not machines & {volume.get("virtualmachineid") for volume in cloud.admin.list("listVolumes", listall=True)}


@pytest.mark.parametrize(("kind", "letter"), [("Isolated", "i"), ("Community", "c"), ("Promiscuous", "p")])
def test_a_private_vlan_has_addresses(cloud, kind, letter):
    made = cloud.admin("createNetworkOffering", name=f"pvlan {kind}", displaytext="x", traffictype="Guest",
                       guestiptype="Shared", specifyvlan=True, specifyipranges=True,
                       supportedservices="Dhcp,Dns,UserData", **{
                           f"serviceproviderlist[{number}].{key}": value
                           for number, service in enumerate(("Dhcp", "Dns", "UserData"))
                           for key, value in (("service", service), ("provider", "VirtualRouter"))})
    made = made["networkoffering"]["id"]
    cloud.admin("updateNetworkOffering", id=made, state="Enabled")
    number = {"Isolated": 2401, "Community": 2402, "Promiscuous": 2403}[kind]
    secondary = number if kind == "Promiscuous" else 864
    network = cloud.admin("createNetwork", name=kind, displaytext=kind, zoneid=zone_of(cloud)["id"],
                          networkofferingid=made, vlan=number, isolatedpvlan=secondary, isolatedpvlantype=kind,
                          startip=f"172.16.{number - 2400}.10", endip=f"172.16.{number - 2400}.20",
                          gateway=f"172.16.{number - 2400}.1", netmask="255.255.255.0")["network"]
    assert network["broadcasturi"] == f"pvlan://{number}-{letter}{secondary}"


def test_kinds_of_traffic_say_how_they_are_kept_apart(cloud):
    physical = cloud.admin.one("listPhysicalNetworks")
    kinds = cloud.admin.list("listTrafficTypes", physicalnetworkid=physical["id"])
    assert {kind["isolationmethods"] for kind in kinds} == {physical["isolationmethods"]}


class TestPermissions:
    def test_a_projects_network_is_not_shared(self, cloud):
        owner, guest = cloud.new_account(), cloud.new_account()
        project = owner.job("createProject", name="closed", displaytext="p")["id"]
        network = owner("createNetwork", name="n", displaytext="n", zoneid=zone_of(cloud)["id"], projectid=project,
                        networkofferingid=offering(cloud.admin, "DefaultL2NetworkOffering")["id"])["network"]
        with pytest.raises(ApiFailure, match="Project owned"):
            cloud.admin("createNetworkPermissions", networkid=network["id"], accounts=guest.account)

    def test_filters_part_own_from_shared(self, cloud):
        owner, guest = cloud.new_account(), cloud.new_account()
        shared = make_network(owner, "DefaultL2NetworkOffering", name="shared")["id"]
        own = make_network(guest, "DefaultL2NetworkOffering", name="own")["id"]
        owner("createNetworkPermissions", networkid=shared, accounts=guest.account)

        def listed(client, kind, **filters):
            found = client.list("listNetworks", networkfilter=kind, **filters)
            return {network["id"] for network in found} & {own, shared}  # domains have networks too

        assert listed(guest, "Account") == {own} == listed(guest, "AccountDomain")
        assert listed(guest, "Shared") == {shared}
        assert listed(guest, "All") == {own, shared}
        assert listed(owner, "AccountDomain") == {shared} and listed(owner, "Shared") == set()
        whose = {"account": guest.account, "domainid": guest.domain_id}
        assert listed(cloud.admin, "Shared", **whose) == {shared}
        assert listed(cloud.admin, "All", **whose) == {own, shared}
