"""A private PostgreSQL server: own data directory, own port on 127.0.0.1, gone when the tests are over."""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.ports import free_port

# Durability is what a test database does not need.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")
USER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 30


class PostgreSQLUnavailable(RuntimeError):
    """The server is not installed, or did not start; the text says which, with the end of its log."""


class PostgreSQLServer:
    """Starts on construction; `close` stops it and removes its directory."""

    def __init__(self, directory: Path):
        # The server never runs as root, and pytest's directories are root's alone.
        self._directory = Path(tempfile.mkdtemp(prefix="cloudapi-postgresql-"))
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            os.chown(self._directory, owner.pw_uid, owner.pw_gid)
        self._data, self._log = self._directory / "data", directory / "postgresql.log"
        self._names = (f"cloud_{number}" for number in itertools.count(1))
        directory.mkdir(parents=True, exist_ok=True)
        self._run("initdb", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync",
                  f"--pgdata={self._data}")
        self.port = free_port()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self._data), "-p", str(self.port), "-k", str(self._directory),
                              *(part for option in OPTIONS for part in ("-c", option))),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._directory)
        self._wait()

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = next(self._names)
        self._run("createdb", *self._address(), name)
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        self._run("dropdb", "--force", *self._address(), url.rpartition("/")[2])

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _address(self) -> list[str]:
        return ["--host=127.0.0.1", f"--port={self.port}", f"--username={USER}"]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(PostgreSQLUnavailable):
                self._run("pg_isready", *self._address()[:2])
                return
            time.sleep(0.05)
        raise PostgreSQLUnavailable(f"postgres did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        """Return the command that runs a program as a user who is not root, and ends it with the tests."""
        command = [find_program(program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--pdeathsig", "TERM",
                       *command]
        return command

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(self._command(program, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, cwd=self._directory)
        if done.returncode:
            raise PostgreSQLUnavailable(f"{program} ended with {done.returncode}: {done.stdout[-2000:]}")


def installed() -> bool:
    with contextlib.suppress(PostgreSQLUnavailable):
        return bool(find_program("postgres"))
    return False


def find_program(name: str) -> str:
    """Debian keeps the server's programs in a folder for each version."""
    folders = [*(str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
               os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise PostgreSQLUnavailable(f"{name} is not installed; `make test DATABASE=postgresql` installs it")
    return found
