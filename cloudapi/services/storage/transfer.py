"""Copies of images between stores, waited for."""

from __future__ import annotations

import time
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InternalError, ResourceUnavailable
from cloudapi.models.storage import ImageStore
from cloudapi.services.storage import store as stores

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 2.0


def copy(context: Context, source: ImageStore, source_path: str, target: ImageStore, target_path: str, transfer: str,
         request_id: str, timeout: float) -> dict[str, Any]:
    """Copy an image and wait until it has arrived. Outside transactions. Returns the target's `TransferReport`.

    :param transfer: an id of its own; the same again joins the copy that is under way.
    :param timeout: in seconds.
    :raises InternalError: the copy failed.
    :raises ResourceUnavailable: not done in time.
    """
    report = stores.call(context, target, "secondary.copy", {
        "source": stores.reference(source), "source_path": source_path, "target": stores.reference(target),
        "target_path": target_path, "transfer": transfer}, request_id=request_id)
    deadline, pause = time.monotonic() + timeout, FIRST_PAUSE
    while report["state"] != "DOWNLOADED":
        if report["state"] in ("DOWNLOAD_ERROR", "ABANDONED"):
            reason = report.get("error") or report["state"]
            raise InternalError(f"Copying to image store {target.name} failed: {reason}")
        if time.monotonic() > deadline:
            raise ResourceUnavailable(f"Copying to image store {target.name} has not ended after {timeout:.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        report = stores.call(context, target, "secondary.status", {"transfer": transfer})
    return report
