"""Downloads and copies on their way into a directory, followed through files beside them, so that any process can tell.

For each transfer there is `<id>.json` (its report), `<id>.part` (what has arrived) and `<id>.lock`, which the process
that works on it holds locked: a transfer in progress whose lock is free was abandoned. Removing the report ends the
transfer."""

import contextlib
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Callable, Optional

from agents.codec import decode, encode
from agents.protocol import ErrorCode, Refusal
from agents.storage.base import TransferReport
from agents.storage.fetch import remove

log = logging.getLogger(__name__)

WRITE_EVERY_SECONDS = 0.5

# Fills the open part file and tells how far it has come; what it answers is kept as the checksum.
Fill = Callable[[BinaryIO, Callable[[int, Optional[int]], None]], Optional[str]]
# Looks at the complete part file: the size that a guest sees.
Check = Callable[[str, Callable[[], None]], int]


class _Ended(Exception):
    """The report is gone: somebody deleted the image while it was on its way."""


class Transfers:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def status(self, transfer: str) -> TransferReport:
        report = self._read(transfer)
        if report is None:
            return TransferReport(transfer, "NOT_DOWNLOADED", 0.0, "")
        if report.state == "DOWNLOAD_IN_PROGRESS":
            with self._lock(transfer) as free:
                # Read again: it may have ended since.
                report = self._read(transfer) or report
                if free and report.state == "DOWNLOAD_IN_PROGRESS":
                    return replace(report, state="ABANDONED", error="the process that worked on it has ended")
        return report

    def begin(self, transfer: str, path: str, target: str, fill: Fill, check: Check) -> TransferReport:
        """Works in a thread of its own. A transfer that is under way, or done, is only reported."""
        descriptor = self._try_lock(transfer)
        if descriptor is None:
            return self.status(transfer)
        try:
            known = self._read(transfer)
            if known is not None and known.state == "DOWNLOADED" and os.path.exists(target):
                os.close(descriptor)
                return known
            if os.path.exists(target):
                raise Refusal(ErrorCode.ALREADY_EXISTS, f"there is an image at {path} already")
            report = TransferReport(transfer, "DOWNLOAD_IN_PROGRESS", 0.0, path)
            self._write(report)
            worker = threading.Thread(
                target=self._work,
                args=(descriptor, report, target, fill, check),
                name=f"transfer-{transfer}",
                daemon=True,
            )
            worker.start()
        except BaseException:
            os.close(descriptor)
            raise
        return report

    def end_for(self, path: str) -> None:
        """Ends the transfers that are to arrive at `path`, or have."""
        for name in os.listdir(self._folder):
            transfer, suffix = os.path.splitext(name)
            report = self._read(transfer) if suffix == ".json" else None
            if report is not None and report.path == path:
                with self._guarded():
                    remove(self._file(transfer, "json"))

    def _work(self, descriptor: int, report: TransferReport, target: str, fill: Fill, check: Check) -> None:
        part = self._file(report.id, "part")
        try:
            done = self._fill(report, part, fill, check)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            # Unlike a rename, a link does not replace what another transfer has put there.
            os.link(part, target)
            remove(part)
            self._finish(done, target)
        except _Ended:
            log.info("transfer %s was ended by a deletion", report.id)
        except FileExistsError:
            self._fail(report, f"there is an image at {report.path} already")
        except Refusal as refusal:
            self._fail(report, refusal.text)
        except Exception as error:
            log.exception("transfer %s broke down", report.id)
            self._fail(report, f"{type(error).__name__}: {error}")
        finally:
            remove(part)
            os.close(descriptor)

    def _fill(self, report: TransferReport, part: str, fill: Fill, check: Check) -> TransferReport:
        written_at = 0.0

        def tell(received: int, length: Optional[int]) -> None:
            nonlocal written_at
            if time.monotonic() - written_at >= WRITE_EVERY_SECONDS:
                written_at = time.monotonic()
                percent = 0.0 if not length else round(min(99.9, 100.0 * received / length), 1)
                self._update(replace(report, percent=percent, physical_bytes=received))

        with open(part, "wb") as file:
            checksum = fill(file, tell)
            file.flush()
            os.fsync(file.fileno())
        size = check(part, lambda: self._check_wanted(report.id))
        self._check_wanted(report.id)
        physical = os.path.getsize(part)
        return replace(
            report, state="DOWNLOADED", percent=100.0, size_bytes=size, physical_bytes=physical, checksum=checksum
        )

    def _finish(self, report: TransferReport, target: str) -> None:
        try:
            self._update(report)
        except _Ended:
            remove(target)
            raise

    def _fail(self, report: TransferReport, text: str) -> None:
        # Whoever sees the error finds nothing left of what had arrived.
        remove(self._file(report.id, "part"))
        with contextlib.suppress(_Ended):
            self._update(replace(report, state="DOWNLOAD_ERROR", error=text))

    def _check_wanted(self, transfer: str) -> None:
        if not os.path.exists(self._file(transfer, "json")):
            raise _Ended

    def _update(self, report: TransferReport) -> None:
        with self._guarded():
            self._check_wanted(report.id)
            self._write(report)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """So that a report is not written again just after a deletion removed it."""
        descriptor = os.open(os.path.join(self._folder, "guard.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, report: TransferReport) -> None:
        fresh = self._file(report.id, "json.new")
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump(encode(report), file)
        os.replace(fresh, self._file(report.id, "json"))

    def _read(self, transfer: str) -> Optional[TransferReport]:
        try:
            with open(self._file(transfer, "json"), encoding="utf-8") as file:
                report: TransferReport = decode(TransferReport, json.load(file), "transfer")
        except FileNotFoundError:
            return None
        return report

    def _try_lock(self, transfer: str) -> Optional[int]:
        descriptor = os.open(self._file(transfer, "lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @contextlib.contextmanager
    def _lock(self, transfer: str) -> Iterator[bool]:
        descriptor = self._try_lock(transfer)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _file(self, transfer: str, suffix: str) -> str:
        return os.path.join(self._folder, f"{transfer}.{suffix}")
