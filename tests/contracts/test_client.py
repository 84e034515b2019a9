"""The server's side of the wire: the client, its errors, and the monitor."""

import threading
from collections import Counter

import pytest

from agents.protocol import Answer, Progress, Refusal
from cloudapi.hosts import errors
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.client import HostClient
from cloudapi.hosts.factory import open_client
from cloudapi.hosts.monitor import Monitor
from cloudapi.hosts.transports.base import Transport
from tests.contracts.conftest import new_id

ADDRESS = HostAddress("h1", "Test", "test://h1")


class Scripted(Transport):
    """Answers by a function of the request."""

    def __init__(self, answer):
        self.answer = answer
        self.closed = 0

    def send(self, address, request, timeout, on_progress):
        return self.answer(address, request, timeout, on_progress)

    def close(self):
        self.closed += 1


def client(answer):
    return HostClient({"Test": Scripted(answer)})


def refused(code):
    return lambda *_: Answer.refused("x", Refusal(code, "because")).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_found", errors.VerbRefused),
        ("internal", errors.VerbRefused),
        ("capability_missing", errors.CapabilityMissing),
        ("deadline_exceeded", errors.DeadlineExceeded),
        ("busy", errors.HostBusy),
    ],
)
def test_refusals_are_errors_of_their_kind(code, kind):
    with pytest.raises(kind, match=r"host\.ping on host h1: because") as raised:
        client(refused(code)).call(ADDRESS, "host.ping")
    assert type(raised.value) is kind
    assert (raised.value.host, raised.value.verb, raised.value.code) == ("h1", "host.ping", code)


def failing(error):
    def answer(*_):
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failing(ConnectionRefusedError("no sshd")), errors.HostUnreachable),
        (failing(TimeoutError("too slow")), errors.DeadlineExceeded),
        (lambda *_: "gibberish", errors.HostUnreachable),
        (lambda *_: '{"v":9,"id":"x","result":{}}', errors.HostUnreachable),
        (lambda *_: Progress("x", 1.0).encode(), errors.HostError),
    ],
)
def test_what_goes_wrong_on_the_way_is_an_error_too(answer, kind):
    with pytest.raises(kind):
        client(answer).call(ADDRESS, "host.ping")


def test_an_unknown_hypervisor_is_unreachable():
    with pytest.raises(errors.HostUnreachable, match="Other"):
        client(refused("busy")).call(HostAddress("h", "Other", "x"), "host.ping")


def test_progress_and_limits_reach_the_caller_and_the_transport():
    seen = []

    def answer(address, request, timeout, on_progress):
        on_progress(Progress("x", 40.0, "copying"))
        seen.append((timeout, '"deadline":5' in request, '"id":"r1"' in request))
        return Answer("x", {"done": True}).encode()

    said = []
    result = client(answer).call(ADDRESS, "v", request_id="r1", timeout=5, progress=lambda *each: said.append(each))
    assert (result, said, seen) == ({"done": True}, [(40.0, "copying")], [(5, True, True)])


def test_closing_closes_each_transport_once():
    transport = Scripted(refused("busy"))
    HostClient({"A": transport, "B": transport}).close()
    assert transport.closed == 1


def hosts(number):
    return [HostAddress(new_id(), "Simulator", f"http://sim/c0/h{each}") for each in range(number)]


def test_the_monitor_pings_every_host_once_a_round(tmp_path):
    client, addresses = open_client(str(tmp_path / "state.sqlite")), hosts(20)
    client.call(addresses[0], "simulator.crash")
    results, stop, asked = [], threading.Event(), []

    def rounds():
        # The first round is over when the second is asked for.
        asked.append(1)
        if len(asked) == 2:
            stop.set()
            return []
        return addresses

    Monitor(client, rounds, results.append, interval=lambda: 0.3).run(stop)
    assert Counter(result.address.uuid for result in results) == Counter(address.uuid for address in addresses)
    broken = [result for result in results if result.error]
    assert [result.address for result in broken] == [addresses[0]]
    assert isinstance(broken[0].error, errors.HostUnreachable) and broken[0].report is None
    assert all(result.report.instances == {} for result in results if result.report)
    client.close()


def test_the_monitor_survives_what_its_callbacks_raise(caplog):
    stop, asked = threading.Event(), []

    def listing():
        asked.append(1)
        if len(asked) == 1:
            raise RuntimeError("no database")
        if len(asked) == 3:
            stop.set()
            return []
        return [ADDRESS]

    def taken(result):
        raise RuntimeError("no room")

    Monitor(client(refused("busy")), listing, taken, interval=lambda: 0.01).run(stop)
    assert "no database" in caplog.text
    assert "no room" in caplog.text


def test_a_host_that_hangs_is_not_pinged_twice_at_a_time():
    stop, release, sent, asked = threading.Event(), threading.Event(), [], []

    def hang(*_):
        sent.append(1)
        release.wait(30)
        return Answer("x", {"instances": {}, "maintenance": False, "uptime_seconds": 1.0}).encode()

    def listing():
        asked.append(1)
        if len(asked) == 4:
            release.set()
            stop.set()
        return [ADDRESS]

    results = []
    Monitor(client(hang), listing, results.append, interval=lambda: 0.01).run(stop)
    assert (len(sent), len(results)) == (1, 1)


def test_a_stop_ends_a_round_at_once():
    stop, pinged = threading.Event(), []

    def answer(*_):
        pinged.append(1)
        stop.set()
        return refused("busy")()

    Monitor(
        client(answer), lambda: [HostAddress(str(n), "Test", "") for n in range(1000)], lambda _: None, lambda: 600.0
    ).run(stop)
    assert 1 <= len(pinged) < 1000
