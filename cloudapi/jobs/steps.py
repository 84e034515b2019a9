"""The steps of a job: recorded as they are done, repeated after a crash, undone on failure.

A job's code runs again from its beginning when its worker died. A step that is on record is not done again:
its result is read back. The step in which the worker died is repeated, so an action outside the database
carries an id (`request_id`) by which the agent recognises the repetition.

    host = steps.run("reserve host", reserve, undo=release)
    steps.remote("start on host", lambda request_id: hosts.call(…, request_id=request_id), undo=stop)

When the job fails, the undo actions of its finished steps run in reverse. A worker that dies while undoing
leaves the failure on record; the next one repeats the job up to the step that failed and undoes again.

What others use as soon as it is there (a network that an Instance needed) is a part: undone where it fails itself,
kept where the job fails later.

    with steps.part("network …") as part:
        part.run("take a VLAN", …, undo=…)
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import orjson

from cloudapi.errors import ApiError
from cloudapi.jobs import queue
from cloudapi.models.base import new_uuid, now
from cloudapi.models.common import AsyncJob, JobStep
from cloudapi.models.database import in_transaction, transact

Result = TypeVar("Result")
log = logging.getLogger(__name__)

UNDO_ATTEMPTS = 3
# With the job's UUID before it, a step's name is the id of its requests, which agents take up to 128 characters.
LONGEST = 88


def shortened(name: str) -> str:
    """Return a step's name, of which parts within parts make long ones, as it is kept and sent."""
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:20]
    return f"{digest} {name[len(digest) + 1 - LONGEST:]}"


class Steps:
    """Runs steps without a record: for synchronous commands and periodic work."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._prefix = ""
        self._undo: list[tuple[str, Callable[[], Any]]] = []
        self._count: dict[str, int] = {}
        self._notes: dict[str, Any] = {}
        self.failure: ApiError | None = None

    def _unique(self, name: str) -> str:
        """Return the name, numbered from its second use in a job on."""
        count = self._count.get(name, 0) + 1
        self._count[name] = count
        return shortened(self._prefix + (name if count == 1 else f"{name} #{count}"))

    def run(self, name: str, action: Callable[[], Result], undo: Callable[[Result], Any] | None = None) -> Result:
        """Do a step in the database: the action and its record are one transaction.

        :param action: returns what JSON can hold.
        :param undo: called with the action's result when the job fails later; safe to repeat.
        """
        unique = self._unique(name)
        found, result = self._recorded(unique)
        if not found:
            result = transact(lambda: self._record(unique, action()))
        if undo is not None:
            self._undo.append((unique, lambda: transact(lambda: undo(result))))
        return cast(Result, result)

    def remote(self, name: str, action: Callable[[str], Result], undo: Callable[[Result], Any] | None = None,
               undo_attempt: Callable[[], Any] | None = None) -> Result:
        """Do a step on a host: the action runs outside any transaction and gets the id for its requests.

        :param undo: called with the result when the job fails later.
        :param undo_attempt: called when the action itself fails, which may have done its work half.
        """
        assert not in_transaction(), f"step {name!r}: a host is called within a transaction"
        unique = self._unique(name)
        # Before the record is read: where the job is repeated to be undone, this may be the step that failed half.
        if undo_attempt is not None:
            self._undo.append((unique, undo_attempt))
        found, result = self._recorded(unique)
        if not found:
            result = action(self._request_id(unique))
            transact(lambda: self._record(unique, result))
        if undo_attempt is not None:
            self._undo.pop()
        if undo is not None:
            self._undo.append((unique, lambda: undo(result)))
        return cast(Result, result)

    def unwind(self) -> None:
        """Undo the finished steps, last first. One that keeps failing is logged and left to reconciliation."""
        while self._undo:
            name, action = self._undo.pop()
            for attempt in range(UNDO_ATTEMPTS):
                try:
                    action()
                    break
                except Exception:
                    log.exception("%s: undoing %s failed (attempt %d)", self.name, name, attempt + 1)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[Steps]:
        """Give steps that stand for themselves: undone where the block fails, kept once it is done.

        :param name: of its own within the job, so that a repetition finds its steps whatever was done before.
        """
        part = copy.copy(self)
        part._prefix, part._undo, part._count = f"{self._prefix}{name}/", [], {}
        try:
            yield part
        except queue.Superseded:
            raise
        except BaseException:
            part.unwind()
            raise

    def settle(self) -> None:
        """Forget the undo actions so far: what is done stays, whatever fails after this."""
        self._undo.clear()

    def note(self, name: str, value: Any) -> None:
        """Keep what an attempt within the job came to, for `recall`, also after a crash."""
        self._notes[shortened(self._prefix + name)] = value

    def recall(self, name: str) -> Any:
        """Return what was noted under this name, or None."""
        return self._notes.get(shortened(self._prefix + name))

    def _request_id(self, name: str) -> str:
        """Return the id of a step's requests: a new one, as steps without a record are never repeated as such.

        Under the id of an earlier attempt an agent would answer what it answered then.
        """
        return new_uuid()

    def _recorded(self, name: str) -> tuple[bool, Any]:
        return False, None

    def _record(self, name: str, result: Any) -> Any:
        return result


class RecordedSteps(Steps):
    """The steps of a job, in the table `job_step`."""

    def __init__(self, job: AsyncJob, failure: ApiError | None = None) -> None:
        super().__init__(job.uuid)
        self.job = job
        self.failure = failure
        self._done = {row.name: row.result for row in JobStep.select().where(JobStep.job_id == job.id)}

    def _request_id(self, name: str) -> str:
        return f"{self.name}/{name}"

    def note(self, name: str, value: Any) -> None:
        transact(lambda: self._record(shortened(self._prefix + name), value))

    def recall(self, name: str) -> Any:
        stored = self._done.get(shortened(self._prefix + name))
        return None if stored is None else orjson.loads(stored)

    def _recorded(self, name: str) -> tuple[bool, Any]:
        if name in self._done:
            stored = self._done[name]
            return True, None if stored is None else orjson.loads(stored)
        if self.failure is not None:
            raise self.failure
        return False, None

    def _record(self, name: str, result: Any) -> Any:
        """Write the step down, where this attempt still has the job.

        :raises queue.Superseded: it has not; what the step's transaction did is rolled back.
        """
        queue.keep(self.job)
        stored = None if result is None else orjson.dumps(result).decode()
        JobStep.create(job_id=self.job.id, name=name, result=stored, finished=now())
        self._done[name] = stored
        return result
