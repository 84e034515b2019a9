"""What the program needs to know before it has a database: where its data is, what it listens on, how it logs.

Three sources, later ones win: a TOML file, environment variables (`CLOUDAPI_PORT` for `port`), the command line.
What operators change while the server runs is in `cloudapi.settings`.
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

PREFIX = "CLOUDAPI_"
FILE_VARIABLE = "CLOUDAPI_CONFIG"
"""Names the TOML file where the command line does not."""

DATABASES = ("sqlite", "mysql", "postgresql")


class ConfigurationError(Exception):
    """A key or a value that the program cannot start with; the text names both and where they came from."""


def _about(help: str, *, least: int = 0, most: int = 0, one_of: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is known of a key; `least` and `most` bound a number, `one_of` lists the words allowed."""
    return {"help": help, "least": least, "most": most, "one_of": one_of}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One installation's configuration. The fields are the keys of the TOML file."""

    data: Path = field(
        default=Path("var"),
        metadata=_about("Directory of everything that belongs to this installation; made if missing."),
    )
    address: str = field(default="127.0.0.1", metadata=_about("IP address that the API listens on."))
    port: int = field(default=8080, metadata=_about("TCP port that the API listens on.", least=1, most=65535))
    integration_port: int = field(
        default=0,
        metadata=_about(
            "TCP port on 127.0.0.1 where commands are taken without authentication, as root admin; 0 is off.",
            most=65535,
        ),
    )
    database: str = field(
        default="",
        metadata=_about(
            "URL of the database: sqlite:///path, mysql://user:password@host/name or "
            "postgresql://user:password@host/name. Empty is the file cloudapi.db in the data directory."
        ),
    )
    request_threads: int = field(
        default=8, metadata=_about("Requests that are worked on at the same time.", least=1, most=1024)
    )
    job_threads: int = field(
        default=8, metadata=_about("Asynchronous jobs that this process works on at the same time.", most=1024)
    )
    session_timeout: int = field(
        default=30, metadata=_about("Minutes after which an unused session ends.", least=1, most=525600)
    )
    log_level: str = field(
        default="info",
        metadata=_about("Least weight of what is logged.", one_of=("debug", "info", "warning", "error")),
    )
    log_format: str = field(default="text", metadata=_about("How log lines are written.", one_of=("text", "json")))
    log_file: str = field(default="", metadata=_about("File of the log; empty is cloudapi.log in the data directory."))

    def __post_init__(self) -> None:
        if self.integration_port and self.integration_port == self.port:
            raise ConfigurationError(f"integration_port: {self.port} is the port of the API too")

    @property
    def database_url(self) -> str:
        """The database's URL, with its password."""
        return self.database or f"sqlite:///{self.data.absolute() / 'cloudapi.db'}"

    @property
    def endpoint(self) -> str:
        """The URL of the API, for clients on this machine or network."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/client/api"

    def __repr__(self) -> str:
        shown = ", ".join(f"{key.name}={_shown(key.name, getattr(self, key.name))!r}" for key in fields(self))
        return f"Configuration({shown})"


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Configuration:
    """Read the configuration.

    :param file: the TOML file; without it the one that CLOUDAPI_CONFIG names, if any.
    :param environ: environment variables; those that begin with CLOUDAPI_ are keys.
    :param overrides: values of the command line; None stands for an option that was not given.
    :raises ConfigurationError: an unreadable file, an unknown key, a value of the wrong type or out of range.
    """
    environ = environ or {}
    if file is None and environ.get(FILE_VARIABLE):
        file = Path(environ[FILE_VARIABLE])
    values: dict[str, object] = {}
    for source, name, value in (*_from_file(file), *_from_environment(environ), *_from_overrides(overrides or {})):
        key = _KEYS.get(name)
        if key is None:
            raise ConfigurationError(f"{source}: there is no key {name!r}{_closest(name)}")
        values[name] = _converted(key, value, source)
    return Configuration(**values)  # type: ignore[arg-type]


def explain(configuration: Configuration | None = None) -> str:
    """Return the documentation of every key as a TOML file: its meaning, its variable, its default.

    :param configuration: shows the values in force instead of the defaults; passwords are left out.
    """
    shown = configuration or Configuration()
    parts = []
    for key in _KEYS.values():
        about = [key.metadata["help"]]
        if key.metadata["one_of"]:
            about.append(f"One of {', '.join(key.metadata['one_of'])}.")
        elif key.metadata["most"]:
            about.append(f"From {key.metadata['least']} to {key.metadata['most']}.")
        about.append(f"Environment: {PREFIX}{key.name.upper()}.")
        if configuration is not None:
            about.append(f"Default: {_as_toml(key.default)}.")
        parts.append(f"# {' '.join(about)}\n{key.name} = {_as_toml(_shown(key.name, getattr(shown, key.name)))}\n")
    return "\n".join(parts)


_KEYS: dict[str, Field[Any]] = {key.name: key for key in fields(Configuration)}


def _from_file(file: Path | None) -> Iterator[tuple[str, str, object]]:
    if file is None:
        return
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not a TOML file: {error}") from error
    for name, value in values.items():
        yield str(file), name, value


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    for variable, value in environ.items():
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE:
            yield f"environment variable {variable}", variable.removeprefix(PREFIX).lower(), value


def _from_overrides(overrides: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    for name, value in overrides.items():
        if value is not None:
            yield "command line", name, value


def _converted(key: Field[Any], value: object, source: str) -> Path | str | int:
    place = f"{source}: {key.name}"
    if isinstance(key.default, int):
        return _number(key, value, place)
    text = str(value) if isinstance(value, str | Path) else ""
    if not isinstance(value, str | Path):
        raise ConfigurationError(f"{place}: {value!r} is not a text")
    if isinstance(key.default, Path):
        if not text:
            raise ConfigurationError(f"{place}: the directory is empty")
        return Path(text)
    allowed = key.metadata["one_of"]
    if allowed and text.lower() not in allowed:
        raise ConfigurationError(f"{place}: {text!r} is not one of {', '.join(allowed)}")
    if key.name == "address":
        _check_address(text, place)
    if key.name == "database" and text:
        _check_database(text, place)
    return text.lower() if allowed else text


def _number(key: Field[Any], value: object, place: str) -> int:
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        number = int(value)
    except ValueError:
        raise ConfigurationError(f"{place}: {value!r} is not a whole number") from None
    least, most = key.metadata["least"], key.metadata["most"]
    if not least <= number <= most:
        raise ConfigurationError(f"{place}: {number} is not between {least} and {most}")
    return number


def _check_address(text: str, place: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ConfigurationError(f"{place}: {text!r} is not an IP address") from None


def _check_database(url: str, place: str) -> None:
    # The URL may hold a password: the text names its scheme only.
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in DATABASES:
        raise ConfigurationError(f"{place}: not a URL that begins with one of {', '.join(DATABASES)} and ://")
    if not rest.strip("/"):
        raise ConfigurationError(f"{place}: the {scheme} URL names no database")


def _closest(name: str) -> str:
    near = difflib.get_close_matches(name, _KEYS, n=1)
    return f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(_KEYS)}"


def _shown(name: str, value: object) -> object:
    if name != "database" or not isinstance(value, str):
        return value
    parts = urlsplit(value)
    if parts.password is None:
        return value
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))


def _as_toml(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
