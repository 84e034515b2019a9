"""Fresh databases for tests, a class per kind: `create()` answers the URL of an empty one, `drop(url)` removes it."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.support.mariadb import MariaDBServer
from tests.support.postgresql import PostgreSQLServer


class Databases(Protocol):
    def create(self) -> str: ...

    def drop(self, url: str) -> None: ...

    def close(self) -> None: ...


class SQLiteFiles:
    """One file per database."""

    def __init__(self, directory: Path):
        self._files = (directory / f"cloud_{number}.db" for number in itertools.count(1))

    def create(self) -> str:
        return f"sqlite:///{next(self._files)}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing runs; pytest removes the directory."""


KINDS: dict[str, Callable[[Path], Databases]] = {
    "sqlite": SQLiteFiles, "mariadb": MariaDBServer, "postgresql": PostgreSQLServer}
