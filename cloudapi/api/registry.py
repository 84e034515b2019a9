"""All commands, found by importing the modules under `cloudapi.commands`; there is no list kept by hand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from cloudapi.api import wording
from cloudapi.api.command import AsyncCreateCommand, Command
from cloudapi.api.parameters import Entity
from cloudapi.events import BESIDES_COMMANDS


class Registry:
    def __init__(self) -> None:
        self._commands: dict[str, type[Command]] = {}
        self.event_types = set(BESIDES_COMMANDS)

    def add(self, command: type[Command]) -> None:
        """Register a command.

        :raises TypeError: it has no roles, no text, an entity without an access kind, or its name is taken; or
            its event cannot say what it does.
        """
        name = command.api_name()
        if not command.roles:
            raise TypeError(f"{name} names no roles")
        if not (command.__doc__ or "").strip():
            raise TypeError(f"{name} does not say what it does")
        if name in self._commands and self._commands[name] is not command:
            raise TypeError(f"{name} is declared twice: {self._commands[name].__module__} and {command.__module__}")
        if issubclass(command, AsyncCreateCommand) and command.creates is None:
            raise TypeError(f"{name} does not say what it creates")
        for parameter in command.parameters.values():
            if isinstance(parameter, Entity) and parameter.access is None and not command.read_only:
                raise TypeError(f"{name}: the entity {parameter.name} has no access kind")
            if not parameter.help:
                raise TypeError(f"{name}: the parameter {parameter.name} has no help text")
        self._commands[name] = command
        if command.event is not None:
            wording.action_of(command)
            self.event_types.add(command.event)

    def get(self, name: str) -> type[Command] | None:
        return self._commands.get(name)

    def __iter__(self) -> Iterator[type[Command]]:
        return iter(self._commands.values())

    def __len__(self) -> int:
        return len(self._commands)

    def load(self, package: Any) -> None:
        """Import every module below a package and register its commands; a name with `_` marks a common base."""
        for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(module_info.name)
            for value in vars(module).values():
                if (isinstance(value, type) and issubclass(value, Command) and value.__module__ == module.__name__
                        and not value.__name__.startswith("_")):
                    self.add(value)

