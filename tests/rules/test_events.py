"""What events say, and of which types they are."""

import ast
import re
from pathlib import Path

import pytest

import cloudapi.commands
from cloudapi.api.command import AsyncCreateCommand, Command
from cloudapi.api.parameters import Entity, EntityList, TextList
from cloudapi.api.registry import Registry
from cloudapi.events import BESIDES_COMMANDS
from tests.support import reference
from tests.support.source import ROOT, assert_none, files, parse, plant

GERUND = re.compile(r"[a-z]+ing\b")
# Functions of cloudapi.events whose text continues "Successfully completed" or "Error while".
CONTINUED = ("completed", "went_wrong")
# CloudStack writes down that a key or user data is registered, not that it is deleted; that matters as much.
OUR_OWN = {"DELETE.SSH.KEYPAIR", "DELETE.USER.DATA"}
# What is about the whole installation.
WITHOUT_SUBJECT = {"cleanVMReservations", "getHypervisorGuestOsNames"}


def registry() -> Registry:
    found = Registry()
    found.load(cloudapi.commands)
    return found


REGISTRY = registry()
COMMANDS = {command.api_name(): command for command in REGISTRY if command.event is not None}


def record_of(kind, number: int):
    """A record that is nowhere written, with a name where its kind has one."""
    names = {field: f"name-{number}" for field in ("name", "account_name", "username", "ip")
             if field in kind._meta.fields}
    return kind(uuid=f"uuid-{number}", **names)


def call_of(command: type[Command]) -> tuple[Command, object]:
    """A call of the command with a value for every parameter, and the subject that its event has."""
    values: dict[str, object] = {}
    for number, parameter in enumerate(command.parameters.values()):
        if isinstance(parameter, Entity) and parameter.records:
            record = record_of(parameter.records[0], number)
            values[parameter.name] = [record] if isinstance(parameter, EntityList) else record
        elif isinstance(parameter, TextList):
            values[parameter.name] = [f"text-{number}"]
        elif parameter.api_type == "string":
            values[parameter.name] = f"text-{number}"
    call = command(values)
    if issubclass(command, AsyncCreateCommand):
        return call, record_of(command.creates, 900)
    subject = getattr(call, command.subject, None)
    if subject is None and getattr(command.response, "record", None) is not None:
        subject = record_of(command.response.record, 900)
    return call, subject


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_of_a_command_begins_with_a_gerund_and_names_its_subject(name):
    call, subject = call_of(COMMANDS[name])
    text = call.event_text(subject)
    assert GERUND.match(text), text
    assert not text.endswith((".", " ")), text
    if subject is None:
        resources = getattr(call, "resourceids", None)
        assert name in WITHOUT_SUBJECT or (resources and resources[0] in text) or "record" not in vars(
            COMMANDS[name].response), text
    else:
        assert getattr(subject, "uuid", subject) in text, text
    for parameter in COMMANDS[name].parameters.values():
        # Of what was sent it has names and UUIDs of records, and what a command says by itself that it shows.
        value = getattr(call, parameter.name)
        if parameter.secret or parameter.name in ("userdata", "publickey", "url", "details"):
            assert value is None or str(value) not in text, text


def text_faults(root: Path) -> list[str]:
    """Texts that services write out and that do not go on from "Successfully completed"."""
    return [f"{path}:{node.lineno}: begin with what was done, as in 'creating network …'"
            for path, node in emissions(root) if node.func.attr in CONTINUED
            for first in [beginning(node.args[2])] if first and not GERUND.match(first)]


def type_faults(root: Path, types) -> list[str]:
    return [f"{path}:{node.lineno}: event type {item.value} is declared nowhere"
            for path, node in emissions(root) for item in ast.walk(node.args[1])
            if isinstance(item, ast.Constant) and re.fullmatch(r"[A-Z]+\.[A-Z.]+", str(item.value))
            and item.value not in types]


def emissions(root: Path):
    for path in files(root, "cloudapi"):
        for node in ast.walk(parse(root, path)):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                    and ast.unparse(node.func.value) == "events" and node.func.attr in (*CONTINUED, "noted")):
                yield path, node


def beginning(node: ast.expr) -> str:
    """The text that an expression begins with, where it is written out."""
    while isinstance(node, ast.JoinedStr | ast.BinOp):
        node = node.values[0] if isinstance(node, ast.JoinedStr) else node.left
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_of_a_service_begins_with_a_gerund():
    assert_none(text_faults(ROOT))


def test_every_type_that_is_written_out_is_declared():
    assert_none(type_faults(ROOT, REGISTRY.event_types))


def test_every_declared_type_is_emitted():
    written = {item.value for path in files(ROOT, "cloudapi") if path != Path("cloudapi/events.py")
               for item in ast.walk(parse(ROOT, path)) if isinstance(item, ast.Constant)}
    # A console proxy has the types of a secondary storage VM, with its own beginning.
    together = {name.replace("SSVM", "PROXY") for name in REGISTRY.event_types if name.startswith("SSVM.")}
    if ".CREATE" in written:
        written.add("SSVM.CREATE")
    assert not BESIDES_COMMANDS - written - together


def test_no_type_is_declared_twice():
    assert not {command.event for command in COMMANDS.values()} & BESIDES_COMMANDS


@reference.needed
def test_types_are_those_of_cloudstack():
    assert REGISTRY.event_types - set(reference.load("events")["events"]) == OUR_OWN


def test_an_undeclared_type_and_a_text_of_another_form_are_found(tmp_path):
    plant(tmp_path, {"cloudapi/services/a.py": 'events.completed(context, "VM.FLY", f"VM {x} flies", x)\n'
                                               'events.noted(context, "VM.STOP", "it flies", x)'})
    assert len(text_faults(tmp_path)) == 1
    assert len(type_faults(tmp_path, {"VM.STOP"})) == 1
