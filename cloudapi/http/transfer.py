"""Images over HTTP: `POST /client/upload/<id>` takes those that were permitted, `GET /client/userdata/<link>` gives
those to which a link was made.

Nothing is held in memory: what comes goes to the store piece by piece, and what goes is read so. Transfers take at
most half of the server's threads, so that the API answers meanwhile.
"""

from __future__ import annotations

import io
import logging
import os
import re
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, File, MultipartDecoder, NeedData
from werkzeug.wsgi import FileWrapper

from cloudapi.errors import ApiError, InvalidRequest, ResourceLimitExceeded
from cloudapi.services.storage import link as links
from cloudapi.services.storage import upload as uploads

log = logging.getLogger(__name__)

PIECE = 256 << 10
# What a form adds to its file, at least allowed: boundaries, headers, other fields.
FORM_OVERHEAD = 64 << 10
PARTS = 100
# The pages of a user interface may come from elsewhere than the form's address; a permit is what counts, no cookie.
OPEN_TO_PAGES = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "content-type, x-requested-with, x-signature, x-metadata, x-expires"}
IDENTIFIER = re.compile(r"[0-9A-Za-z-]{1,64}")
BUSY = "as many transfers as this server takes are under way; try again later"


def add_routes(flask: Flask, installation: Any) -> None:
    """Serve uploads and links."""
    slots = threading.BoundedSemaphore(max(1, installation.configuration.request_threads // 2))

    @flask.route("/client/upload/<uuid>", methods=["POST", "OPTIONS"], provide_automatic_options=False)
    def receive(uuid: str) -> Response:
        if request.method == "OPTIONS":
            return _text("", 204, OPEN_TO_PAGES)
        if not slots.acquire(blocking=False):
            return _text(BUSY, 503, {**OPEN_TO_PAGES, "Retry-After": "30"})
        try:
            status, text = _receive(installation, uuid)
        finally:
            slots.release()
        return _text(text, status, OPEN_TO_PAGES)

    @flask.get("/client/userdata/<name>")
    def fetch(name: str) -> Response:
        linked = links.follow(installation.context(), name)
        body = None if linked is None else _open(linked)
        if linked is None or body is None:
            return _text("there is no such link, or its time is over", 404)
        if not slots.acquire(blocking=False):
            body.close()
            return _text(BUSY, 503, {"Retry-After": "30"})
        response = Response(FileWrapper(body, PIECE), mimetype="application/octet-stream")
        response.call_on_close(slots.release)
        try:
            return _described(response, name, linked.size_bytes)
        except HTTPException:  # a range that the image does not have
            response.close()
            raise


def _text(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    response = Response(text, status, headers, content_type="text/plain; charset=UTF-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _receive(installation: Any, uuid: str) -> tuple[int, str]:
    """Take an image in. Returns the HTTP status and what to say, as CloudStack's secondary storage VM does."""
    context = installation.context()
    if not IDENTIFIER.fullmatch(uuid):
        return 400, "the last part of the path is no ID of an upload"
    try:
        admission = uploads.admit(context, uuid, *(request.headers.get(name, "") for name in (
            "X-Metadata", "X-Expires", "X-Signature")))
        pieces = _pieces(request)
        first = next(pieces, None)
        if first is None:
            return 422, "received entity is not a file"
        form = request.mimetype == "multipart/form-data"
        announced = (request.content_length or 0) - (FORM_OVERHEAD if form else 0)
        uploads.receive(context, admission, _after(first, pieces), announced)
    except ApiError as error:
        refused = error.code < 500 or isinstance(error, ResourceLimitExceeded)
        return 400 if refused else 500, error.text
    except Exception:
        log.exception("request %s: the upload of %s failed", context.request_id, uuid[:64])
        return 500, "Internal Server Error"
    return 200, "upload successful."


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _pieces(incoming: Request) -> Iterator[bytes]:
    """Yield the file that a request bears, never an empty piece: the first file of a form, or else the whole body.

    :raises InvalidRequest: its length is not told, it ends before it is whole, or it is no form though it says so.
    """
    length = incoming.content_length
    if not length:
        raise InvalidRequest("content length is not set in the request or has an invalid value")
    body = _body(incoming, length)
    if incoming.mimetype == "multipart/form-data":
        yield from _file_of_form(body, incoming.mimetype_params.get("boundary", ""))
    elif incoming.mimetype != "application/x-www-form-urlencoded":
        yield from body


def _body(incoming: Request, length: int) -> Iterator[bytes]:
    incoming.max_content_length = length  # the image's own limit counts, which is known later
    left = length
    while left:
        try:
            piece = incoming.stream.read(min(PIECE, left))
        except (HTTPException, OSError, ValueError) as error:
            raise _cut_off(left) from error
        if not piece:
            raise _cut_off(left)
        left -= len(piece)
        yield piece


def _cut_off(left: int) -> InvalidRequest:
    return InvalidRequest(f"the connection was closed prematurely: {left} bytes are missing")


def _file_of_form(body: Iterator[bytes], boundary: str) -> Iterator[bytes]:
    if not boundary:
        raise InvalidRequest("the form has no boundary")
    # Bounds what has no end in sight: a preamble, or a part's headers. A file's data is handed on as it comes.
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), 4 * PIECE, max_parts=PARTS)
    wanted, done = False, False
    try:
        for piece in body:
            decoder.receive_data(piece)
            event = decoder.next_event()
            while not isinstance(event, (NeedData, Epilogue)):
                if isinstance(event, Data):
                    if wanted and event.data:
                        yield event.data
                    done = done or (wanted and not event.more_data)
                else:
                    wanted = isinstance(event, File) and not done
                event = decoder.next_event()
        decoder.receive_data(None)
        decoder.next_event()
    except (ValueError, HTTPException) as error:
        raise InvalidRequest("the form is damaged, or ends before it is whole") from error


class Zeros(io.RawIOBase):
    """The bytes of an image whose store keeps none: as many as the image has, all of them 0."""

    def __init__(self, size: int) -> None:
        self._size, self._position = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        count = max(0, min(len(buffer), self._size - self._position))
        buffer[:count] = bytes(count)
        self._position += count
        return count


def _open(linked: links.Linked) -> BinaryIO | None:
    if linked.file is None:
        return cast(BinaryIO, Zeros(linked.size_bytes))
    try:
        return open(os.open(linked.file, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except OSError as error:
        log.warning("an image behind a link cannot be read: %s", error.strerror)
        return None


def _described(response: Response, name: str, size: int) -> Response:
    """Say what is sent, and send only the range that is asked for."""
    response.content_length = size
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.private = True
    response.set_etag(name)  # what lies behind a link never changes
    response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return response
