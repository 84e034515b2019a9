"""The monitor at work: it pings by itself, calls silent hosts out and takes them back."""

from cloudapi.services.host import agent
from cloudapi.services.host.monitor import Sighting
from tests.support.infrastructure import add_site


def record(host):
    from cloudapi.models.infrastructure import Host

    return Host.get(Host.uuid == host["id"])


def call(cloud, host, verb, **arguments):
    return agent.call(cloud.installation.context(), record(host), verb, arguments)


def test_the_monitor_pings_and_notes_when(empty_cloud):
    from cloudapi.models.infrastructure import Host

    empty_cloud.admin("updateConfiguration", name="ping.interval", value="1")
    (host,) = add_site(empty_cloud.admin, hosts=1)
    Host.update(last_pinged=1).where(Host.uuid == host["id"]).execute()
    empty_cloud.until(lambda: record(host).last_pinged > 1, "a ping")


def test_the_monitor_finds_out_that_a_host_is_silent_and_that_it_is_back(empty_cloud):
    empty_cloud.admin("updateConfiguration", name="ping.interval", value="1")
    (host,) = add_site(empty_cloud.admin, hosts=1)
    call(empty_cloud, host, "simulator.crash")
    empty_cloud.until(lambda: record(host).status == "Alert", "the alert")
    call(empty_cloud, host, "simulator.recover")
    empty_cloud.until(lambda: record(host).status == "Up", "its return")


def test_a_host_that_stays_disconnected_is_in_alert_after_the_time_of_alert_wait(empty_cloud):
    from cloudapi.models.infrastructure import Host

    (host,) = add_site(empty_cloud.admin, hosts=1)
    call(empty_cloud, host, "simulator.crash")
    moment = empty_cloud.installation.context().now()
    monitor = empty_cloud.installation.monitor
    for disconnected, status in ((moment, "Disconnected"), (moment - 1_800_001, "Alert")):
        Host.update(status="Disconnected", disconnected=disconnected).where(Host.uuid == host["id"]).execute()
        monitor.take_in([Sighting(record(host).id, moment, None)])
        assert record(host).status == status
