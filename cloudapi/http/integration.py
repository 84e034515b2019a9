"""The unauthenticated integration port: off by default, and on the loopback address whatever the configuration says."""

from __future__ import annotations

import logging
import threading
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

log = logging.getLogger(__name__)


class Handler(WSGIRequestHandler):
    """Keeps connections open, as test suites send thousands of requests; logs to the program's log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *arguments: Any) -> None:
        log.debug(message, *arguments)


def serve(application: Any, port: int) -> BaseWSGIServer:
    """Serve in a thread of this process. Returns the server, which `shutdown()` and `server_close()` end."""
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, name="integration", daemon=True).start()
    return server
