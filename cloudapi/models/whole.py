"""Whole records, fetched fast: the SQL of their columns is kept, and rows become records without peewee's detours.

peewee writes the list of columns anew for every query and resolves every column of every answer; for records of
40 columns that is four fifths of a query's time. What it returns is the same.
"""

from __future__ import annotations

from typing import Any

import peewee

# Fields whose values come from every database as they are shown.
_PLAIN = (peewee.BigIntegerField, peewee.IntegerField, peewee.AutoField, peewee.CharField, peewee.TextField,
          peewee.ForeignKeyField)


class Shape:
    """How the rows of a model become records, on one kind of database."""

    def __init__(self, model: Any, database: Any) -> None:
        meta = model._meta
        opening, closing = database.quote
        self.model = model
        self.quote = database.quote
        self.names = tuple(field.name for field in meta.sorted_fields)
        self.columns = tuple(f"{opening}{field.column_name}{closing}" for field in meta.sorted_fields)
        self.converters = tuple(
            (field.name, field.python_value) for field in meta.sorted_fields if self._converts(field))
        table, key = (f"{opening}{name}{closing}" for name in (meta.table_name, meta.primary_key.column_name))
        whole = f"SELECT {', '.join(self.columns)} FROM {table} WHERE"
        self.by_key = f"{whole} {key} = {database.param}"
        self.by_uuid = f"{whole} uuid = {database.param}"
        self._selections: dict[str, str] = {}
        self.inserted = tuple(field for field in meta.sorted_fields if not isinstance(field, peewee.AutoField))
        marks = ", ".join([database.param] * len(self.inserted))
        into = ", ".join(f"{opening}{field.column_name}{closing}" for field in self.inserted)
        self.insert = f"INSERT INTO {table} ({into}) VALUES ({marks})"
        self.numbered = isinstance(meta.primary_key, peewee.AutoField)
        if self.numbered and database.returning_clause:
            self.insert += f" RETURNING {key}"

    @staticmethod
    def _converts(field: Any) -> bool:
        plain = isinstance(field, _PLAIN) and not isinstance(field, peewee.BooleanField)
        # A subclass with a conversion of its own (JSON) is not plain.
        return not plain or type(field).python_value not in {kind.python_value for kind in (*_PLAIN, peewee.Field)}

    def selection(self, alias: str) -> str:
        """Return the columns behind an alias, as they stand after SELECT."""
        text = self._selections.get(alias)
        if text is None:
            opening, closing = self.quote
            text = ", ".join(f"{opening}{alias}{closing}.{column}" for column in self.columns)
            self._selections[alias] = text
        return text

    def record(self, row: tuple[Any, ...]) -> Any:
        record = self.model.__new__(self.model)
        data = dict(zip(self.names, row, strict=True))
        for name, convert in self.converters:
            data[name] = convert(data[name])
        record.__data__ = data
        record._dirty = set()
        record.__rel__ = {}
        return record

    def add(self, record: Any, database: Any) -> None:
        """Insert a new record with all its columns."""
        data = record.__data__
        values = tuple(field.db_value(data.get(field.name)) for field in self.inserted)
        cursor = database.execute_sql(self.insert, values)
        if self.numbered:
            data[self.model._meta.primary_key.name] = (
                cursor.fetchone()[0] if database.returning_clause else cursor.lastrowid)
        record._dirty.clear()


_shapes: dict[tuple[Any, type], Shape] = {}


def shape_of(model: Any) -> Shape:
    database = model._meta.database.obj
    key = (model, type(database))
    found = _shapes.get(key)
    if found is None:
        found = _shapes[key] = Shape(model, database)
    return found


class WholeCursor(peewee.CursorWrapper):
    """Turns the rows of a query of whole records into records."""

    def __init__(self, cursor: Any, shape: Shape) -> None:
        super().__init__(cursor)
        self.populated = False
        self.process_row = shape.record

    def fill_cache(self, n: int = 0) -> None:
        """Read the answer to its end, however much of it is asked for."""
        if not self.populated:
            self.row_cache = [self.process_row(row) for row in self.cursor.fetchall()]
            self.count, self.populated = len(self.row_cache), True
            self.cursor.close()


class Select(peewee.ModelSelect):
    """A query whose answer is read at once, to its end.

    peewee reads row by row, and a read that is still open makes SQLite refuse the next transaction of the same
    thread: a loop over records that changes them would fail at its first change. Of all the columns of a model the
    SQL is kept; where a caller chooses columns it is peewee's own.
    """

    def __init__(self, model: Any, columns: Any, is_default: bool = False) -> None:
        if not is_default:
            super().__init__(model, columns)
            return
        self.model = self._join_ctx = model
        self._joins: dict[Any, Any] = {}
        self._is_default = True
        # Past ModelSelect, which looks at each of the columns for models among them.
        super(peewee.ModelSelect, self).__init__([model], columns)

    def _execute(self, database: Any) -> Any:
        answer = super()._execute(database)
        if hasattr(answer, "fill_cache"):
            answer.fill_cache()
        return answer

    def get(self, database: Any = None) -> Any:
        """Return the first record.

        :raises DoesNotExist: there is none; unlike peewee's it does not write the SQL once more to say so.
        """
        found = list(self.limit(1))
        if not found:
            raise self.model.DoesNotExist(f"there is no such {self.model.__name__}")
        return found[0]

    def __sql_selection__(self, context: Any, is_subquery: bool = False) -> Any:
        if is_subquery or not self._is_default:
            return super().__sql_selection__(context, is_subquery)
        alias = context.alias_manager[self.model._meta.table]
        return context.literal(shape_of(self.model).selection(alias))

    def _get_model_cursor_wrapper(self, cursor: Any) -> Any:
        if not self._is_default:
            return super()._get_model_cursor_wrapper(cursor)
        return WholeCursor(cursor, shape_of(self.model))


class LinkAccessor(peewee.ForeignKeyAccessor):
    """Follows a link by the kept statement."""

    def get_rel_instance(self, instance: Any) -> Any:
        value = instance.__data__.get(self.name)
        if value is not None and self.name not in instance.__rel__:
            instance.__rel__[self.name] = self.rel_model.get_by_id(value)
        return super().get_rel_instance(instance)
