"""A private MariaDB server: own data directory, own port on 127.0.0.1, gone when the tests are over."""

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql

# Durability is what a test database does not need; everything that changes an answer stays at its default. Debian's
# configuration files set the character set, and a server started without them has to be told.
OPTIONS = (
    "--skip-networking=0",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--performance-schema=OFF",
    "--max-connections=300",
)
START_SECONDS = 60
STOP_SECONDS = 30
PORT_ATTEMPTS = 3


class MariaDBUnavailable(RuntimeError):
    """The server is not installed, or did not start; the text says which, with the end of its log."""


class MariaDBServer:
    """Starts on construction; `close` stops it and leaves its directory to the caller."""

    def __init__(self, directory: Path):
        self._data = directory / "data"
        self._log = directory / "mariadbd.log"
        # Not in `directory`: the path of a socket may have no more than 107 bytes.
        self._socket = Path(f"/tmp/cloudapi-mariadb-{os.getpid()}-{id(self):x}.sock")
        self._names = (f"cloud_{number}" for number in itertools.count(1))
        # A server that starts removes what looks like left over in its directory for temporary tables: in one that
        # several share, the tables of the others.
        self._temporary = directory / "tmp"
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._install()
        self.port, self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE `{name}`")
        return f"mysql://root@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE `{url.rpartition('/')[2]}`")

    def execute(self, statement: str) -> list[tuple]:
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.unlink(missing_ok=True)

    def _install(self) -> None:
        installer = find_program("mariadb-install-db")
        command = [
            installer,
            "--no-defaults",
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *_as_current_user(),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise MariaDBUnavailable(f"mariadb-install-db ended with {done.returncode}: {done.stdout[-2000:]}")

    def _start(self) -> tuple[int, subprocess.Popen]:
        # Between choosing a free port and binding it another program may take it.
        for _attempt in range(PORT_ATTEMPTS):
            port = _free_port()
            process = self._launch(port)
            if self._answers(port, process):
                return port, process
            if "Can't start server: Bind on TCP/IP port" not in self._end_of_log():
                break
        raise MariaDBUnavailable(f"mariadbd did not start: {self._end_of_log()}")

    def _launch(self, port: int) -> subprocess.Popen:
        command = [
            # So that the server ends with the tests even where they are killed.
            *(["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []),
            find_program("mariadbd"),
            "--no-defaults",
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
            f"--socket={self._socket}",
            f"--pid-file={self._data / 'mariadbd.pid'}",
            f"--port={port}",
            *OPTIONS,
            *_as_current_user(),
        ]
        with self._log.open("wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self, port: int, process: subprocess.Popen) -> bool:
        """Waits until the server takes a connection; False where it ended instead."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            try:
                self._connect(port).close()
                return True
            except pymysql.err.OperationalError:
                if time.monotonic() > deadline:
                    process.kill()
                    process.wait()
                    break
                time.sleep(0.05)
        return False

    def _connect(self, port: int | None = None) -> pymysql.Connection:
        return pymysql.connect(host="127.0.0.1", port=port or self.port, user="root", autocommit=True)

    def _end_of_log(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def find_program(name: str) -> str:
    """Debian keeps the server in a folder that only root's PATH has."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        packages = "mariadb-server-core mariadb-client-core"
        raise MariaDBUnavailable(f"{name} is not installed; `make test` installs it, or: apt-get install {packages}")
    return found


@contextlib.contextmanager
def running(directory: Path) -> Iterator[MariaDBServer]:
    server = MariaDBServer(directory)
    try:
        yield server
    finally:
        server.close()


def _as_current_user() -> list[str]:
    # The server refuses to run as root unless it is told to.
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
