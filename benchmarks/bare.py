"""The yardstick: a Flask view that returns a constant, on the WSGI server and threads that cloudapi uses."""

from __future__ import annotations

import os
import sys

from flask import Flask, Response


def make_application() -> Flask:
    flask = Flask("bare", static_folder=None)
    constant = b"x" * int(os.environ["BARE_SIZE"])

    @flask.get("/client/api")
    def view() -> Response:
        return Response(constant, content_type="application/json")

    return flask


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces

    os.environ["BARE_SIZE"] = sys.argv[2]
    Granian("benchmarks.bare:make_application", factory=True, address="127.0.0.1", port=int(sys.argv[1]),
            interface=Interfaces.WSGI, workers=1, blocking_threads=8, log_enabled=False).serve()
