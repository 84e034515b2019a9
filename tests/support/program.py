"""The real program, started as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from cs import CloudStack

from tests.support.ports import free_port
from tests.support.source import ROOT
from tests.support.waiting import until

TIMEOUT = 60


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDAPI_", "CLOUDSTACK_"))}
    return {**own, **(extra or {})}


def run(*arguments: Any, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `cloudapi …` to its end."""
    return subprocess.run([sys.executable, "-m", "cloudapi", *map(str, arguments)], capture_output=True, text=True,
                          env=environment(variables), cwd=ROOT, timeout=TIMEOUT, check=False)


class Program:
    """`cloudapi serve` in a directory, from its first answer to the end of the block."""

    def __init__(self, data: Path, integration: bool = False) -> None:
        self.data, self.port = data, free_port()
        self.integration_port = free_port() if integration else 0
        self.output = ""

    def __enter__(self) -> Program:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloudapi", "serve", "--data", str(self.data), "--port", str(self.port),
             "--integration-port", str(self.integration_port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(), cwd=ROOT)
        try:
            until(self._answers, "the server answers", TIMEOUT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.output = self.process.communicate(timeout=TIMEOUT)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"the server ended: {self.process.communicate()[0]}"
        try:
            return requests.get(self.url, timeout=5).status_code == 401
        except requests.ConnectionError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/client/api"

    @property
    def keys(self) -> dict[str, str]:
        """What the admin is told: `endpoint`, `apikey`, `secretkey`, `username`, `password`."""
        return json.loads((self.data / "admin.json").read_text())  # type: ignore[no-any-return]

    @property
    def client(self) -> CloudStack:
        return CloudStack(endpoint=self.url, key=self.keys["apikey"], secret=self.keys["secretkey"])

    def get(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to the admin."""
        return {f"{command.lower()}response": getattr(self.client, command)(**parameters)}

    def integration(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer of the integration port."""
        url = f"http://127.0.0.1:{self.integration_port}/client/api"
        answer = requests.get(url, {"command": command, "response": "json", **parameters}, timeout=30)
        return answer.json()  # type: ignore[no-any-return]
