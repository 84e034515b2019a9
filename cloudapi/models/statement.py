"""SQL that is written once for each form of query.

peewee walks a query's parts and writes its SQL anew each time that the query runs, which takes several times as long
as SQLite takes to answer it. Queries of the same form differ in their parameters only: `form_of` reads off a query
what its SQL depends on, and beside that its parameters; the SQL of each form is kept.

A query with a part that is not known here (a common table expression, an alias of a model, a window) has no form
and is written by peewee each time. So is a form whose parameters would not be those that peewee finds: each new form
is compared once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee

# How many forms are kept; lists `IN (…)` of each length are forms of their own.
MOST = 4096

Key = list[Any]
Converter = Callable[[Any], Any] | None

# What stands in a key for a parameter, a list of parameters, and NULL in the SQL itself.
_MARK, _MARKS, _NULL = 1, 2, 3


class Formless(Exception):
    """The query has a part whose SQL cannot be foreseen here."""


def form_of(query: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Return what the query's SQL depends on, and its parameters in their order.

    :raises Formless: it cannot be said.
    """
    key: Key = []
    values: list[Any] = []
    if isinstance(query, peewee.Select):
        _select(query, key, values, None)
    elif isinstance(query, peewee.ModelUpdate):
        _update(query, key, values)
    elif isinstance(query, peewee.ModelDelete):
        _written(query, "DELETE", key)
        _where(query, key, values)
    elif isinstance(query, peewee.ModelInsert):
        _insert(query, key, values)
    else:
        raise Formless
    return tuple(key), values


def _where(query: Any, key: Key, values: list[Any]) -> None:
    if query._where is not None:
        _part(query._where, key, values, None)


def _written(query: Any, verb: str, key: Key) -> None:
    if query._returning or query._cte_list or query._order_by or query._limit is not None:
        raise Formless
    key += verb, query.model


def _update(query: Any, key: Key, values: list[Any]) -> None:
    _written(query, "UPDATE", key)
    if query._from:
        raise Formless
    for field, value in sorted(query._update.items(), key=_column_order):
        key += "SET", field.model, field.name
        if isinstance(value, peewee.Node) and not isinstance(value, peewee.Model):
            _part(value, key, values, None)
        else:
            values.append(field.db_value(value))
    _where(query, key, values)


def _insert(query: Any, key: Key, values: list[Any]) -> None:
    """One row, given as a mapping. Defaults are filled in here, so that peewee finds the same ones."""
    if not isinstance(query._insert, dict) or not query._insert or query._columns or query._cte_list:
        raise Formless
    for field, default in query.get_default_data().items():
        if field not in query._insert:
            query._insert[field] = default() if callable(default) else default
    key += "INSERT", query.model
    if query._on_conflict is not None:
        conflict = vars(query._on_conflict)
        key.append(conflict["_action"])
        if any(value is not None for name, value in conflict.items() if name != "_action"):
            raise Formless
    for field, value in sorted(query._insert.items(), key=_column_order):
        if isinstance(value, peewee.Node) and not isinstance(value, peewee.Model):
            raise Formless
        key.append(field.name)
        values.append(field.db_value(value))
    key.append("RETURNING")
    _parts(query._returning or (), key, values, None)


def _column_order(item: tuple[Any, Any]) -> Any:
    return item[0]._sort_key


def _select(query: Any, key: Key, values: list[Any], _: Converter) -> None:
    if (query._cte_list or query._windows or query._for_update is not None or query._lateral or query._distinct
            or query._having is not None):
        raise Formless
    whole = getattr(query, "_is_default", False)
    key += "SELECT", getattr(query, "model", None), query._alias, query._simple_distinct, whole
    if not whole:
        _parts(query._returning, key, values, None)
    for source in query._from_list:
        _source(source, key, values)
    if query._where is not None:
        key.append("WHERE")
        _part(query._where, key, values, None)
    if query._group_by:
        key.append("GROUP BY")
        _parts(query._group_by, key, values, None)
    if query._order_by:
        key.append("ORDER BY")
        _parts(query._order_by, key, values, None)
    for word, number in (("LIMIT", query._limit), ("OFFSET", query._offset)):
        if number is not None:
            key.append(word)
            values.append(number)
    key.append("END")


def _source(source: Any, key: Key, values: list[Any]) -> None:
    if isinstance(source, peewee.Join):
        _source(source.lhs, key, values)
        key.append(source.join_type)
        _source(source.rhs, key, values)
        if source._on is not None:
            _part(source._on, key, values, None)
    elif isinstance(source, peewee.ModelBase):
        key.append(source)
    elif isinstance(source, peewee.Select):
        _select(source, key, values, None)
    else:
        raise Formless


def _parts(parts: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key.append(len(parts))
    for part in parts:
        _part(part, key, values, convert)


def _part(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    """Add one part of a query; `convert` is what the column beside it does with values."""
    reader = _READERS.get(type(part))
    if reader is None:
        reader = _READERS[type(part)] = _reader(type(part))
    reader(part, key, values, convert)


def _expression(part: Any, key: Key, values: list[Any], _: Converter) -> None:
    left, right = part.lhs, part.rhs
    column = left.unwrap() if isinstance(left, peewee.WrappedNode) else left
    convert = column.db_value if isinstance(column, peewee.Field) and left._coerce else None
    key += part.op, part.flat
    _part(left, key, values, convert)
    if right is None and part.op in (peewee.OP.IS, peewee.OP.IS_NOT):
        key.append(_NULL)
    else:
        _part(right, key, values, convert)


def _field(part: Any, key: Key, values: list[Any], _: Converter) -> None:
    key += part.model, part.name


def _value(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key.append(_MARK)
    values.append(part if convert is None else convert(part))


def _values(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key += _MARKS, len(part)
    for each in part:
        if isinstance(each, (peewee.Node, list, tuple)):
            raise Formless
        values.append(each if convert is None else convert(each))


def _wrapped(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    if part.multi:
        raise Formless
    _value(part.value, key, values, convert if part.converter is None else part.converter or None)


def _nodes(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key += "NODES", part.glue, part.parens
    _parts(part.nodes, key, values, convert)


def _case(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key += "CASE", part.predicate is not None, len(part.expression_tuples), part.default is not None
    if part.predicate is not None:
        _part(part.predicate, key, values, convert)
    for condition, value in part.expression_tuples:
        _part(condition, key, values, convert)
        _part(value, key, values, convert)
    if part.default is not None:
        _part(part.default, key, values, convert)


def _ordering(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    if part.nulls or part.collation:
        raise Formless
    key.append(part.direction)
    _part(part.node, key, values, convert)


def _negated(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key.append("NOT")
    _part(part.node, key, values, convert)


def _alias(part: Any, key: Key, values: list[Any], convert: Converter) -> None:
    key += "AS", part._alias
    _part(part.node, key, values, convert)


def _function(part: Any, key: Key, values: list[Any], _: Converter) -> None:
    if part._filter is not None or part._order_by:
        raise Formless
    key += "CALL", part.name
    _parts(part.arguments, key, values, None)


def _literal(part: Any, key: Key, values: list[Any], _: Converter) -> None:
    if part.params:
        raise Formless
    key += "SQL", part.sql


def _unknown(part: Any, key: Key, values: list[Any], _: Converter) -> None:
    raise Formless


_Reader = Callable[[Any, Key, list[Any], Converter], None]
_READERS: dict[type, _Reader] = {
    peewee.Expression: _expression, peewee.Ordering: _ordering, peewee.Alias: _alias, peewee.Function: _function,
    peewee.SQL: _literal, peewee.Value: _wrapped, peewee.NodeList: _nodes, peewee.Case: _case,
    peewee.Negated: _negated,
    **dict.fromkeys((list, tuple, set, frozenset), _values),
    **dict.fromkeys((str, int, float, bool, bytes, type(None)), _value)}


def _reader(kind: type) -> _Reader:
    if issubclass(kind, peewee.Field) and not issubclass(kind, peewee.FieldAlias):
        return _field
    if issubclass(kind, peewee.Select):
        return _select
    return _unknown


class Keeping:
    """A database (mixed into peewee's) that keeps the SQL of the forms of queries it has run."""

    _kept: dict[tuple[Any, ...], str | None]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._kept = {}  # quotes and marks differ between kinds of databases

    def execute(self, query: Any, **options: Any) -> Any:
        try:
            key, values = form_of(query)
            sql = self._kept.get(key, "")
        except (Formless, TypeError):  # a part that is no key
            sql = None
        if sql:
            return self.execute_sql(sql, values)  # type: ignore[attr-defined]
        written, parameters = self.get_sql_context(**options).sql(query).query()  # type: ignore[attr-defined]
        if sql is not None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = written if parameters == values else None
        return self.execute_sql(written, parameters)  # type: ignore[attr-defined]
