"""There are no security groups yet: nothing is made that claims to have them."""

import pytest

from tests.support.cloud import ApiFailure
from tests.support.infrastructure import add_zone
from tests.support.network import deploy_later, make_network, zone_of


def refusal(work, *arguments, **parameters):
    with pytest.raises(ApiFailure) as caught:
        work(*arguments, **parameters)
    return caught.value


@pytest.mark.parametrize("parameters", [{}, {"networktype": "Basic", "guestcidraddress": None}])
def test_no_zone_claims_to_keep_its_guests_apart(cloud, parameters):
    failure = refusal(add_zone, cloud.admin, name="secured", securitygroupenabled=True, **parameters)
    assert failure.code == 432 and "securitygroupenabled" in failure.text
    assert cloud.admin.list("listZones", name="secured") == []
    zone = add_zone(cloud.admin, **parameters)
    assert zone["securitygroupsenabled"] is False
    cloud.admin("deleteZone", id=zone["id"])


def test_no_network_has_the_service_and_no_capability_says_so(cloud):
    admin = cloud.admin
    physical = admin.list("listPhysicalNetworks", zoneid=zone_of(cloud)["id"])[0]["id"]
    provider = admin.one("listNetworkServiceProviders", physicalnetworkid=physical, name="SecurityGroupProvider")["id"]
    admin.job("updateNetworkServiceProvider", id=provider, state="Enabled")
    failure = refusal(make_network, admin, "DefaultSharedNetworkOfferingWithSGService", name="secured", vlan="1777",
                      gateway="10.8.0.1", netmask="255.255.255.0", startip="10.8.0.2", endip="10.8.0.9")
    assert failure.code == 432 and "SecurityGroup" in failure.text
    assert admin.list("listNetworks", keyword="secured") == []
    assert admin("listCapabilities")["capability"]["securitygroupsenabled"] is False


def test_an_instance_in_security_groups_is_refused(cloud):
    failure = refusal(deploy_later, cloud.new_account(), securitygroupnames="default")
    assert failure.code == 431 and "security group feature is not enabled" in failure.text
