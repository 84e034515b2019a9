"""The application factory: the only place where the parts are wired together."""

from __future__ import annotations

import json
import logging
import os
import secrets as randomness
from pathlib import Path
from typing import Any

import peewee

import cloudapi.commands
from agents.hypervisors.simulator import Simulator
from agents.storage.directory import DirectorySecondaryStorage
from cloudapi.api.discovery import Discovery, openapi_document
from cloudapi.api.dispatch import Dispatcher
from cloudapi.api.registry import Registry
from cloudapi.configuration import Configuration
from cloudapi.context import ADMIN_ACCOUNT, ADMIN_USER, ROOT_DOMAIN, Context
from cloudapi.hosts.client import HostClient
from cloudapi.hosts.transports.in_process import InProcessTransport
from cloudapi.jobs.engine import ThreadEngine
from cloudapi.jobs.periodic import Scheduler, Task
from cloudapi.jobs.steps import Steps
from cloudapi.models import database as db
from cloudapi.models import tally
from cloudapi.models.identity import ApiKeyPair, User
from cloudapi.secrets import Secrets
from cloudapi.services import periodic
from cloudapi.services.account.caller import Callers
from cloudapi.services.account.session import Sessions
from cloudapi.services.account.throttle import Throttle
from cloudapi.services.configuration.setting import Settings
from cloudapi.services.host.monitor import HostMonitor
from cloudapi.services.physical_network.catalogue import PROVIDERS
from cloudapi.services.role.permission import Permissions
from cloudapi.services.user import password
from schema import tables
from schema.seed import seed

log = logging.getLogger(__name__)

UNFINISHED = "unfinished"
"""Name of the file that marks an installation which is being made."""


class Installation:
    """One installation's parts; services reach them through the context."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.data = Path(configuration.data)
        self.secrets = Secrets(self.data / "secret.key")
        self.settings = Settings()
        self.permissions = Permissions(self.settings)
        self.throttle = Throttle(self.settings)
        self.callers = Callers(self.secrets, self.settings)
        self.sessions = Sessions(self.callers, self.settings, configuration.session_timeout)
        simulator = Simulator(str(self.data / "simulator.sqlite"), directory=DirectorySecondaryStorage())
        self.hosts = HostClient({"Simulator": InProcessTransport(simulator)})
        self.registry = Registry()
        self.registry.load(cloudapi.commands)
        self.dispatcher = Dispatcher(self.registry, self)
        self.jobs = ThreadEngine(self.dispatcher.execute, configuration.job_threads)
        self.scheduler = Scheduler(self.jobs.worker, [self._task(task) for task in periodic.TASKS])
        self.monitor = HostMonitor(self)
        self.discovery = Discovery(self.registry)
        self._openapi: bytes | None = None

    def _task(self, task: periodic.Periodic) -> Task:
        return Task(task.name, lambda: task.interval(self.settings), lambda: task.work(self.context()))

    def context(self) -> Context:
        """Return a context for what the installation does by itself."""
        return Context(self.callers.system(), self, Steps("system"))

    def after_commit(self, context: Context) -> None:
        """Do what a call left for after its transaction."""
        while context.after:
            action = context.after.pop(0)
            try:
                action()
            except Exception:
                log.exception("request %s: what follows the commit failed", context.request_id)

    def openapi(self) -> bytes:
        if self._openapi is None:
            self._openapi = openapi_document(self.registry)
        return self._openapi

    def start(self) -> None:
        """Start the workers, the periodic work and the pings of hosts."""
        self.jobs.start()
        self.scheduler.start()
        self.monitor.start()

    def stop(self) -> None:
        self.monitor.stop()
        self.scheduler.stop()
        self.jobs.stop()

    def run_command(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """Run a command as the admin, as the seeds do: through the same checks as any client's.

        An asynchronous one is run to its end here, by this thread.
        """
        raw = {key: str(value) for key, value in parameters.items()}
        answer = self.dispatcher.handle({"command": name, **raw}, self.callers.root(), "seed")
        return answer.body


class CannotOpen(Exception):
    """An installation cannot be opened; the text says why, and holds no password."""


def open_database(configuration: Configuration) -> int | None:
    """Connect to the database. Returns the version of its schema, None where it is empty.

    :raises CannotOpen: there is no such database, or it does not let us in.
    """
    try:
        db.connect(configuration.database_url)
        return tables.current_version()
    except (peewee.PeeweeException, ImportError) as error:
        raise CannotOpen(f"the database cannot be opened: {error}") from error


def prepare(configuration: Configuration) -> bool:
    """Open the database and make its tables and seeds where it is empty. Returns whether it was.

    A new installation bears a mark until `make_admin_keys` takes it away, so that one whose making was interrupted
    is not taken for whole.

    :raises CannotOpen: the directory or the database cannot be used, or is not what this program needs.
    """
    data = Path(configuration.data)
    try:
        # What is in it is its owner's alone: the database holds sessions and users' data.
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = open_database(configuration)
        if version is None:
            (data / UNFINISHED).touch()
    except OSError as error:
        raise CannotOpen(f"{data}: {error.strerror}") from error
    if version is None:
        tables.create(lambda: seed(configuration.endpoint, PROVIDERS))
        tally.ensure()
        return True
    if version > tables.VERSION:
        raise CannotOpen(f"the database has schema version {version}, this program knows {tables.VERSION} at most: "
                         "install the newer program")
    if version < tables.VERSION:
        raise CannotOpen(f"the database has schema version {version}, this program needs {tables.VERSION}: "
                         "run `cloudapi upgrade`")
    if (data / UNFINISHED).exists():
        raise CannotOpen(f"the installation in {data} was interrupted while it was made: empty the directory and the "
                         "database and begin again")
    tally.ensure()
    return False


def make_admin_keys(installation: Installation) -> dict[str, str]:
    """Make the admin's first key pair and password; write them to `admin.json` (mode 0600) and return them.

    It is what finishes a new installation.
    """
    api_key, secret_key, chosen = (randomness.token_urlsafe(length) for length in (64, 64, 18))

    def work() -> None:
        ApiKeyPair.create(name="admin", user=ADMIN_USER, account_id=ADMIN_ACCOUNT, domain_id=ROOT_DOMAIN,
                          api_key=api_key, secret_key=installation.secrets.seal(secret_key))
        User.update(password=password.hashed(chosen)).where(User.id == ADMIN_USER).execute()

    db.transact(work)
    content = {"endpoint": installation.configuration.endpoint, "apikey": api_key, "secretkey": secret_key,
               "username": "admin", "password": chosen}
    write_private(installation.data / "admin.json", json.dumps(content, indent=2) + "\n")
    (installation.data / UNFINISHED).unlink(missing_ok=True)
    return content


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(temporary, path)
