"""Pings all hosts once per interval, evenly spread over it. Knows no database: what was found goes to a callback."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agents.codec import decode
from agents.hypervisors.base import PowerReport
from cloudapi.hosts.address import HostAddress
from cloudapi.hosts.client import HostClient
from cloudapi.hosts.errors import HostError

log = logging.getLogger(__name__)

# Pings that are due within this time go out together: the monitor of a large cloud need not wake for each.
TICK_SECONDS = 0.25
IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PingResult:
    """Exactly one of `report` and `error` is set."""

    address: HostAddress
    report: PowerReport | None
    error: HostError | None
    seconds: float


class Monitor:
    """`addresses` is asked anew for each round, `interval` gives the seconds that a round takes.

    `on_result` is called from several threads, but for one host never twice at a time: a host whose ping is still on
    its way is left out of the next round.
    """

    def __init__(
        self,
        client: HostClient,
        addresses: Callable[[], Iterable[HostAddress]],
        on_result: Callable[[PingResult], None],
        interval: Callable[[], float],
        timeout: float = 20.0,
        threads: int = 8,
    ) -> None:
        self._client = client
        self._addresses = addresses
        self._on_result = on_result
        self._interval = interval
        self._timeout = timeout
        self._threads = threads
        self._lock = threading.Lock()
        self._on_their_way: set[str] = set()

    def ping(self, address: HostAddress) -> PingResult:
        begun = time.monotonic()
        report, error = None, None
        try:
            result = self._client.call(address, "host.ping", timeout=self._timeout)
            report = decode(PowerReport, result, "host.ping")
        except HostError as problem:
            error = problem
        return PingResult(address, report, error, time.monotonic() - begun)

    def run(self, stop: threading.Event) -> None:
        """Round after round, until `stop` is set."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="ping") as pool:
            while not stop.is_set():
                try:
                    hosts = list(self._addresses())
                except Exception:
                    log.exception("the hosts to ping could not be listed")
                    hosts = []
                self._round(hosts, pool, stop)

    def _round(self, hosts: list[HostAddress], pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        begun, interval = time.monotonic(), max(self._interval(), TICK_SECONDS)
        if not hosts:
            stop.wait(min(interval, IDLE_SECONDS))
            return
        for index, address in enumerate(hosts):
            early = begun + index * interval / len(hosts) - time.monotonic()
            if early > TICK_SECONDS:
                stop.wait(early)
            if stop.is_set():
                return
            self._submit(address, pool)
        stop.wait(max(0.0, begun + interval - time.monotonic()))

    def _submit(self, address: HostAddress, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            if address.uuid in self._on_their_way:
                return
            self._on_their_way.add(address.uuid)
        pool.submit(self._visit, address)

    def _visit(self, address: HostAddress) -> None:
        try:
            self._on_result(self.ping(address))
        except Exception:
            log.exception("the ping of host %s could not be taken in", address.uuid)
        finally:
            with self._lock:
                self._on_their_way.discard(address.uuid)
