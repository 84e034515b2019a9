"""listApis and the OpenAPI document: what they say is what the server does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloudapi.api.parameters import Entity
from tests.support.cloud import ApiFailure
from tests.support.source import assert_none

ROLES = ("Admin", "DomainAdmin", "User")
# CloudStack's catalogue calls it a string and its server answers a number; clients take both.
NUMBERS_CALLED_STRINGS = ("secondarystoragetotal",)


@pytest.fixture(scope="module")
def clients(cloud):
    return {role: cloud.admin if role == "Admin" else cloud.new_account(role=role) for role in ROLES}


@pytest.fixture(scope="module")
def document(cloud):
    response = cloud.http.get("/client/openapi.json")
    assert response.headers["Content-Type"].startswith("application/json")
    return response.get_json()


class TestListApis:
    @pytest.mark.parametrize("role", ROLES)
    def test_each_role_sees_what_it_may_call(self, cloud, clients, role):
        shown = [item["name"] for item in clients[role].list("listApis")]
        registry = cloud.installation.registry
        assert shown == sorted(command.api_name() for command in registry if role in command.roles)
        assert clients[role]("listApis")["count"] == len(shown)

    def test_one_by_name(self, clients):
        api = clients["User"].one("listApis", name="deployVirtualMachine")
        assert api["isasync"] is True
        params = {item["name"]: item for item in api["params"]}
        assert (params["zoneid"]["type"], params["zoneid"]["required"]) == ("uuid", True)
        assert "listZones" in params["zoneid"]["related"]
        assert {"id", "jobid", "jobstatus", "nic"} <= {item["name"] for item in api["response"]}
        assert "startVirtualMachine" in api["related"]

    @pytest.mark.parametrize(("role", "name"), [
        ("User", "createZone"), ("Admin", "noSuchCommand"), ("Admin", "LISTZONES"), ("Admin", ""),
    ])
    def test_what_the_caller_may_not_call_is_unknown_to_it(self, clients, role, name):
        with pytest.raises(ApiFailure) as caught:
            clients[role]("listApis", name=name)
        assert caught.value.code == 432

    def test_parameters_of_other_roles_are_not_shown(self, cloud, clients):
        of_admins = [(command.api_name(), parameter.name) for command in cloud.installation.registry
                     for parameter in command.parameters.values()
                     if parameter.roles and "User" not in parameter.roles and "User" in command.roles]
        assert of_admins
        for name, parameter in of_admins[:5]:
            names = {role: {item["name"] for item in clients[role].one("listApis", name=name)["params"]}
                     for role in ROLES}
            assert parameter not in names["User"]
            assert parameter in names["Admin"]


class TestOpenApi:
    def test_is_of_version_3_1_and_has_every_command_once(self, cloud, document):
        assert document["openapi"].startswith("3.1.")
        assert {"title", "version"} <= set(document["info"])
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        names = [operation["operationId"] for operation in operations]
        assert names == sorted(command.api_name() for command in cloud.installation.registry)

    def test_every_reference_leads_somewhere(self, document):
        found = list(references(document))
        assert found
        for reference in found:
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
            assert target["type"] == "object"

    def test_operations_are_complete(self, document):
        for path in document["paths"].values():
            (operation,) = path.values()
            assert operation["summary"]
            assert {"200", "default"} <= set(operation["responses"])
            parameters = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
            assert len(parameters) == len(set(parameters))
            for parameter in operation["parameters"]:
                assert parameter["description"]
                assert parameter["schema"]["type"] in ("string", "integer", "boolean", "array", "number", "object")

    def test_what_it_requires_the_server_requires(self, cloud, document):
        for path in document["paths"].values():
            (operation,) = path.values()
            command = cloud.installation.registry.get(operation["operationId"])
            required = {item["name"] for item in operation["parameters"] if item["required"]}
            assert required == {name for name, parameter in command.parameters.items() if parameter.required}

    def test_answers_are_as_described(self, cloud, document):
        """Every list and every other reading command that asks for nothing, called by the admin in the sandbox."""
        called, wrong = 0, []
        for command in cloud.installation.registry:
            name = command.api_name()
            if not command.read_only or not command.authenticated or \
                    any(parameter.required for parameter in command.parameters.values()):
                continue
            try:
                body = cloud.admin(name, **({"listall": "true"} if "listall" in command.parameters else {}))
            except ApiFailure as failure:
                assert failure.code == 431, f"{name}: {failure}"  # it asks for one of several
                continue
            called += bool(body)
            described = document["paths"][f"/client/api?command={name}"]["get"]["responses"]["200"]["content"]
            schema = described["application/json"]["schema"]["properties"][command.response_name()]
            wrong += sorted(set(faults(document, schema, body, name)))
        assert_none(wrong)
        assert called > 30

    def test_jobs_are_described_as_jobs(self, cloud, document):
        described = document["paths"]["/client/api?command=createTags"]["get"]["responses"]["200"]["content"]
        schema = described["application/json"]["schema"]["properties"]["createtagsresponse"]
        answer = cloud.admin("createTags", resourcetype="Zone", tags={"a": "b"},
                             resourceids=cloud.admin.one("listZones")["id"])
        cloud.admin.wait(answer["jobid"])
        assert list(faults(document, schema, answer, "createTags")) == []
        assert schema["required"] == ["jobid"]

    def test_no_default_holds_a_secret(self, document):
        assert "password" not in json.dumps([item["schema"] for path in document["paths"].values()
                                             for item in path["get"]["parameters"]]).replace("maxLength", "")


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


TYPES = {"string": str, "integer": int, "boolean": bool, "number": (int, float), "array": list, "object": dict}


def faults(document, schema, value, place):
    """Yield where a value is not as the schema says; a field that is not described is a fault as well."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type")
    if kind is None:
        return
    if not isinstance(value, TYPES[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        yield f"{place}: {value!r} is no {kind}"
    elif kind == "array":
        for item in value:
            yield from faults(document, schema["items"], item, f"{place}[]")
    elif kind == "object" and "properties" in schema:
        for name, item in value.items():
            if name in NUMBERS_CALLED_STRINGS:
                continue
            if name in schema["properties"]:
                yield from faults(document, schema["properties"][name], item, f"{place}.{name}")
            else:
                yield f"{place}.{name} is not described"


def test_every_entity_of_a_command_that_changes_something_declares_its_access(cloud):
    for command in cloud.installation.registry:
        if not command.read_only:
            for parameter in command.parameters.values():
                assert not isinstance(parameter, Entity) or parameter.access is not None
