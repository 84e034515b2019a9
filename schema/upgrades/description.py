"""Tables described in a file, so that an upgrade does not change when the records do.

`python -m schema.upgrades.description > schema/upgrades/vNNNN_name.json` writes the records of today.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Any

import peewee

from cloudapi.models.base import LongText
from cloudapi.models.database import database
from schema.tables import all_tables

KINDS: dict[str, type[peewee.Field]] = {
    "serial": peewee.BigAutoField, "bigint": peewee.BigIntegerField, "integer": peewee.IntegerField,
    "boolean": peewee.BooleanField, "float": peewee.FloatField, "varchar": peewee.CharField,
    "text": peewee.TextField, "longtext": LongText}
_BY_TYPE = {"BIGAUTO": "serial", "BIGINT": "bigint", "INT": "integer", "BOOL": "boolean", "FLOAT": "float",
            "VARCHAR": "varchar", "TEXT": "text", "LONGTEXT": "longtext"}


def describe() -> list[dict[str, Any]]:
    """Return the tables of the records as they are declared now."""
    return [_table(table) for table in all_tables()]


def _table(table: Any) -> dict[str, Any]:
    meta = table._meta
    columns = []
    indexes = []
    for field in meta.sorted_fields:
        kind = field.rel_field.field_type if isinstance(field, peewee.ForeignKeyField) else field.field_type
        column: dict[str, Any] = {"name": field.column_name, "type": "bigint" if kind == "BIGAUTO" and not
                                  field.primary_key else _BY_TYPE[kind]}
        if column["type"] == "varchar":
            column["length"] = field.max_length
        if field.null:
            column["null"] = True
        if field.primary_key:
            column["primary"] = True
        elif field.unique or field.index:
            indexes.append({"columns": [field.column_name], "unique": bool(field.unique)})
        columns.append(column)
    for names, unique in meta.indexes:
        indexes.append({"columns": [meta.combined[name].column_name for name in names], "unique": bool(unique)})
    return {"name": meta.table_name, "columns": columns, "indexes": indexes}


def create(name: str) -> None:
    """Make the tables of a description beside this module."""
    for table in json.loads(files(__package__).joinpath(f"{name}.json").read_text()):
        database.create_tables([_model(table)], safe=True)


def _model(table: dict[str, Any]) -> type[peewee.Model]:
    fields: dict[str, Any] = {}
    for column in table["columns"]:
        options: dict[str, Any] = {"null": column.get("null", False)}
        if column["type"] == "varchar":
            options["max_length"] = column["length"]
        if column.get("primary") and column["type"] != "serial":
            options["primary_key"] = True
        for index in table["indexes"]:
            if index["columns"] == [column["name"]]:
                options["unique" if index["unique"] else "index"] = True
        fields[column["name"]] = KINDS[column["type"]](**options)
    several = tuple((tuple(index["columns"]), index["unique"]) for index in table["indexes"]
                    if len(index["columns"]) > 1)
    meta = type("Meta", (), {"database": database, "table_name": table["name"], "indexes": several})
    return type(peewee.Model)("".join(part.title() for part in table["name"].split("_")), (peewee.Model,),
                              {**fields, "Meta": meta})


if __name__ == "__main__":
    json.dump(describe(), sys.stdout, indent=1)
    sys.stdout.write("\n")
