"""What only simulated hosts do: faults on order, and things behind the server's back."""

import concurrent.futures
import json
import subprocess
import sys

import pytest

from agents.hypervisors.simulator.commands import COMMANDS
from agents.verbs import VERBS
from cloudapi.hosts.errors import DeadlineExceeded, HostUnreachable, VerbRefused
from tests.contracts.conftest import GIB, new_id


def order(cloud, name, value, **more):
    return cloud.first("simulator.configure", name=name, value=value, **more)


def left(cloud, fault):
    return cloud.first("simulator.query", fault=fault["id"])["count"]


def test_the_next_requests_fail_and_then_no_more(cloud):
    fault = order(cloud, "StartCommand", "result:fail", count=2, zone=1)
    spec = cloud.spec()
    for remaining in (1, 0):
        assert cloud.first.refuses("failed", "instance.start", instance=spec) == "Simulated failure"
        assert left(cloud, fault) == remaining
    cloud.first("instance.start", instance=spec)
    assert left(cloud, fault) == 0


def test_a_repeated_request_meets_its_own_failure_again(cloud):
    order(cloud, "instance.start", "result:fail", count=1)
    arguments = {"instance": cloud.spec()}
    for _ in range(2):
        with pytest.raises(VerbRefused, match="Simulated failure"):
            cloud.client.call(cloud.first.address, "instance.start", arguments, request_id="r1")
    cloud.client.call(cloud.first.address, "instance.start", arguments, request_id="r2")


@pytest.mark.parametrize("place", ["zone", "pod", "cluster", "host"])
def test_a_fault_holds_for_its_range_alone(cloud, place):
    numbers = {"zone": 1, "pod": 2, "cluster": 3, "host": 4}
    order(cloud, "StopCommand", "result:fail", **{place: 99})
    cloud.first("instance.stop", instance="x")
    fault = order(cloud, "StopCommand", "result:fail", **{place: numbers[place]})
    cloud.first.refuses("failed", "instance.stop", instance="x")
    if place == "host":
        cloud.second("instance.stop", instance="x")
    else:
        cloud.second.refuses("failed", "instance.stop", instance="x")
    cloud.first("simulator.cleanup", fault=fault["id"])
    cloud.first("instance.stop", instance="x")


def test_the_same_name_and_range_replaces(cloud):
    old = order(cloud, "StopCommand", "result:fail", zone=1)
    new = order(cloud, "StopCommand", "wait:0", zone=1, count=5)
    assert [each["id"] for each in cloud.first("simulator.list")["faults"]] == [new["id"]]
    cloud.first.refuses("not_found", "simulator.query", fault=old["id"])
    cloud.first.refuses("not_found", "simulator.cleanup", fault=old["id"])
    cloud.first("instance.stop", instance="x")
    assert left(cloud, new) == 4


def test_delays_and_timeouts_end_at_the_deadline(cloud):
    order(cloud, "host.ping", "wait:600000", count=1)
    with pytest.raises(DeadlineExceeded):
        cloud.client.call(cloud.first.address, "host.ping", timeout=0.02)
    cloud.first("host.ping")
    spec = cloud.spec()
    order(cloud, "StartCommand", "timeout", count=1)
    with pytest.raises(DeadlineExceeded):
        cloud.client.call(cloud.first.address, "instance.start", {"instance": spec}, request_id="r", timeout=0.02)
    assert cloud.first("host.ping")["instances"] == {}
    # The same request sent again is new to the host.
    cloud.client.call(cloud.first.address, "instance.start", {"instance": spec}, request_id="r")


def test_a_delayed_request_is_done(cloud):
    order(cloud, "StartCommand", "wait:1", count=1)
    cloud.started()


def test_a_delay_holds_up_nobody_else(cloud):
    order(cloud, "StartCommand", "wait:600000", host=4)
    spec = cloud.spec()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        delayed = pool.submit(cloud.client.call, cloud.first.address, "instance.start", {"instance": spec}, "slow", 600)
        cloud.started(cloud.second)
        while cloud.client.call(cloud.first.address, "agent.cancel", {"request": "slow"}) != {"running": True}:
            pass
        with pytest.raises(DeadlineExceeded, match="cancelled"):
            delayed.result(60)
    assert cloud.first("host.ping")["instances"] == {}


def test_an_answer_can_be_given_in_place_of_the_work(cloud):
    order(
        cloud,
        "host.ping",
        "result:success",
        count=1,
        json_response='{"instances": {"x": "PowerOn"}, "maintenance": false}',
    )
    assert cloud.first("host.ping")["instances"] == {"x": "PowerOn"}
    answer = {"com.cloud.agent.api.StopAnswer": {"result": False, "details": "no luck"}}
    order(cloud, "StopCommand", "wait:0", count=1, json_response=json.dumps(answer))
    assert cloud.first.refuses("failed", "instance.stop", instance="x") == "no luck"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"name": "FlyCommand", "value": "result:fail"}, "'name'"),
        ({"name": "StartCommand", "value": "result:maybe"}, "'value'"),
        ({"name": "StartCommand", "value": "wait:soon"}, "'value'"),
        ({"name": "StartCommand", "value": "colour:red"}, "'value'"),
        ({"name": "StartCommand", "value": "wait:1", "count": -1}, "'count'"),
        ({"name": "StartCommand", "value": "wait:1", "json_response": "["}, "'json_response'"),
        ({"name": "StartCommand", "value": "wait:1", "json_response": "[]"}, "'json_response'"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(cloud, arguments, named):
    assert named in cloud.first.refuses("bad_argument", "simulator.configure", **arguments)
    assert cloud.first("simulator.list")["faults"] == []


def test_every_verb_can_be_named_by_a_fault():
    assert set(COMMANDS) == {name for name in VERBS if not name.startswith("simulator.")}


def test_a_fault_can_name_any_verb(cloud):
    order(cloud, "volume.describe", "fault", count=1)
    volume = cloud.volume()
    cloud.first.refuses("internal", "volume.describe", pool=cloud.pool, volume=volume)
    cloud.first("volume.describe", pool=cloud.pool, volume=volume)


def test_a_guest_shuts_itself_down(cloud):
    spec = cloud.started(memory_bytes=8 * GIB)
    cloud.first("simulator.stop_instance", instance=spec["id"])
    assert cloud.first("host.ping")["instances"] == {spec["id"]: "PowerOff"}
    cloud.first.refuses("not_found", "instance.reboot", instance=spec["id"])
    # Its capacity and its disks are free: it may be started again, here or elsewhere.
    cloud.second("instance.start", instance=spec)
    assert cloud.first("host.ping")["instances"] == {}
    cloud.started(memory_bytes=8 * GIB)


def test_a_crashed_host_is_unreachable_and_comes_back_empty(cloud):
    spec = cloud.started()
    cloud.first("simulator.crash")
    with pytest.raises(HostUnreachable):
        cloud.first("host.ping")
    cloud.second("instance.start", instance=spec)
    cloud.first("simulator.recover")
    assert cloud.first("host.ping")["instances"] == {}
    cloud.first.refuses(
        "not_found", "instance.start", instance=cloud.spec(disks=[{"volume": "v", "pool": cloud.pool, "device": 0}])
    )


def test_a_migration_to_a_crashed_host_is_refused(cloud):
    spec = cloud.started()
    cloud.second("instance.prepare_migration", instance=spec)
    cloud.second("simulator.crash")
    target = {"destination": cloud.second.id, "destination_url": "http://sim/c0/h1"}
    cloud.first.refuses("wrong_state", "instance.migrate", instance=spec["id"], **target)
    assert cloud.first("host.ping")["instances"] == {spec["id"]: "PowerOn"}


def test_availability_is_kept_per_host(cloud):
    wanted = {"health": False, "activity": True, "recover": True, "fence": False}
    cloud.first("simulator.set_availability", **wanted)
    assert cloud.first("simulator.availability") == wanted
    assert all(cloud.second("simulator.availability").values())


def test_hardware_is_named_by_the_url(cloud):
    from dataclasses import replace

    address = replace(cloud.first.address, uuid=new_id(), url="http://sim/c0/h9/cpucore=16&memory=1024&arch=aarch64")
    host = cloud.client.call(address, "host.describe")
    assert (host["cpus"], host["cpu_mhz"], host["memory_bytes"], host["arch"]) == (16, 8000, 1024, "aarch64")
    with pytest.raises(VerbRefused, match="'cpucore'"):
        cloud.client.call(replace(address, uuid=new_id(), url="http://sim/c0/h9/cpucore=0"), "host.describe")


def test_two_hundred_callers_at_once_lose_nothing(cloud):
    def deploy(number):
        host = (cloud.first, cloud.second)[number % 2]
        spec = cloud.spec(cpu_mhz=10, memory_bytes=1 << 20)
        host("instance.start", instance=spec)
        return spec["id"]

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        started = set(pool.map(deploy, range(200)))
    running = [set(host("host.ping")["instances"]) for host in (cloud.first, cloud.second)]
    assert running[0] | running[1] == started
    assert [len(each) for each in running] == [100, 100]
    assert cloud.first("host.statistics")["cpu_mhz_allocated"] == 1000


def test_two_processes_never_start_the_same_instance(tmp_path):
    program = """
import sys
from agents.hypervisors.simulator import Location, Simulator
from agents.protocol import Request
simulator = Simulator(sys.argv[1])
agent = simulator.agent(Location(sys.argv[2]))
for number in range(100):
    spec = {"id": f"i{number}", "name": "i", "cpus": 1, "cpu_mhz": 1, "memory_bytes": 1}
    print(agent.handle(Request(f"{sys.argv[2]}-{number}", "instance.start", None, {"instance": spec}).encode()))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "state.sqlite")]
    running = [subprocess.Popen([*command, host], stdout=subprocess.PIPE, text=True) for host in ("a", "b")]
    answers = [json.loads(line) for each in running for line in each.communicate(timeout=120)[0].splitlines()]
    assert len(answers) == 200
    assert sum("result" in answer for answer in answers) == 100
    assert {answer["error"]["code"] for answer in answers if "error" in answer} == {"already_exists"}


def test_ten_thousand_hosts_fit_in_a_gigabyte(tmp_path):
    """A host costs less than 4 KiB, its agent kept: nearly all of the gigabyte is left to the server.

    The figure is the growth after the first hundred hosts, of the peak that /proc gives: `ru_maxrss` would begin with
    the memory of the process that started this one.
    """
    program = """
import re, sys
from pathlib import Path
from agents.hypervisors.simulator import Location, Simulator
from agents.protocol import Request
simulator, agents = Simulator(sys.argv[1]), []

def add_hosts(numbers):
    for number in numbers:
        agents.append(simulator.agent(Location(f"host-{number}", f"http://sim/c0/h{number}")))
        assert '"result"' in agents[-1].handle(Request(str(number), "host.ping").encode())
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

first = add_hosts(range(100))
print(add_hosts(range(100, 10_000)) - first)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "state.sqlite")]
    kilobytes = int(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300).stdout)
    assert kilobytes / 9_900 < 4


def test_the_state_is_readable_by_its_owner_alone(tmp_path, cloud):
    state = tmp_path / "simulator.sqlite"
    assert state.stat().st_mode & 0o077 == 0
    assert (tmp_path / "simulator.sqlite-wal").stat().st_mode & 0o077 == 0
