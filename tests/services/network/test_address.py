"""Addresses of guest networks under competition: each is given once, whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.database import database, transact
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import GuestIp, Network, Nic
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.network import address


@pytest.fixture
def network(tenants):
    def make():
        zone = Zone.create(name="z", dns1="8.8.8.8", internal_dns1="8.8.8.8", zone_token="t")
        return Network.create(name="n", zone=zone, offering=NetworkOffering.select().first(), traffic_type="Guest",
                              guest_type="Isolated", gateway="10.1.1.1", cidr="10.1.1.0/24", account_id=2, domain_id=1)

    return transact(make)


def together(number, work):
    """Do the work in so many threads at once and return the results."""

    def one(index):
        try:
            return work(index)
        finally:
            database.close()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(one, range(number)))


def test_two_hundred_at_once_get_as_many_addresses(network):
    found = together(200, lambda _: transact(lambda: address.take(network)))
    assert len(set(found)) == 200
    assert "10.1.1.1" not in found and "10.1.1.0" not in found and "10.1.1.255" not in found
    assert {row.ip for row in GuestIp.select().where(GuestIp.network == network.id)} == set(found)


def test_every_address_is_given_and_none_twice(network):
    rest = [transact(lambda: address.take(network)) for _ in range(253)]
    assert len(set(rest)) == 253
    with pytest.raises(InsufficientCapacity):
        transact(lambda: address.take(network))
    address.give_back(network.id, rest[100])
    assert transact(lambda: address.take(network)) == rest[100]


def test_of_many_that_want_one_address_one_gets_it(network):
    def want(_):
        try:
            return transact(lambda: address.take(network, "10.1.1.50"))
        except InvalidParameter:
            return None

    assert sorted(filter(None, together(20, want))) == ["10.1.1.50"]


def test_a_mac_is_given_once_in_a_network(network):
    def make(index):
        return transact(lambda: address.insert_nic({"vm_id": index}, network.id, None, 7)).mac_address

    found = together(50, make)
    assert len(set(found)) == 50 and all(mac.startswith("02:07:") for mac in found)
    with pytest.raises(InvalidParameter, match="already assigned"):
        transact(lambda: address.insert_nic({"vm_id": 99}, network.id, found[0], 7))
    assert Nic.select().where(Nic.network == network.id).count() == 50
