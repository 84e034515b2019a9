"""The program as users start it: a process of its own, on a port of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.support.ports import free_port

BIN = Path(sys.executable).parent
START_TIMEOUT = 60


class Server:
    def __init__(self, data: Path, *arguments: str) -> None:
        self.data, self.port = data, free_port()
        self.log = data.with_suffix(".log")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [BIN / "cloudapi", "serve", "--data", data, "--port", str(self.port), *arguments],
                stdout=output, stderr=output)
        self._wait()
        keys = json.loads((data / "admin.json").read_text())
        self.endpoint, self.key, self.secret = keys["endpoint"], keys["apikey"], keys["secretkey"]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                requests.get(f"http://127.0.0.1:{self.port}/client/api", timeout=5)
                return
            except requests.ConnectionError:
                time.sleep(0.02)
        raise TimeoutError(self.log.read_text())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)
