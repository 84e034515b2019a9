"""Every command of the complete areas is there, with the reference's parameters, fields, roles and kind of answer."""

from __future__ import annotations

import pytest

import cloudapi.commands
from cloudapi.api.command import AsyncCreateCommand, PageParameters
from cloudapi.api.discovery import Discovery
from cloudapi.api.registry import Registry
from tests.support import reference

pytestmark = reference.needed

COMMANDS = reference.commands()


@pytest.fixture(scope="module")
def registry():
    loaded = Registry()
    loaded.load(cloudapi.commands)
    return loaded


@pytest.fixture(scope="module")
def described(registry):
    discovery = Discovery(registry)
    return {command.api_name(): discovery.describe(command) for command in registry}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_command(name, registry, described):
    expected = COMMANDS[name]
    command = registry.get(name)
    assert command is not None, "not registered"
    assert tuple(command.roles) == tuple(expected["roles"])
    assert command.is_async == bool(expected.get("async"))
    assert issubclass(command, AsyncCreateCommand) == bool(expected.get("returns_id"))
    if expected.get("paged"):
        assert issubclass(command, PageParameters)
    declared = {item["name"]: item for item in described[name]["params"]}
    wanted = {key: spec for key, spec in expected["params"].items() if not spec.get("hidden")}
    assert sorted(set(wanted) - set(declared)) == [], "parameters are missing"
    differ = {key: (declared[key]["type"], declared[key]["required"]) for key, spec in wanted.items()
              if (declared[key]["type"], declared[key]["required"]) != (spec["type"], bool(spec.get("required")))
              and not spec["type"].startswith("?")}
    assert differ == {}
    fields = {item["name"] for item in described[name]["response"]}
    assert sorted(set(reference.load("responses")["responses"].get(expected["response"], {})) - fields) == []


def test_texts_fit_into_generated_clients(described):
    """Marvin pastes descriptions into Python strings, CloudMonkey prints them on a line."""
    for name, command in described.items():
        texts = [command["description"], *(item["description"] for item in command["params"] + command["response"])]
        for text in texts:
            assert text.strip(), name
            assert '"' not in text, (name, text)
            assert not text.endswith("\\"), (name, text)
            assert "\n" not in text, (name, text)
        for item in command["params"] + command["response"]:
            assert item["name"].isidentifier(), (name, item["name"])
