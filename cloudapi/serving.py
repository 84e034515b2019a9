"""The server process: granian accepts requests, its worker has the whole installation in it."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import socket
import sys
from dataclasses import fields
from typing import Any

from cloudapi.configuration import PREFIX, Configuration, load

NEXT_STEPS = """\
cloudapi is ready: {endpoint}
The admin's keys: {keys}

Three things to try, in this folder:
  key() {{ python3 -c 'import json, sys; print(json.load(open("{keys}"))[sys.argv[1]])' $1; }}
  export CLOUDSTACK_ENDPOINT={endpoint} CLOUDSTACK_KEY=$(key apikey) CLOUDSTACK_SECRET=$(key secretkey)
  cs listZones                      # pip install cs
  curl -s {root}/client/openapi.json
  cmk -u {endpoint} -k $CLOUDSTACK_KEY -s $CLOUDSTACK_SECRET list zones
"""


class CannotStart(Exception):
    """The server cannot start; the text says why."""


def run(configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT.

    :raises CannotStart: a port is taken, or the address is not this machine's.
    """
    from granian import Granian
    from granian.constants import Interfaces

    check_port(configuration.address, configuration.port)
    if configuration.integration_port:
        check_port("127.0.0.1", configuration.integration_port)
    # The worker is a process of its own, started by granian: it reads the configuration from the environment.
    for key in fields(configuration):
        os.environ[PREFIX + key.name.upper()] = str(getattr(configuration, key.name))
    server = Granian(
        "cloudapi.serving:make_application", factory=True, address=configuration.address, port=configuration.port,
        interface=Interfaces.WSGI, workers=1, blocking_threads=configuration.request_threads, backlog=1024,
        respawn_failed_workers=True, log_enabled=False, workers_kill_timeout=30, websockets=False)
    server.serve()


def check_port(address: str, port: int) -> None:
    """:raises CannotStart: nobody can listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise CannotStart(f"port {port} on {address}: {error.strerror}") from error


def make_application() -> Any:
    """Return the WSGI application of this process, with workers and periodic work started."""
    # What a start makes stays: looking through it for garbage again and again would take a tenth of the time.
    gc.disable()
    configuration = load(environ=os.environ)
    from cloudapi.app import CannotOpen, Installation, make_admin_keys, prepare
    from cloudapi.http.endpoint import make_wsgi

    try:
        configure_logging(configuration)
        fresh = prepare(configuration)
    except (CannotOpen, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)
    installation = Installation(configuration)
    installation.start()
    if fresh:
        from cloudapi.demo import build

        build(installation)
        make_admin_keys(installation)
    atexit.register(installation.stop)
    if configuration.integration_port:
        from cloudapi.http.integration import serve

        serve(make_wsgi(installation, integration=True), configuration.integration_port)
    sys.stderr.write(NEXT_STEPS.format(
        endpoint=configuration.endpoint, keys=installation.data / "admin.json",
        root=configuration.endpoint.removesuffix("/client/api")))
    sys.stderr.flush()
    application = make_wsgi(installation)
    gc.freeze()
    gc.enable()
    return application


def configure_logging(configuration: Configuration) -> None:
    """Log to the configured file, by default `cloudapi.log` in the data directory."""
    configuration.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = logging.FileHandler(configuration.log_file or configuration.data / "cloudapi.log")
    if configuration.log_format == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(configuration.log_level.upper())


class JsonLines(logging.Formatter):
    """A JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        import orjson

        line = {"time": record.created, "level": record.levelname, "thread": record.threadName, "logger": record.name,
                "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()
