"""The sandbox: what tools written against CloudStack's simulator container expect to find."""

from __future__ import annotations

import pytest

from tests.support.program import Program, run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    made = tmp_path_factory.mktemp("demo") / "data"
    done = run("demo", "--data", made)
    assert done.returncode == 0, done.stderr
    return made


def test_is_built_and_served(data):
    with Program(data) as program:
        zone = program.get("listZones")["listzonesresponse"]["zone"][0]
        assert (zone["name"], zone["networktype"], zone["allocationstate"]) == \
            ("Sandbox-simulator", "Advanced", "Enabled")
        hosts = program.get("listHosts", type="Routing")["listhostsresponse"]["host"]
        assert sorted((host["clustername"], host["state"], host["resourcestate"]) for host in hosts) == \
            [(cluster, "Up", "Enabled") for cluster in ("C0", "C0", "C1", "C1")]
        assert program.get("listStoragePools")["liststoragepoolsresponse"]["count"] == 4
        assert program.get("listImageStores")["listimagestoresresponse"]["count"] == 1
        ranges = program.get("listVlanIpRanges")["listvlaniprangesresponse"]["vlaniprange"]
        assert [(one["startip"], one["endip"]) for one in ranges] == [("192.168.2.2", "192.168.2.200")]
        networks = program.get("listPhysicalNetworks")["listphysicalnetworksresponse"]["physicalnetwork"]
        assert [(one["vlan"], one["state"]) for one in networks] == [("100-200", "Enabled")]
        templates = program.get("listTemplates", templatefilter="featured")["listtemplatesresponse"]["template"]
        assert "CentOS 5.6 (64-bit) no GUI (Simulator)" in {template["name"] for template in templates}


def test_only_into_an_empty_installation(data):
    again = run("demo", "--data", data)
    assert again.returncode == 1
    assert "has a zone already" in again.stderr
