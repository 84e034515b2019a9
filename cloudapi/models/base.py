"""What all records have, and the field types that peewee does not bring."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
import peewee

from cloudapi.models.database import database
from cloudapi.models.whole import LinkAccessor, Select, shape_of


def now() -> int:
    """Return the wall clock in milliseconds since 1970, UTC: the unit of every moment in the database."""
    return time.time_ns() // 1_000_000


def new_uuid() -> str:
    return str(uuid.uuid4())


class Moment(peewee.BigIntegerField):
    """A moment in milliseconds since 1970, UTC."""


class Json(peewee.TextField):
    """A JSON document; null stays null."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def python_value(self, value: Any) -> Any:
        return None if value is None else orjson.loads(value)


class LongText(peewee.TextField):
    """Text beyond MySQL's 64 KiB."""

    field_type = "LONGTEXT"


class Link(peewee.ForeignKeyField):
    """A reference to another record's id, indexed, without a constraint in the database.

    Records are marked removed and stay, so that nothing dangles; a constraint would make MySQL take shared
    locks on the parents (account, network) of every insert, which deadlock with their updates.
    """

    accessor_class = LinkAccessor

    def __init__(self, model: Any, **options: Any) -> None:
        options.setdefault("backref", "+")
        super().__init__(model, **options)
        self.deferred = True


class Table(peewee.Model):
    class Meta:
        database = database
        legacy_table_names = False

    @classmethod
    def select(cls, *fields: Any) -> Any:
        """Return a query of these columns, or of whole records."""
        return Select(cls, fields or cls._meta.sorted_fields, is_default=not fields)

    @classmethod
    def create(cls, **values: Any) -> Any:
        """Insert a record and return it."""
        shape = shape_of(cls)
        if shape.numbered and cls._meta.primary_key.name in values:
            return super().create(**values)
        record = cls(**values)
        shape.add(record, database.obj)
        return record

    @classmethod
    def get_by_id(cls, key: Any) -> Any:
        """Return the record with this key.

        :raises DoesNotExist: there is none.
        """
        shape = shape_of(cls)
        row = database.obj.execute_sql(shape.by_key, (key,)).fetchone()
        if row is None:
            raise cls.DoesNotExist(f"{cls.__name__} {key} does not exist")
        return shape.record(row)

    @classmethod
    def by_uuid(cls, uuid: str) -> Any:
        """Return the record with this UUID, removed or not; None where there is none."""
        shape = shape_of(cls)
        row = database.obj.execute_sql(shape.by_uuid, (uuid,)).fetchone()
        return None if row is None else shape.record(row)

    @classmethod
    def put(cls, written: Sequence[dict[str, Any]]) -> None:
        """Write rows, which all name the same columns, in the place of those with the same primary key."""
        key = cls._meta.primary_key
        target = {} if isinstance(database.obj, peewee.MySQLDatabase) else {"conflict_target": [key]}
        changed = [cls._meta.fields[name] for name in written[0] if name != key.name]
        cls.insert_many(written).on_conflict(preserve=changed, **target).execute()


class Record(Table):
    """A resource: addressed by `uuid` from outside, by `id` inside; `removed` is when it was deleted."""

    id = peewee.BigAutoField()
    uuid = peewee.CharField(40, unique=True, default=new_uuid)
    created = Moment(default=now)
    removed = Moment(null=True)

    @classmethod
    def alive(cls, *where: Any) -> Any:
        """Return a query of the records that are not removed."""
        return cls.select().where(cls.removed.is_null(), *where)

    @classmethod
    def type_name(cls) -> str:
        """Return the name of this kind of resource, as events, tags and error texts write it."""
        return cls.__name__


class Owned(Record):
    """A resource of an account; the domain is that of the account, kept here so that lists need no join."""

    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
