"""`make bench`: latencies as ratios to a bare Flask view on the same server in the same run, throughput and memory.

    python -m benchmarks [--quick] [--only lists|deploy|start] [--database URL]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.population import multiply
from benchmarks.server import Client, admin, bare, cloudapi, free_port, resident, worked


def median(action: Callable[[], Any], repetitions: int, before: Callable[[], Any] = lambda: None) -> float:
    """Return the median time of an action in milliseconds, after some that do not count.

    :param before: done before each, and not measured.
    """
    for _ in range(min(10, repetitions)):
        action()
    times = []
    for _ in range(repetitions):
        before()
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


class Report:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages: dict[tuple[str, int], float] = {}

    def line(self, name: str, milliseconds: float, size: int, repetitions: int) -> None:
        """Print a latency beside the bare view's for an answer of the same size, measured right after it."""
        port = free_port()
        with bare(size, port, self.folder / "bare.log"):
            client = Client(port)
            yardstick = median(lambda: client.get("/client/api"), max(50, repetitions))
        print(f"{name:<64}{milliseconds:9.2f} ms {milliseconds / yardstick:7.2f} x bare ({yardstick:.2f} ms, {size} B)",
              flush=True)


def measure(report: Report, client: Client, name: str, repetitions: int, command: str,
            change: Callable[[], Any] | None = None, **parameters: Any) -> float:
    """Measure an answer, and where there is a `change` also the answers that each follow one.

    Without a change in between a list on SQLite is answered as it was written the last time.
    """
    path = client.path(command, **parameters)
    size = len(client.get(path))
    found = median(lambda: client.get(path), repetitions)
    report.line(name, found, size, repetitions)
    if change is not None:
        after = median(lambda: client.get(path), repetitions, change)
        report.line("    after a change each time", after, size, repetitions)
    return found


def start(folder: Path) -> None:
    """Time from the start of the process to the first signed answer, with the seeds; then without."""
    data, port = folder / "start", free_port()
    for label in ("first start, seeding the sandbox", "second start"):
        begin = time.perf_counter()
        with cloudapi(data, port) as server:
            client = admin(data, port)
            count = client("listZones")["count"]
            seconds = time.perf_counter() - begin
            time.sleep(3)
            memory = resident(server.pid) / 1e6
        print(f"{label:<64}{seconds:9.2f} s  ({count} zone), resident {memory:.0f} MB", flush=True)


def sandbox(client: Client) -> dict[str, str]:
    """Return what a deployment needs; waits until the template is ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        templates = client("listTemplates", templatefilter="featured").get("template", [])
        if templates and templates[0]["isready"]:
            break
        time.sleep(0.05)
    zone = client("listZones")["zone"][0]["id"]
    offering = client("listServiceOfferings", name="Small Instance")["serviceoffering"][0]["id"]
    return {"zoneid": zone, "serviceofferingid": offering, "templateid": templates[0]["id"]}


def finished(client: Client, jobid: str, every: float = 0.002) -> dict[str, Any]:
    """Ask for a job until it has ended; clients ask every second or so, which would hide how long it took."""
    while True:
        job = client("queryAsyncJobResult", jobid=jobid)
        if job["jobstatus"] != 0:
            return job
        time.sleep(every)


def deploy(folder: Path, database: str, count: int) -> None:
    """deployVirtualMachine to Running: alone, and many at once."""
    data, port = folder / "deploy", free_port()
    with cloudapi(data, port, database) as server:
        client = admin(data, port)
        what = sandbox(client)
        # A simulated host takes 50 Instances, as CloudStack's does: four would be full before the last.
        capabilities = client("listHypervisorCapabilities", hypervisor="Simulator")["hypervisorCapabilities"][0]["id"]
        client("updateHypervisorCapabilities", id=capabilities, maxguestslimit=1000)
        # The first one implements the network and starts its router.
        first = finished(client, client("deployVirtualMachine", **what)["jobid"])
        assert first["jobstatus"] == 1, first
        network = first["jobresult"]["virtualmachine"]["nic"][0]["networkid"]
        alone = []
        for _ in range(10):
            begin = time.perf_counter()
            finished(client, client("deployVirtualMachine", networkids=network, **what)["jobid"])
            alone.append(time.perf_counter() - begin)
        print(f"{'deployVirtualMachine to Running, alone':<64}{statistics.median(alone) * 1000:9.2f} ms", flush=True)
        before = worked(server.pid)
        many(data, port, what, network, count)
        each = (worked(server.pid) - before) / count * 1000
        print(f"{'CPU time of the server for each, with the polls for its end':<64}{each:9.2f} ms", flush=True)


def many(data: Path, port: int, what: dict[str, str], network: str, count: int) -> None:
    """Deploy `count` at once, from 20 connections, and check that all run and no address is given twice."""
    offering = {**what, "serviceofferingid": admin(data, port)(
        "createServiceOffering", name="bench", displaytext="bench", cpunumber=1, cpuspeed=100, memory=64,
    )["serviceoffering"]["id"]}
    root = admin(data, port)
    for limits in root("listHypervisorCapabilities", hypervisor="Simulator")["hypervisorCapabilities"]:
        root("updateHypervisorCapabilities", id=limits["id"], maxguestslimit=count)  # 50 on each host otherwise
    jobs: list[str] = []
    begin = time.perf_counter()

    def send(share: int) -> None:
        client = admin(data, port)
        for _ in range(share):
            jobs.append(client("deployVirtualMachine", networkids=network, **offering)["jobid"])

    threads = [threading.Thread(target=send, args=(count // 20,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client = admin(data, port)
    results = [finished(client, job, 0.02) for job in jobs]
    seconds = time.perf_counter() - begin
    failed = [job["jobresult"] for job in results if job["jobstatus"] != 1]
    machines = client("listVirtualMachines", networkid=network, listall="true", pagesize=500)["virtualmachine"]
    addresses = [machine["nic"][0]["ipaddress"] for machine in machines]
    print(f"{f'{len(jobs)} deployments at once':<64}{len(jobs) / seconds:9.1f} /s, {len(failed)} failed, "
          f"{len(addresses) - len(set(addresses))} addresses given twice", flush=True)
    for reason in failed[:3]:
        print("   ", reason)


def lists(folder: Path, database: str, sizes: list[int], repetitions: int) -> None:
    """Pages of 20 and of 500 among few and many Instances, as JSON and XML, as root admin and as a user."""
    data, port = folder / "lists", free_port()
    report = Report(folder)
    medians: dict[tuple[int, str], float] = {}
    with cloudapi(data, port, database):
        client = admin(data, port)
        machine = finished(client, client("deployVirtualMachine", **sandbox(client))["jobid"])
        uuid = machine["jobresult"]["virtualmachine"]["id"]
        account = client("createAccount", username="bench", password="A-long-password-1", firstname="a", lastname="b",
                         email="a@example.org", accounttype=0)["account"]
        finished(client, client("registerUserKeys", id=account["user"][0]["id"])["jobid"])
        keys = client("getUserKeys", id=account["user"][0]["id"])["userkeys"]
    url = database or f"sqlite:///{(data / 'cloudapi.db').absolute()}"
    from cloudapi.models.database import connect
    from cloudapi.models.identity import Account

    connect(url)
    owner = Account.get(Account.uuid == account["id"])
    owners = [(2, 1), (owner.id, owner.domain_id)]
    for size in sizes:
        multiply(url, uuid, size, owners)
        with cloudapi(data, port, database):
            root, user = admin(data, port), Client(port, keys["apikey"], keys["secretkey"])
            writer = admin(data, port)
            changes = itertools.count()

            def change() -> None:
                writer("updateUser", id=account["user"][0]["id"], firstname=f"Change {next(changes)}")  # noqa: B023

            measure(report, root, f"signed listZones, {size} Instances", repetitions, "listZones")
            for who, client, filters in (("root admin", root, {"listall": "true"}), ("user", user, {})):
                for page in (20, 500):
                    for form in ("json", "xml"):
                        name = f"listVirtualMachines page of {page} of {size}, {who}, {form}"
                        medians[size, f"{who} {page} {form}"] = measure(
                            report, client, name, repetitions if page == 20 else repetitions // 5,
                            "listVirtualMachines", change if page == 20 else None, response=form, page=1,
                            pagesize=page, **filters)
    for name in {key for _, key in medians}:
        print(f"{f'growth from {sizes[0]} to {sizes[-1]} Instances: {name}':<64}"
              f"{medians[sizes[-1], name] / medians[sizes[0], name]:9.2f} x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller populations and fewer repetitions")
    parser.add_argument("--only", choices=("start", "lists", "deploy"))
    parser.add_argument("--database", default="", help="URL of an empty database instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cloudapi-bench-") as temporary:
        folder = Path(temporary)
        if options.only in (None, "start"):
            start(folder)
        if options.only in (None, "deploy"):
            deploy(folder, options.database, 60 if options.quick else 200)
        if options.only in (None, "lists"):
            lists(folder, options.database, [1000, 10_000] if options.quick else [1000, 10_000, 100_000],
                  50 if options.quick else 200)


if __name__ == "__main__":
    main()
