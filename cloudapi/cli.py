"""The command line: `cloudapi serve | init | demo | upgrade | config | openapi`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from cloudapi import __version__
from cloudapi.configuration import Configuration, ConfigurationError, explain, load

DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="The installation's directory.")
FILE = click.option("--config", "file", type=click.Path(dir_okay=False, path_type=Path), help="A TOML file with keys.")


def read(file: Path | None = None, **overrides: Any) -> Configuration:
    try:
        return load(file, os.environ, overrides)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cloudapi")
def main() -> None:
    """A cloud management server that speaks the Apache CloudStack API."""


@main.command()
@DATA
@FILE
@click.option("--address", help="The IP address to listen on.")
@click.option("--port", type=int, help="The TCP port to listen on.")
@click.option("--integration-port", type=int, help="A port on 127.0.0.1 without authentication, as root admin; 0: off.")
@click.option("--database", help="The database's URL.")
def serve(file: Path | None, **options: Any) -> None:
    """Serve the API. A new data directory gets a seeded cloud of simulated hosts first."""
    from cloudapi import serving

    try:
        serving.run(read(file, **options))
    except serving.CannotStart as error:
        raise click.ClickException(str(error)) from error


def opened(file: Path | None, options: dict[str, Any]) -> tuple[Any, bool]:
    """Return the installation and whether its database was empty."""
    from cloudapi.app import CannotOpen, Installation, make_admin_keys, prepare

    configuration = read(file, **options)
    try:
        fresh = prepare(configuration)
    except CannotOpen as error:
        raise click.ClickException(str(error)) from error
    installation = Installation(configuration)
    if fresh:
        make_admin_keys(installation)
    return installation, fresh


@main.command()
@DATA
@FILE
@click.option("--port", type=int, help="The port that the server will listen on, for admin.json.")
@click.option("--database", help="The database's URL.")
def init(file: Path | None, **options: Any) -> None:
    """Make an empty installation: the admin's account and the default offerings, no zone."""
    installation, fresh = opened(file, options)
    if not fresh:
        raise click.ClickException(f"{installation.data} is an installation already")
    click.echo(f"The admin's keys are in {installation.data / 'admin.json'}")


@main.command()
@DATA
@FILE
@click.option("--port", type=int, help="The port that the server will listen on, for admin.json.")
@click.option("--database", help="The database's URL.")
def demo(file: Path | None, **options: Any) -> None:
    """Build the sandbox cloud of simulated hosts in an empty installation; no server may run on it."""
    from cloudapi.demo import NotEmpty, build

    installation, _ = opened(file, options)
    installation.jobs.start()
    try:
        build(installation, progress=True)
    except NotEmpty as error:
        raise click.ClickException(str(error)) from error
    finally:
        installation.jobs.stop()


@main.command()
@DATA
@FILE
@click.option("--database", help="The database's URL.")
def upgrade(file: Path | None, **options: Any) -> None:
    """Bring the database to the schema of this program."""
    from cloudapi.app import CannotOpen, open_database
    from schema import upgrades

    try:
        if open_database(read(file, **options)) is None:
            raise click.ClickException("there is no installation in this database: `cloudapi init` makes one")
        applied = upgrades.apply()
    except (CannotOpen, upgrades.UpgradeError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Applied {', '.join(map(str, applied))}" if applied else "The schema is up to date")


@main.command()
@DATA
@FILE
@click.option("--explain", "explained", is_flag=True, help="Describe every key, with its default.")
def config(file: Path | None, explained: bool, **options: Any) -> None:
    """Show the configuration in force; passwords are left out."""
    click.echo(explain() if explained else explain(read(file, **options)))


@main.command()
def openapi() -> None:
    """Write the OpenAPI document of all commands."""
    import cloudapi.commands
    from cloudapi.api.discovery import openapi_document
    from cloudapi.api.registry import Registry

    registry = Registry()
    registry.load(cloudapi.commands)
    click.echo(openapi_document(registry))
