"""Images over HTTP: uploads that were permitted, and links that were made.

Only stores that are directories are served here; for others the links lead to their zone's secondary storage VM.
"""

from __future__ import annotations

import os
import re
from typing import Any

from flask import Flask, Response, abort, jsonify, request, send_file

from cloudapi.errors import ApiError, InvalidParameter, InvalidRequest
from cloudapi.services.storage import link as links
from cloudapi.services.template import upload as template_upload
from cloudapi.services.volume import post_upload as volume_upload

CHUNK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9-]{1,64}\.[a-z0-9]{1,8}")
RECEIVERS = {"template": template_upload, "volume": volume_upload}


def add_routes(flask: Flask, installation: Any) -> None:
    """Serve `/client/upload/<id>` and `/client/userdata/<link>`."""

    @flask.post("/client/upload/<uuid>")
    def receive(uuid: str) -> Response:
        request.max_content_length = None
        try:
            return jsonify({"id": uuid, "bytes": _receive(installation, uuid)})
        except ApiError as error:
            answer = jsonify({"errorcode": error.code, "errortext": error.text})
            answer.status_code = error.code
            return answer

    @flask.get("/client/userdata/<name>")
    def fetch(name: str) -> Response:
        path = links.local_path(name) if NAME.fullmatch(name) else None
        if path is None or not os.path.isfile(path):
            abort(404)
        return send_file(path, mimetype="application/octet-stream", as_attachment=True, download_name=name,
                         conditional=True)


def _receive(installation: Any, uuid: str) -> int:
    """Take the file of a form whose headers bear a permit. Returns how many bytes came.

    :raises ApiError: no permit, no file, too much of it, or not what was announced.
    """
    context = installation.context()
    store = links.store_of_upload(uuid)
    if store is None:
        raise InvalidParameter(f"nothing with the ID {uuid[:64]} is waiting for an upload")
    content = links.check(context, links.UploadPermit(
        uuid, f"{links.base(context, store)}/upload/{uuid}", request.headers.get("X-Metadata", ""),
        request.headers.get("X-Expires", ""), request.headers.get("X-Signature", "")))
    file = next(iter(request.files.values()), None)
    if file is None:
        raise InvalidRequest("the form bears no file")
    receiver = RECEIVERS[content["kind"]]
    slot = receiver.begin(context, uuid)
    received = 0
    # A store that keeps no bytes has no inbox: they are counted all the same.
    with open(slot.get("inbox") or os.devnull, "wb") as inbox:
        while chunk := file.stream.read(CHUNK):
            received += len(chunk)
            if received > slot["maximum_bytes"]:
                break
            inbox.write(chunk)
    receiver.finish(context, uuid, received)
    return received
