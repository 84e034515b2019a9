"""The settings that operators change at run time: which there are, and how their values are read and checked.

Values live in the database and are looked up by the settings service; here is what is the same in every installation.
What is needed before there is a database is in `cloudapi.configuration`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from cloudapi.errors import InvalidParameter
from cloudapi.settings_catalogue import (
    api,
    compute,
    elsewhere,
    hosts,
    images,
    jobs,
    limits,
    network,
    placement,
    storage,
    system_vms,
    tenancy,
)
from cloudapi.settings_catalogue.declaration import PARENT_SCOPES, Kind, Scope, Setting, Value, ValueType, effective
from cloudapi.settings_catalogue.groups import GROUPS, SUBGROUPS, Group, Subgroup

__all__ = [
    "GROUPS",
    "PARENT_SCOPES",
    "REGISTRY",
    "SUBGROUPS",
    "Group",
    "Kind",
    "Registry",
    "Scope",
    "Setting",
    "Subgroup",
    "Value",
    "ValueType",
    "effective",
    "scope_named",
    "subgroups_of",
]

SUBJECTS = (
    api,
    tenancy,
    limits,
    compute,
    placement,
    network,
    system_vms,
    storage,
    images,
    hosts,
    jobs,
    elsewhere,
)


class Registry(Mapping[str, Setting]):
    """Settings by name, in alphabetical order."""

    def __init__(self, settings: Iterable[tuple[str, Setting]]) -> None:
        """:param settings: pairs of subject and setting; a name may come once only."""
        self._settings: dict[str, Setting] = {}
        self._subjects: dict[str, str] = {}
        for subject, setting in sorted(settings, key=lambda pair: pair[1].name):
            if setting.name in self._settings:
                raise ValueError(f"the setting {setting.name} is declared twice")
            self._settings[setting.name] = setting
            self._subjects[setting.name] = subject
        self._lowered = {name.lower(): setting for name, setting in self._settings.items()}
        for setting in self._settings.values():
            if setting.parent is not None and setting.parent not in self._settings:
                raise ValueError(f"the setting {setting.name} has an undeclared parent, {setting.parent}")

    def __getitem__(self, name: str) -> Setting:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def named(self, name: str) -> Setting:
        """Return the setting that a client names, in any case.

        :raises InvalidParameter: there is none, or it is one of the program's own.
        """
        setting = self._settings.get(name) or self._lowered.get(name.lower())
        if setting is None or setting.hidden:
            raise InvalidParameter(f"Config parameter with name {name[:100]} doesn't exist")
        return setting

    def subject_of(self, name: str) -> str:
        """Return which part of the program the setting belongs to: "compute", "network", …"""
        return self._subjects[name]

    def listed(self, scope: Scope | None = None) -> list[Setting]:
        """Return the settings that the API lists, by name; with `scope`, those that can be overridden there."""
        return [
            setting
            for setting in self._settings.values()
            if not setting.hidden and (scope is None or setting.applies_to(scope))
        ]


def _declared(subject: ModuleType) -> Iterator[tuple[str, Setting]]:
    name = subject.__name__.rpartition(".")[2]
    return ((name, setting) for setting in subject.SETTINGS)


REGISTRY = Registry(pair for subject in SUBJECTS for pair in _declared(subject))


def scope_named(name: str) -> Scope:
    """Return the scope that a client names, in any case: `zone`, `storagepool`, …

    :raises InvalidParameter: there is none of that name.
    """
    for scope in Scope:
        if scope.value.lower() == name.strip().lower():
            return scope
    raise InvalidParameter(f"Invalid scope {name[:100]}: valid ones are {', '.join(scope.value for scope in Scope)}")


def subgroups_of(group: Group) -> list[Subgroup]:
    """Return the subgroups of a group in the order in which they are listed."""
    return sorted((one for one in SUBGROUPS if one.group == group.name), key=lambda one: one.precedence)
