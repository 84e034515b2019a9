"""A command for tests of jobs, and a worker process that runs it until it is killed.

What the command does can be read in the file `trace` of its folder: a line per action. It stops where a file of the
folder says so (`pause-remote`, `pause-undo`), until the file is gone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.context import Context
from cloudapi.errors import ResourceUnavailable
from cloudapi.models.identity import Account
from tests.support.waiting import until


class ProbeJob(AsyncCommand):
    """Does two steps in the database and one outside."""

    roles, event = ROOT, "TEST.PROBE"

    id = Entity(Account, access=ANY, lock=True, help="what it locks")
    folder = Text(required=True, help="where it writes its trace")
    failing = Flag(default=False, help="fail at the end")

    def trace(self, text: str) -> None:
        with Path(self.folder, "trace").open("a") as file:
            file.write(text + "\n")

    def pause(self, name: str) -> None:
        if Path(self.folder, name).exists():
            self.trace(name)
            until(lambda: not Path(self.folder, name).exists(), f"{name} is taken away")

    def run(self, context: Context) -> dict[str, Any]:
        steps = context.steps
        number = steps.run("reserve", lambda: self.do("reserve", 7), undo=lambda value: self.undo("reserve", value))
        steps.remote("call", self.call, undo_attempt=lambda: self.trace("undo attempt of call"))
        steps.run("record", lambda: self.do("record", None))
        if self.failing:
            raise ResourceUnavailable("the probe was told to fail")
        return {"displaytext": f"reserved {number}"}

    def do(self, name: str, value: Any) -> Any:
        self.trace(name)
        return value

    def call(self, request_id: str) -> str:
        self.trace(f"call {request_id}")
        self.pause("pause-remote")
        return "answer"

    def undo(self, name: str, value: Any) -> None:
        self.pause("pause-undo")
        self.trace(f"undo {name} {value}")


def traced(folder: Path) -> list[str]:
    path = folder / "trace"
    return path.read_text().splitlines() if path.exists() else []


def main(data: str, database: str) -> None:
    """Work on the jobs of an installation until killed."""
    from cloudapi.app import Installation, prepare
    from cloudapi.configuration import Configuration

    configuration = Configuration(data=Path(data), database=database, job_threads=1)
    prepare(configuration)
    installation = Installation(configuration)
    installation.registry.add(ProbeJob)
    installation.jobs.start()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
