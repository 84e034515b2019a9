"""Servers to measure: cloudapi as `make run` starts it, and a bare Flask view on the same WSGI server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

START_TIMEOUT = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """One kept connection; signs as clients do."""

    def __init__(self, port: int, apikey: str = "", secretkey: str = "") -> None:
        self.port, self.apikey, self.secretkey = port, apikey, secretkey
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def path(self, command: str, response: str = "json", **parameters: Any) -> str:
        """Return the signed path and query of a command."""
        values = {"command": command, "response": response, "apiKey": self.apikey,
                  **{name: str(value) for name, value in parameters.items()}}
        pairs = "&".join(f"{name}={quote(values[name], safe='*')}" for name in sorted(values))
        digest = hmac.new(self.secretkey.encode(), pairs.lower().encode(), hashlib.sha1).digest()
        return f"/client/api?{pairs}&signature={quote(base64.b64encode(digest).decode(), safe='')}"

    def get(self, path: str) -> bytes:
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return body

    def __call__(self, command: str, **parameters: Any) -> dict[str, Any]:
        ((_, body),) = json.loads(self.get(self.path(command, **parameters))).items()
        return body  # type: ignore[no-any-return]


@contextlib.contextmanager
def process(arguments: list[str], port: int, log: Path, environment: dict[str, str] | None = None) -> Iterator[Any]:
    """Run a server until the block ends; enter it once the port answers."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            arguments, stdout=output, stderr=output, env={**os.environ, **(environment or {})}, start_new_session=True)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.005)
        yield started
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def cloudapi(data: Path, port: int, database: str = "") -> Any:
    """Return the running server of a data directory."""
    environment = {"CLOUDAPI_DATABASE": database} if database else {}
    return process([str(Path(sys.executable).with_name("cloudapi")), "serve", "--data", str(data), "--port", str(port)],
                   port, data.with_suffix(".log"), environment)


def bare(size: int, port: int, log: Path) -> Any:
    """Return a running bare Flask view that answers a constant of `size` bytes."""
    return process([sys.executable, "-m", "benchmarks.bare", str(port), str(size)], port, log)


def admin(data: Path, port: int) -> Client:
    keys = json.loads((data / "admin.json").read_text())
    return Client(port, keys["apikey"], keys["secretkey"])


def family(process_id: int) -> list[psutil.Process]:
    """Return a process and its children."""
    return [psutil.Process(process_id), *psutil.Process(process_id).children(recursive=True)]


def resident(process_id: int) -> int:
    """Return the resident memory of a process and its children, in bytes; shared pages count once."""
    return sum(member.memory_full_info().pss for member in family(process_id))


def worked(process_id: int) -> float:
    """Return the CPU seconds that a process and its children have used."""
    return sum(sum(member.cpu_times()[:2]) for member in family(process_id))
