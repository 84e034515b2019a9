"""Images that their owners send: admitted by their permit, received piece by piece, put in their place or given up."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, InvalidRequest, ResourceUnavailable
from cloudapi.services.storage import link as links
from cloudapi.services.template import upload as templates
from cloudapi.services.volume import post_upload as volumes
from cloudapi.states.base import TransitionRefused

log = logging.getLogger(__name__)

RECEIVERS: dict[str, Any] = {"template": templates, "volume": volumes}


@dataclass(frozen=True, slots=True)
class Admission:
    """Whose image may come, and until when (ms UTC)."""

    uuid: str
    kind: str
    ends: int


def admit(context: Context, uuid: str, metadata: str, expires: str, signature: str) -> Admission:
    """Check the permit that a sender shows; nothing changes yet, whoever sends what.

    :raises InvalidRequest: a part of the permit is missing.
    :raises InvalidParameter: nothing of that ID is waited for, or the time is over.
    :raises Unauthenticated: it is not a permit of ours for that ID.
    """
    if not (metadata and expires and signature):
        raise InvalidRequest("signature, metadata and expires: an upload bears all three, as they were handed out")
    store = links.store_of_upload(uuid)
    if store is None:
        raise InvalidParameter(f"nothing with the ID {uuid[:64]} is waiting for an upload")
    permit = links.UploadPermit(uuid, links.post_url(context, store, uuid), metadata, expires, signature)
    content = links.check(context, permit)
    return Admission(uuid, content["kind"], permit.ends)


def receive(context: Context, admission: Admission, pieces: Iterable[bytes], announced: int) -> int:
    """Take an image in. Outside transactions. Returns how many bytes came.

    What goes wrong once it has begun leaves the template or volume in its error state, and nothing on the store.

    :param announced: the least number of bytes that will come, as far as the sender tells.
    :raises InvalidParameter: it is not waited for (any more).
    :raises InvalidRequest: too much, too late, or cut off.
    :raises ApiError: it cannot be stored, or is not what was announced.
    """
    receiver = RECEIVERS[admission.kind]
    try:
        slot = receiver.begin(context, admission.uuid)
    except TransitionRefused as error:
        raise InvalidParameter(f"{admission.kind} {admission.uuid} is being sent by somebody else already") from error
    try:
        received = _keep(context, admission, slot, pieces, announced)
    except Exception as error:
        text = error.text if isinstance(error, ApiError) else "the upload broke down"
        receiver.fail(context, admission.uuid, text)
        raise
    receiver.finish(context, admission.uuid, received)
    return received


def _keep(context: Context, admission: Admission, slot: dict[str, Any], pieces: Iterable[bytes], announced: int) -> int:
    """Write what comes to the slot's inbox; a store that keeps no bytes has none, and they are counted all the same."""
    most = slot["maximum_bytes"]
    if announced > most:
        raise InvalidRequest(f"the image has {announced} bytes, {most} are allowed")
    received = 0
    try:
        with open(slot.get("inbox") or os.devnull, "wb") as inbox:
            for piece in pieces:
                received += len(piece)
                if received > most:
                    raise InvalidRequest(f"the image has more than the {most} bytes that are allowed")
                if context.now() > admission.ends:
                    raise InvalidRequest("expires: the time for this upload ended while the image was sent")
                inbox.write(piece)
            if slot.get("inbox"):
                inbox.flush()
                os.fsync(inbox.fileno())
    except OSError as error:
        log.error("upload of %s %s: %s", admission.kind, admission.uuid, error)
        raise ResourceUnavailable(f"the image cannot be stored: {error.strerror}") from error
    return received
