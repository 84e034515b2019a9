"""`restartrequired`: a network whose routers could not be brought in order says so until they are."""

import contextlib

import pytest

from cloudapi.services.router import router
from tests.support.cloud import ApiFailure
from tests.support.network import deploy


@pytest.fixture
def alice(cloud):
    client = cloud.new_account()
    client.vm = deploy(client)
    client.network = client.vm["nic"][0]["networkid"]
    yield client
    cloud.admin.job("destroyVirtualMachine", id=client.vm["id"], expunge=True)


@contextlib.contextmanager
def failing(cloud, verb):
    fault = cloud.admin("configureSimulator", name=verb, value="result:fail")["simulatormock"]["id"]
    try:
        yield
    finally:
        cloud.admin("cleanupSimulatorMock", id=fault)


def wants_restart(client):
    shown = client.one("listNetworks", id=client.network)["restartrequired"]
    found = {wanted: [network["id"] for network in client.list("listNetworks", restartrequired=wanted)]
             for wanted in (True, False)}
    assert found == {shown: [client.network], not shown: []}
    return shown


@pytest.mark.parametrize(("verb", "cleanup"), [("router.apply", False), ("router.apply", True),
                                               ("instance.start", True)])
def test_a_restart_that_fails_is_to_be_repeated(cloud, alice, verb, cleanup):
    assert not wants_restart(alice)
    with failing(cloud, verb):
        with pytest.raises(ApiFailure):
            alice.job("restartNetwork", id=alice.network, cleanup=cleanup)
        assert wants_restart(alice)
    alice.job("restartNetwork", id=alice.network, cleanup=True)
    assert not wants_restart(alice)


def test_a_refused_restart_changes_nothing(alice):
    with pytest.raises(ApiFailure, match="makeredundant needs cleanup"):
        alice.job("restartNetwork", id=alice.network, makeredundant=True, cleanup=False)
    assert not wants_restart(alice)


def test_a_rule_that_the_router_does_not_take_asks_for_a_restart_until_the_router_is_up_to_date(cloud, alice):
    with failing(cloud, "router.apply"):
        with pytest.raises(ApiFailure):
            alice.job("createEgressFirewallRule", networkid=alice.network, protocol="tcp", startport=22, endport=22)
        assert wants_restart(alice)
    router.left_behind(cloud.installation.context())
    assert not wants_restart(alice)


def test_a_router_that_does_not_start_with_an_instance_asks_for_a_restart(cloud, alice):
    device = cloud.admin.one("listRouters", networkid=alice.network, listall=True)
    cloud.admin.job("destroyRouter", id=device["id"])
    with failing(cloud, "instance.start"), pytest.raises(ApiFailure):
        deploy(alice)
    assert wants_restart(alice)
    alice.job("restartNetwork", id=alice.network, cleanup=False)
    assert not wants_restart(alice)
