"""What a simulated host is made of. It exists from the first contact, with the sizes that its URL names."""

import sqlite3
import zlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from agents.hypervisors.simulator.store import Store
from agents.protocol import ErrorCode, Refusal

GIB = 1024**3
ARCHITECTURES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Hardware:
    arch: str = "x86_64"
    cpus: int = 4
    cpu_mhz: int = 8000
    memory_bytes: int = 8 * GIB
    storage_bytes: int = 1024 * GIB
    hvm: bool = True


def read_url(url: str) -> Hardware:
    """`http://sim/c0/h0/cpucore=8&cpuspeed=2000&memory=17179869184&localstorage=…&arch=aarch64&hvm=false`;
    what is not named has its default."""
    last = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    named = {key.lower(): value for key, value in parse_qsl(last)}
    default = Hardware()
    arch = named.get("arch", default.arch)
    if arch not in ARCHITECTURES:
        raise Refusal(
            ErrorCode.BAD_ARGUMENT, f"'arch' in the URL must be one of {', '.join(ARCHITECTURES)}, not {arch!r:.80}"
        )
    hvm = named.get("hvm", "true").lower()
    if hvm not in ("true", "false"):
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'hvm' in the URL must be true or false, not {hvm!r:.80}")
    return Hardware(
        arch,
        _positive(named, "cpucore", default.cpus),
        _positive(named, "cpuspeed", default.cpu_mhz),
        _positive(named, "memory", default.memory_bytes),
        _positive(named, "localstorage", default.storage_bytes),
        hvm == "true",
    )


def _positive(named: dict[str, str], key: str, default: int) -> int:
    text = named.get(key, str(default))
    if not text.isdecimal() or not 0 < int(text) < 2**62:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'{key}' in the URL must be a positive whole number, not {text!r:.80}")
    return int(text)


@dataclass(frozen=True)
class Host:
    """One simulated host in the store."""

    store: Store
    id: str
    url: str

    def row(self) -> sqlite3.Row:
        found = self.store.row("SELECT * FROM host WHERE id = ?", self.id)
        if found is None:
            self._appear()
            found = self.store.row("SELECT * FROM host WHERE id = ?", self.id)
        assert found is not None
        return found

    def _appear(self) -> None:
        hardware = read_url(self.url)
        with self.store.transaction():
            self.store.execute(
                "INSERT OR IGNORE INTO host (id, name, arch, cpus, cpu_mhz, memory_bytes, storage_bytes, hvm,"
                " started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self.id,
                f"SimulatedAgent.{self.id}",
                hardware.arch,
                hardware.cpus,
                hardware.cpu_mhz,
                hardware.memory_bytes,
                hardware.storage_bytes,
                int(hardware.hvm),
                self.store.clock(),
            )

    def accepting(self) -> sqlite3.Row:
        """The row, of a host that takes Instances in."""
        row = self.row()
        if row["maintenance"]:
            raise Refusal(ErrorCode.WRONG_STATE, "the host is in maintenance")
        return row

    @property
    def address(self) -> str:
        """An address of its own in 172.16.0.0/12."""
        number = zlib.crc32(self.id.encode())
        return f"172.{16 + (number >> 16) % 16}.{(number >> 8) % 256}.{1 + number % 254}"

    @property
    def mac(self) -> str:
        number = zlib.crc32(self.id.encode())
        return "06:00:" + ":".join(f"{(number >> shift) % 256:02x}" for shift in (24, 16, 8, 0))
