"""The server process: granian accepts requests, its worker has the whole installation in it."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from typing import Any

from cloudapi.configuration import Configuration, load

# The worker is a process of its own, started by granian; it reads the configuration again from here.
ENVIRONMENT = "CLOUDAPI_SERVE"

log = logging.getLogger(__name__)

NEXT_STEPS = """cloudapi is ready at {endpoint}
The admin's keys are in {keys}. To try next, in this folder:

  export CLOUDSTACK_ENDPOINT={endpoint} \\
         CLOUDSTACK_KEY=$(python3 -c 'import json; print(json.load(open("{keys}"))["apikey"])') \\
         CLOUDSTACK_SECRET=$(python3 -c 'import json; print(json.load(open("{keys}"))["secretkey"])')
  cs listZones
  curl '{root}/client/openapi.json'
  cmk set url {endpoint} && cmk set apikey $CLOUDSTACK_KEY && cmk set secretkey $CLOUDSTACK_SECRET && cmk sync
"""


def run(configuration: Configuration, arguments: str) -> None:
    """Serve until a signal. `arguments` is the configuration as `load` reads it back from the environment."""
    from granian import Granian
    from granian.constants import Interfaces

    os.environ[ENVIRONMENT] = arguments
    Granian(
        "cloudapi.serving:make_application", factory=True, address=configuration.address, port=configuration.port,
        interface=Interfaces.WSGI, workers=1, blocking_threads=configuration.threads, backlog=1024,
        log_enabled=False, respawn_failed_workers=True, process_name=None).serve()


def make_application() -> Any:
    """Return the WSGI application of this process, with workers and periodic work started."""
    configuration = load(arguments=os.environ[ENVIRONMENT])
    configure_logging(configuration)
    from cloudapi.app import Installation, make_admin_keys, prepare
    from cloudapi.http.endpoint import make_wsgi

    fresh = prepare(configuration)
    installation = Installation(configuration)
    if fresh:
        make_admin_keys(installation)
    installation.start()
    if fresh and configuration.demo:
        from cloudapi.demo import build

        build(installation)
    atexit.register(installation.stop)
    if configuration.integration_port:
        serve_integration(make_wsgi(installation, integration=True), configuration.integration_port)
    sys.stderr.write(NEXT_STEPS.format(
        endpoint=configuration.endpoint, keys=installation.data / "admin.json",
        root=configuration.endpoint.removesuffix("/client/api")))
    sys.stderr.flush()
    return make_wsgi(installation)


def serve_integration(application: Any, port: int) -> None:
    """Serve the unauthenticated integration port: on the loopback address, whatever the configuration says."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *arguments: Any) -> None:
            log.debug(message, *arguments)

    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, name="integration", daemon=True).start()


def configure_logging(configuration: Configuration) -> None:
    os.makedirs(configuration.data, exist_ok=True)
    handler = logging.FileHandler(os.path.join(configuration.data, "cloudapi.log"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(configuration.log_level.upper())
