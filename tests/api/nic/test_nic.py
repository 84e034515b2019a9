"""NICs of Instances: added and removed while they run, given other addresses."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.network import deploy, machine, make_network, router_of


@pytest.fixture(scope="module")
def place(cloud):
    """An account with a running Instance in one network, and a second network."""
    client = cloud.new_account()
    client.vm = deploy(client)
    client.network = client.vm["nic"][0]["networkid"]
    client.other = make_network(client, name="other", gateway="10.2.0.1", netmask="255.255.255.0")
    return client


def nics_on_host(cloud, vm):
    return {nic["id"]: nic for nic in machine(cloud, vm["id"]).describe()["nics"]}


def test_a_nic_is_plugged_into_a_running_instance_and_out_again(cloud, place):
    vm = place.job("addNicToVirtualMachine", virtualmachineid=place.vm["id"], networkid=place.other["id"],
                   ipaddress="10.2.0.77", macaddress="02:aa:bb:cc:dd:01", **{"dhcpoptions[0].key": "url",
                                                                             "dhcpoptions[0].value": "https://example.org"})
    (made,) = [nic for nic in vm["nic"] if nic["networkid"] == place.other["id"]]
    assert (made["ipaddress"], made["macaddress"], made["isdefault"], made["deviceid"]) == (
        "10.2.0.77", "02:aa:bb:cc:dd:01", False, "1")
    assert [(option["extradhcpoptioncode"], option["extradhcpvalue"]) for option in made["extradhcpoption"]] == [
        (114, "https://example.org")]
    assert nics_on_host(cloud, vm)[made["id"]]["ip"] == "10.2.0.77"
    assert place.one("listNetworks", id=place.other["id"])["state"] == "Implemented"
    config = machine(cloud, router_of(cloud, place.other)["id"]).config()
    assert [(host["ip"], host["default_gateway"]) for host in config["dhcp"]] == [("10.2.0.77", False)]
    with pytest.raises(ApiFailure, match="already exists"):
        place.job("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=place.other["id"])
    with pytest.raises(ApiFailure, match="default"):
        place.job("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=vm["nic"][0]["id"])
    vm = place.job("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=made["id"])
    assert [nic["networkid"] for nic in vm["nic"]] == [place.network]
    assert made["id"] not in nics_on_host(cloud, vm)
    assert machine(cloud, router_of(cloud, place.other)["id"]).config()["dhcp"] == []


def test_a_nic_that_the_host_refuses_is_not_kept(cloud, place):
    cloud.admin("configureSimulator", name="instance.plug_nic", value="fail:1", count=1)
    with pytest.raises(ApiFailure):
        place.job("addNicToVirtualMachine", virtualmachineid=place.vm["id"], networkid=place.other["id"],
                  ipaddress="10.2.0.78")
    assert len(place.list("listNics", virtualmachineid=place.vm["id"])) == 1
    again = place.job("addNicToVirtualMachine", virtualmachineid=place.vm["id"], networkid=place.other["id"],
                      ipaddress="10.2.0.78")
    nic = next(nic for nic in again["nic"] if nic["ipaddress"] == "10.2.0.78")
    place.job("removeNicFromVirtualMachine", virtualmachineid=place.vm["id"], nicid=nic["id"])


def test_another_nic_becomes_the_default_one(cloud, place):
    vm = place.job("addNicToVirtualMachine", virtualmachineid=place.vm["id"], networkid=place.other["id"])
    first, second = sorted(vm["nic"], key=lambda nic: nic["deviceid"])
    vm = place.job("updateDefaultNicForVirtualMachine", virtualmachineid=vm["id"], nicid=second["id"])
    assert {nic["id"]: nic["isdefault"] for nic in vm["nic"]} == {first["id"]: False, second["id"]: True}
    assert {key: nic["default"] for key, nic in nics_on_host(cloud, vm).items()} == {first["id"]: False,
                                                                                     second["id"]: True}
    with pytest.raises(ApiFailure, match="already the default"):
        place.job("updateDefaultNicForVirtualMachine", virtualmachineid=vm["id"], nicid=second["id"])
    place.job("updateDefaultNicForVirtualMachine", virtualmachineid=vm["id"], nicid=first["id"])
    place.job("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=second["id"])


def test_the_link_goes_down_and_up(cloud, place):
    nic = place.vm["nic"][0]["id"]
    assert place.job("updateVmNic", nicid=nic, enabled=False)["enabled"] is False
    assert nics_on_host(cloud, place.vm)[nic]["enabled"] is False
    assert place.job("updateVmNic", nicid=nic, enabled=True)["enabled"] is True
    assert nics_on_host(cloud, place.vm)[nic]["enabled"] is True


def test_secondary_addresses_serve_rules(cloud, place):
    nic = place.vm["nic"][0]["id"]
    made = place.job("addIpToNic", nicid=nic, ipaddress="10.1.1.200", description="web")
    assert (made["ipaddress"], made["nicid"], made["description"]) == ("10.1.1.200", nic, "web")
    shown = place.one("listNics", virtualmachineid=place.vm["id"])
    assert [entry["ipaddress"] for entry in shown["secondaryip"]] == ["10.1.1.200"]
    assert nics_on_host(cloud, place.vm)[nic]["secondary_ips"] == ["10.1.1.200"]
    with pytest.raises(ApiFailure, match="already assigned"):
        place.job("addIpToNic", nicid=nic, ipaddress="10.1.1.200")
    address = place.one("listPublicIpAddresses", issourcenat=True, associatednetworkid=place.network)
    rule = place.job("createPortForwardingRule", ipaddressid=address["id"], protocol="tcp", publicport=80,
                     privateport=80,
                     virtualmachineid=place.vm["id"], vmguestip="10.1.1.200")
    with pytest.raises(ApiFailure, match="rules"):
        place.job("removeIpFromNic", id=made["id"])
    place.job("deletePortForwardingRule", id=rule["id"])
    place.job("removeIpFromNic", id=made["id"])
    assert place.one("listNics", virtualmachineid=place.vm["id"])["secondaryip"] == []
    assert nics_on_host(cloud, place.vm)[nic]["secondary_ips"] == []


def test_the_number_of_secondary_addresses_has_a_limit(cloud, place):
    cloud.admin("updateConfiguration", name="vm.network.nic.max.secondary.ipaddresses", value=1)
    try:
        made = place.job("addIpToNic", nicid=place.vm["nic"][0]["id"])
        with pytest.raises(ApiFailure, match="Maximum"):
            place.job("addIpToNic", nicid=place.vm["nic"][0]["id"])
        place.job("removeIpFromNic", id=made["id"])
    finally:
        cloud.admin("updateConfiguration", name="vm.network.nic.max.secondary.ipaddresses", value=10)


def test_the_address_of_a_stopped_instance_changes(cloud, place):
    nic = place.vm["nic"][0]["id"]
    with pytest.raises(ApiFailure, match="Stopped"):
        place.job("updateVmNicIp", nicid=nic, ipaddress="10.1.1.150")
    place.job("stopVirtualMachine", id=place.vm["id"])
    vm = place.job("updateVmNicIp", nicid=nic, ipaddress="10.1.1.150")
    assert vm["nic"][0]["ipaddress"] == "10.1.1.150"
    place.job("startVirtualMachine", id=place.vm["id"])
    assert nics_on_host(cloud, vm)[nic]["ip"] == "10.1.1.150"


@pytest.mark.parametrize(("parameters", "word"), [
    ({"ipaddress": "10.1.1.1"}, "not available"),
    ({"ipaddress": "10.99.0.5"}, "not available"),
    ({"ipaddress": "nowhere"}, "ipaddress"),
])
def test_addresses_outside_the_network_are_refused(place, parameters, word):
    with pytest.raises(ApiFailure) as refused:
        place.job("addIpToNic", nicid=place.vm["nic"][0]["id"], **parameters)
    assert refused.value.code == 431 and word in refused.value.text


def test_a_wrong_mac_is_refused(place):
    for mac in ("01:00:00:00:00:01", "02:zz:00:00:00:01", place.vm["nic"][0]["macaddress"] + ":00"):
        with pytest.raises(ApiFailure, match=r"(?i)mac address"):
            place.job("addNicToVirtualMachine", virtualmachineid=place.vm["id"], networkid=place.other["id"],
                      macaddress=mac)


def test_others_cannot_change_nics(cloud, place):
    bob = cloud.new_account()
    nic = place.vm["nic"][0]["id"]
    for command, parameters in (("addIpToNic", {"nicid": nic}), ("updateVmNic", {"nicid": nic, "enabled": False}),
                                ("listNics", {"virtualmachineid": place.vm["id"]})):
        with pytest.raises(ApiFailure) as refused:
            (bob.job if command != "listNics" else bob)(command, **parameters)
        assert refused.value.code == 531
