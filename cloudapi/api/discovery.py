"""What the declarations tell clients: the answer of `listApis`, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

import orjson

from cloudapi.api.command import AsyncCreateCommand, Command, Success
from cloudapi.api.parameters import LongList, Map, Parameter, Rows, TextList
from cloudapi.api.registry import Registry
from cloudapi.api.view import Attribute, Batch, Column, Computed, View
from cloudapi.context import Caller
from cloudapi.models.base import Json, Moment

VERSION = "4.23.0.0"
JOB_FIELDS = ({"name": "jobid", "type": "string", "description": "ID of the job that works on it"},
              {"name": "jobstatus", "type": "integer", "description": "status of the job that works on it"})


def field_type(view: type[View], attribute: Attribute) -> str:
    """Return the type of a response field in the catalogue's terms."""
    if attribute.type:
        return attribute.type
    if isinstance(attribute, Column):
        model = view.record
        parts = attribute.paths[0].split(".")
        for depth, link in enumerate(parts[:-1]):
            prefix = ".".join(parts[:depth + 1])
            if prefix in view.links:
                model = view.links[prefix][1]
            else:
                model = model._meta.fields[link].rel_model
        field = model._meta.fields.get(parts[-1]) or model._meta.columns[parts[-1]]
        if isinstance(field, Moment):
            return "date"
        if isinstance(field, Json):
            return "map"
        return {"BooleanField": "boolean", "IntegerField": "integer", "BigIntegerField": "long",
                "BigAutoField": "long", "FloatField": "double"}.get(type(field).__name__, "string")
    if isinstance(attribute, (Computed, Batch)) and attribute.nested is not None:
        return "list"
    return "string"


def describe_field(view: type[View], name: str, attribute: Attribute, nested: bool = True) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "description": attribute.help or name,
                             "type": field_type(view, attribute)}
    if attribute.since:
        shown["since"] = attribute.since
    if attribute.nested is not None and nested:
        inner: type[View] = attribute.nested
        shown["response"] = [describe_field(inner, inner_name, inner_attribute, nested=inner is not view)
                             for inner_name, inner_attribute in inner.attributes.items()]
    return shown


def describe_parameter(parameter: Parameter, related: str = "") -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": parameter.name, "description": parameter.help, "type": parameter.api_type,
        "length": getattr(parameter, "length", 255), "required": parameter.required}
    if parameter.since:
        shown["since"] = parameter.since
    if related:
        shown["related"] = related
    return shown


class Discovery:
    """Descriptions of all commands, made once."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._described: dict[str, dict[str, Any]] = {}

    def describe(self, command: type[Command], caller: Caller | None = None) -> dict[str, Any]:
        """Return one command as `listApis` shows it; with a caller, without the parameters of other roles."""
        name = command.api_name()
        shown = self._described.get(name)
        if shown is None:
            shown = self._described[name] = self._describe(command)
        if caller is None or not any(parameter.roles for parameter in command.parameters.values()):
            return shown
        hidden = {parameter.name for parameter in command.parameters.values()
                  if parameter.roles and caller.role_type not in parameter.roles}
        return {**shown, "params": [item for item in shown["params"] if item["name"] not in hidden]}

    def _describe(self, command: type[Command]) -> dict[str, Any]:
        view = command.response
        text = " ".join((command.__doc__ or "").split())
        related = self._related(command)
        shown: dict[str, Any] = {
            "name": command.api_name(), "description": text, "isasync": command.is_async,
            "related": ",".join(related),
            "params": [describe_parameter(parameter, self._lists_of(parameter))
                       for parameter in command.parameters.values()],
            "response": [describe_field(view, name, attribute) for name, attribute in view.attributes.items()]
            + [field for field in JOB_FIELDS if field["name"] not in view.attributes]}
        if command.since:
            shown["since"] = command.since
        return shown

    def _related(self, command: type[Command]) -> list[str]:
        """Return the other commands that answer with the same view."""
        if command.response is Success:
            return []
        return sorted(other.api_name() for other in self.registry
                      if other.response is command.response and other is not command)

    def _lists_of(self, parameter: Parameter) -> str:
        """Return the commands whose answers have the IDs that a parameter takes."""
        records = getattr(parameter, "records", ())
        if not records:
            return ""
        return ",".join(sorted(other.api_name() for other in self.registry
                               if other.response.record is not None and other.response.record in records))


def _schema(parameter: Parameter) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "uuid": {"type": "string"}, "string": {"type": "string"}, "boolean": {"type": "boolean"},
        "integer": {"type": "integer", "format": "int32"}, "long": {"type": "integer", "format": "int64"},
        "date": {"type": "string"}}
    if isinstance(parameter, (Map, Rows)):
        return {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}}
    if isinstance(parameter, (TextList, LongList)) or parameter.api_type == "list":
        return {"type": "array", "items": {"type": "string"}}
    schema = dict(kinds.get(parameter.api_type, {"type": "string"}))
    choices = getattr(parameter, "choices", None)
    if choices:
        schema["enum"] = list(choices.values())
    elif schema["type"] == "string" and parameter.api_type == "string":
        schema["maxLength"] = getattr(parameter, "length", 255)
    return schema


def _field_schema(view: type[View], attribute: Attribute) -> dict[str, Any]:
    kind = field_type(view, attribute)
    if attribute.nested is not None:
        return {"type": "array", "items": {"$ref": f"#/components/schemas/{attribute.nested.__name__}"}}
    simple = {"boolean": "boolean", "integer": "integer", "long": "integer", "short": "integer", "double": "number",
              "float": "number", "map": "object", "responseobject": "object"}
    if kind in ("list", "set"):
        return {"type": "array", "items": {}}
    return {"type": simple.get(kind, "string"), "description": attribute.help}


def _answer_schema(command: type[Command]) -> dict[str, Any]:
    """Return the schema of what stands below the response name."""
    text, integer = {"type": "string"}, {"type": "integer"}
    if command.is_async:
        properties = {"jobid": text}
        if issubclass(command, AsyncCreateCommand):
            properties["id"] = text
        return {"type": "object", "required": list(properties), "properties": properties}
    shown: dict[str, Any] = {"$ref": f"#/components/schemas/{command.response.__name__}"}
    wrapper = command.wrapper_name()
    if command.response is Success or not wrapper:
        return shown
    if command.answers_list():
        return {"type": "object", "properties": {"count": integer, wrapper: {"type": "array", "items": shown}}}
    return {"type": "object", "properties": {wrapper: shown}}


def openapi_document(registry: Registry) -> bytes:
    """Return the OpenAPI 3.1 document of all commands: each is a path `/client/api?command=…`."""
    schemas: dict[str, Any] = {"Error": {"type": "object", "required": ["errorcode", "errortext"], "properties": {
        "uuidList": {"type": "array", "items": {"type": "object"}}, "errorcode": {"type": "integer"},
        "cserrorcode": {"type": "integer"}, "errortext": {"type": "string"}}}}

    def add(view: type[View]) -> None:
        if view.__name__ in schemas:
            return
        schemas[view.__name__] = {}
        for attribute in view.attributes.values():
            if attribute.nested is not None:
                add(attribute.nested)
        schemas[view.__name__] = {"type": "object", "properties": {
            name: _field_schema(view, attribute) for name, attribute in view.attributes.items()}}

    paths: dict[str, Any] = {}
    for command in sorted(registry, key=lambda item: item.api_name()):
        name = command.api_name()
        add(command.response)
        paths[f"/client/api?command={name}"] = {"get": {
            "operationId": name, "summary": " ".join((command.__doc__ or "").split()),
            "parameters": [{"name": parameter.name, "in": "query", "required": parameter.required,
                            "description": parameter.help, "schema": _schema(parameter)}
                           for parameter in command.parameters.values()],
            "x-roles": list(command.roles), "x-async": command.is_async,
            "responses": {
                "200": {"description": "done", "content": {"application/json": {"schema": {
                    "type": "object", "properties": {command.response_name(): _answer_schema(command)}}}}},
                "default": {"description": "refused or failed", "content": {"application/json": {"schema": {
                    "$ref": "#/components/schemas/Error"}}}}}}}
    return orjson.dumps({
        "openapi": "3.1.0",
        "info": {"title": "cloudapi", "version": VERSION,
                 "description": "The Apache CloudStack API, signed with HMAC-SHA1 or in a session."},
        "servers": [{"url": "/"}], "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {
            "signature": {"type": "apiKey", "in": "query", "name": "apiKey"},
            "session": {"type": "apiKey", "in": "cookie", "name": "JSESSIONID"}}},
        "security": [{"signature": []}, {"session": []}]})
