"""The drivers that the contract suites run against. Each gives two hosts that share a pool and a secondary storage."""

import uuid
from dataclasses import dataclass

import pytest

from agents.hypervisors.simulator import Simulator
from agents.storage.directory import DirectorySecondaryStorage
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.client import HostClient
from cloudapi.hosts.errors import VerbRefused
from cloudapi.hosts.transports.in_process import InProcessTransport

GIB = 1024**3
URL = "http://sim/c0/h0/cpucore=4&cpuspeed=2000&memory=8589934592"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds


@dataclass
class HostUnderTest:
    client: HostClient
    address: HostAddress

    @property
    def id(self):
        return self.address.uuid

    def __call__(self, verb, **arguments):
        return self.client.call(self.address, verb, arguments)

    def refuses(self, code, verb, **arguments):
        with pytest.raises(VerbRefused) as refusal:
            self(verb, **arguments)
        assert refusal.value.code == code, refusal.value.text
        return refusal.value.text


@dataclass
class Cloud:
    """Two hosts with a pool, a network and a template on secondary storage."""

    first: HostUnderTest
    second: HostUnderTest
    clock: Clock
    client: HostClient
    store: dict
    pool: str
    network: str
    template: str

    def volume(self, size=GIB, **more):
        volume = new_id()
        self.first("volume.create", volume={"id": volume, "pool": self.pool, "size_bytes": size, **more})
        return volume

    def disk(self, volume=None, device=0, **more):
        return {"volume": volume or self.volume(), "pool": self.pool, "device": device, **more}

    def nic(self, device=0, **more):
        nic = new_id()
        return {"id": nic, "network": self.network, "mac": f"02:00:00:00:00:{device:02x}", "device": device, **more}

    def spec(self, **more):
        defaults = {"cpus": 1, "cpu_mhz": 500, "memory_bytes": GIB // 2}
        devices = {"disks": more.pop("disks", None) or [self.disk()], "nics": more.pop("nics", None) or [self.nic()]}
        return {"id": new_id(), "name": "i-2-3-VM", **defaults, **devices, **more}

    def started(self, host=None, **more):
        spec = self.spec(**more)
        (host or self.first)("instance.start", instance=spec)
        return spec

    def image(self, path="template/1/2/image", image_format="QCOW2"):
        transfer = new_id()
        wanted = {"id": transfer, "url": f"http://images.example/{transfer}", "path": path, "format": image_format}
        self.first("secondary.download", store=self.store, download=wanted)
        self.clock.pass_(3600)
        assert self.first("secondary.status", store=self.store, transfer=transfer)["state"] == "DOWNLOADED"
        return path


def new_id():
    return str(uuid.uuid4())


def simulated(folder, clock):
    simulator = Simulator(
        str(folder / "simulator.sqlite"), download_seconds=10, directory=DirectorySecondaryStorage(), clock=clock
    )
    client = HostClient({"Simulator": InProcessTransport(simulator)})
    places = {"zone_id": 1, "pod_id": 2, "cluster_id": 3}
    return client, [
        HostUnderTest(client, HostAddress(new_id(), "Simulator", URL, id=4 + each, **places)) for each in (0, 1)
    ]


DRIVERS = {"simulator": simulated}


@pytest.fixture(params=sorted(DRIVERS))
def cloud(request, tmp_path):
    clock = Clock()
    client, (first, second) = DRIVERS[request.param](tmp_path, clock)
    store, pool, network = {"id": new_id(), "url": "nfs://10.0.0.1/secondary"}, new_id(), new_id()
    cloud = Cloud(first, second, clock, client, store, pool, network, new_id())
    first("secondary.attach", store=store)
    for host in (first, second):
        host(
            "pool.attach",
            pool={
                "id": pool,
                "kind": "NetworkFilesystem",
                "url": "nfs://10.0.0.1/primary",
                "capacity_bytes": 100 * GIB,
            },
        )
        host("network.ensure", network={"id": network, "isolation": "VLAN", "tag": 100, "label": "cloudbr1"})
    yield cloud
    client.close()
