"""From records to response fields: declared once per noun, compiled, no statement per row.

A view lists the fields of a response. Where each comes from is a *path*: a column of the record (`name`), or
a column behind links (`zone.name`, `host.cluster.uuid`). Rendering a page takes one statement for the rows, one
for each linked table and one for each batch, whatever the size of the page; the code that builds the objects
is generated once per set of `details`.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
import peewee

from cloudapi.context import Context
from cloudapi.models.base import Json, Link, Moment
from cloudapi.models.database import rows as select
from cloudapi.models.database import told_for_nothing, while_unchanged

# How many rows of one table a thread keeps between two changes of the database.
KEPT_ROWS = 2000
SIZES = (1, 2, 4, 8, 20, 50, 100, 200, 500, 1000)


@functools.lru_cache(maxsize=4096)
def stamp(milliseconds: int) -> str:
    """Return a moment as CloudStack writes it: `2026-11-22T21:57:24+0000`."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


class Attribute:
    """A field of a response.

    :param help: what it says, in words for the client.
    :param type: its type in the catalogue's terms, where the source does not tell.
    :param detail: part of the answer only where `details` asks for this group (or for all).
    :param admin: shown to root admins only.
    :param nested: the view of the objects inside, for `listApis`.
    :param secret: the result of a job that bears it is kept sealed.
    """

    def __init__(self, help: str = "", *, type: str | None = None, since: str | None = None,
                 detail: str | tuple[str, ...] | None = None, admin: bool = False,
                 nested: Any = None, secret: bool = False) -> None:
        self.help, self.type, self.since, self.admin, self.nested = help, type, since, admin, nested
        self.secret = secret
        self.groups = (detail,) if isinstance(detail, str) else detail
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    paths: tuple[str, ...] = ()


class Column(Attribute):
    """The value behind a path; `convert` is applied to values that are not null, and may make them so."""

    def __init__(self, path: str, help: str = "", *, convert: Callable[[Any], Any] | None = None,
                 **options: Any) -> None:
        super().__init__(help, **options)
        self.paths = (path,)
        self.convert = convert


class Computed(Attribute):
    """What `function` returns for the values behind the paths; None leaves the field out."""

    def __init__(self, function: Callable[..., Any], *paths: str, help: str = "", **options: Any) -> None:
        super().__init__(help, **options)
        self.function, self.paths = function, paths


class Batch(Attribute):
    """What `loader(page)` returns for the whole page: a dict from the record's id to the value.

    A loader may serve several fields: the same function is called once per page; `key` picks this field's
    value out of the dict that it returned per id.

    :param needs: columns of the record that the loader reads with `page.values`.
    """

    def __init__(self, loader: Callable[[Page], dict[int, Any]], help: str = "", *, key: str | None = None,
                 default: Any = None, needs: Sequence[str] = (), **options: Any) -> None:
        super().__init__(help, **options)
        self.loader, self.key, self.default, self.needs = loader, key, default, tuple(needs)


class Given(Attribute):
    """A field that the command fills itself, after the view (a new password, a key shown once)."""


class Page:
    """The rows that are being rendered; what a batch loader gets.

    :ivar ids: the records' ids, in the order of the answer.
    """

    def __init__(self, context: Context, view: type[View], ids: Sequence[int], details: frozenset[str] | None) -> None:
        self.context, self.view, self.ids, self.details = context, view, list(ids), details
        self.rows: dict[int, tuple[Any, ...]] = {}
        self.columns: list[str] = []
        self.arguments: Any = None
        self._once: dict[str, Any] = {}
        self._known: dict[Any, Any] = while_unchanged(("linked rows",), dict)

    def values(self, column: str) -> dict[int, Any]:
        """Return `{id: value}` of one of the record's columns that the view's fields use."""
        index = self.columns.index(column)
        return {key: row[index] for key, row in self.rows.items()}

    def wants(self, group: str) -> bool:
        return self.details is None or group in self.details

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return what several loaders of the page need, computed for the first of them."""
        if name not in self._once:
            self._once[name] = compute()
        return self._once[name]

    def behind(self, table: str, columns: Sequence[str], wanted: set[int]) -> dict[int, tuple[Any, ...]]:
        """Return the rows that links lead to, by id: `id` first, then the columns. There may be others among them.

        Zones, offerings, templates and hosts stand behind most rows of most pages: what this thread has read of them
        stays known, as long as nothing in the database changes.
        """
        if not wanted:
            return {}
        kept: dict[int, tuple[Any, ...]] = self._known.setdefault((table, *columns), {})
        missing = wanted.difference(kept)
        if len(kept) + len(missing) > KEPT_ROWS:
            kept.clear()
            missing = wanted
        if missing:
            kept.update((row[0], row) for row in fetch(table, columns, missing))
        return kept

    def any(self, rows_of: str) -> bool:
        """Whether there are such rows at all, for tables that often have none; True where it is not told for nothing.

        :param rows_of: `table WHERE …`, for which there is an index.
        """
        if not told_for_nothing():
            return True
        key = ("any", rows_of)
        if key not in self._known:
            self._known[key] = bool(select(f"SELECT 1 FROM {rows_of} LIMIT 1"))
        return bool(self._known[key])


def fetch(table: str, columns: Sequence[str], ids: Iterable[int], key: str = "id") -> list[tuple[Any, ...]]:
    """Return the rows of a table whose `key` is one of `ids`: `key` first, then the columns.

    The number of parameters is rounded up to a few sizes, so that the statements stay prepared.
    """
    wanted = list(ids)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), SIZES[-1]):
        part = wanted[start:start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(part))
        part += part[-1:] * (size - len(part))
        found += select(_select_among(table, tuple(columns), key, size), part)
    return found


@functools.lru_cache(maxsize=1024)
def _select_among(table: str, columns: tuple[str, ...], key: str, size: int) -> str:
    names = ", ".join(f"t.{name}" for name in (key, *columns))
    return f"SELECT {names} FROM {table} t WHERE t.{key} IN ({','.join('?' * size)})"


class View:
    """Base of all views. `record` is the table (None for objects that a service makes), `name` the wrapper.

    :cvar links: further links, for columns that are plain ids: `{"vm": ("vm_id", Machine)}`; the key is the whole
        prefix, `{"vm.owner": ("account_id", Account)}`.
    :cvar no_details: the groups that an answer has where the caller asks for none (None: all).
    """

    record: Any = None
    name = ""
    links: dict[str, tuple[str, Any]] = {}
    attributes: dict[str, Attribute] = {}
    _plans: dict[Any, _Plan] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.attributes = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Attribute):
                    cls.attributes[name.rstrip("_")] = value
        cls._plans = {}

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """Return the names of the fields, also of objects inside, that may not be kept in the clear."""
        inside = (attribute.nested.secrets() for attribute in cls.attributes.values() if attribute.nested is not None)
        own = (name for name, attribute in cls.attributes.items() if attribute.secret)
        return frozenset(own).union(*inside)

    @classmethod
    def render(cls, context: Context, ids: Sequence[int], details: Iterable[str] | None = None,
               arguments: Any = None) -> list[dict[str, Any]]:
        """Return the objects of these records, in this order; ids without a record are left out.

        :param details: groups of fields to show; None shows all.
        :param arguments: the command, for loaders that depend on its parameters.
        """
        if not ids:
            return []
        groups = None if details is None else frozenset(details)
        key = (groups, context.caller.is_root_admin)
        plan = cls._plans.get(key)
        if plan is None:
            plan = cls._plans[key] = _Plan(cls, groups, context.caller.is_root_admin)
        page = Page(context, cls, ids, groups)
        page.arguments = arguments
        return plan.run(page)

    @classmethod
    def one(cls, context: Context, record: Any, details: Iterable[str] | None = None) -> dict[str, Any]:
        found = cls.render(context, [record if isinstance(record, int) else record.id], details)
        return found[0] if found else {}


class _Plan:
    """The compiled form of a view for one set of groups."""

    def __init__(self, view: type[View], groups: frozenset[str] | None, full: bool) -> None:
        self.view = view
        self.meta = view.record._meta
        self.columns: list[str] = []
        # By prefix: the prefix that it hangs on, the column there, the table it leads to, its columns.
        self.tables: dict[str, tuple[str, str, Any, list[str]]] = {}
        self.loaders: list[Callable[[Page], dict[int, Any]]] = []
        self.names: dict[str, Any] = {"stamp": stamp, "loads": orjson.loads}
        body: list[str] = []
        for name, attribute in view.attributes.items():
            if attribute.admin and not full:
                continue
            if groups is not None and attribute.groups and not groups.intersection(attribute.groups):
                continue
            body += self._statements(name, attribute)
        heads = [f" {self._variable(prefix)} = T[{index}].get({self._cell(parent, column)})"
                 for index, (prefix, (parent, column, _, _)) in enumerate(self.tables.items())]
        source = "\n".join(["def build(r, T, B):", " k = r[0]", " o = {}", *heads, *body, " return o"])
        exec(compile(source, f"<view {view.__name__}>", "exec"), self.names)
        self.build = self.names["build"]

    @staticmethod
    def _variable(prefix: str) -> str:
        return "l_" + prefix.replace(".", "__")

    def _table(self, prefix: str) -> Any:
        """Return the model behind a prefix (`zone`, `host.cluster`), adding the link that leads there."""
        if prefix in self.tables:
            return self.tables[prefix][2]
        parent, _, link = prefix.rpartition(".")
        model = self._table(parent) if parent else self.view.record
        if prefix in self.view.links:
            column, target = self.view.links[prefix]
        else:
            field = model._meta.fields[link]
            assert isinstance(field, Link), f"{self.view.__name__}: {prefix} is no link"
            column, target = field.column_name, field.rel_model
        if parent:
            self._add(self.tables[parent][3], column)
        else:
            self._add(self.columns, column)
        self.tables[prefix] = (parent, column, target, [])
        return target

    @staticmethod
    def _add(columns: list[str], column: str) -> None:
        if column != "id" and column not in columns:
            columns.append(column)

    def _cell(self, prefix: str, column: str) -> str:
        """Return the expression for a column; null where the link leads nowhere."""
        columns = self.tables[prefix][3] if prefix else self.columns
        index = 0 if column == "id" else columns.index(column) + 1
        if not prefix:
            return f"r[{index}]"
        variable = self._variable(prefix)
        return f"({variable}[{index}] if {variable} is not None else None)"

    def _never_null(self, path: str) -> bool:
        field = self.meta.fields.get(path)
        return field is not None and not field.null

    def _value(self, path: str) -> tuple[str, str]:
        """Return `(expression, conversion)` for a path; the conversion is a format with `v`."""
        prefix, _, column = path.rpartition(".")
        model = self._table(prefix) if prefix else self.view.record
        field = model._meta.fields.get(column) or model._meta.columns.get(column)
        if field is None:
            raise AttributeError(f"{self.view.__name__}: {model.__name__} has no column {column!r} (path {path!r})")
        column = field.column_name
        self._add(self.tables[prefix][3] if prefix else self.columns, column)
        if isinstance(field, Moment):
            return self._cell(prefix, column), "stamp(v)"
        if isinstance(field, peewee.BooleanField):
            return self._cell(prefix, column), "(v == 1)"
        if isinstance(field, Json):
            return self._cell(prefix, column), "loads(v)"
        return self._cell(prefix, column), "v"

    def _statements(self, name: str, attribute: Attribute) -> list[str]:
        if isinstance(attribute, Column):
            value, conversion = self._value(attribute.paths[0])
            if attribute.convert is not None:
                self.names[f"c_{name}"] = attribute.convert
                conversion = f"c_{name}({'v' if conversion == 'stamp(v)' else conversion})"
                return [f" v = {value}", f" if v is not None: v = {conversion}", f" if v is not None: o[{name!r}] = v"]
            if self._never_null(attribute.paths[0]):
                return [f" v = {value}", f" o[{name!r}] = {conversion}"]
            return [f" v = {value}", f" if v is not None: o[{name!r}] = {conversion}"]
        if isinstance(attribute, Computed):
            self.names[f"c_{name}"] = attribute.function
            cells = []
            for path in attribute.paths:
                value, conversion = self._value(path)
                if conversion in ("v", "stamp(v)"):
                    cells.append(value)
                else:
                    cells.append(f"(None if {value} is None else {conversion.replace('v', value, 1)})"
                                 if conversion == "(v == 1)" else f"(None if {value} is None else loads({value}))")
            return [f" v = c_{name}({', '.join(cells)})", f" if v is not None: o[{name!r}] = v"]
        if isinstance(attribute, Batch):
            for column in attribute.needs:
                self._add(self.columns, column)
            if attribute.loader not in self.loaders:
                self.loaders.append(attribute.loader)
            index = self.loaders.index(attribute.loader)
            if attribute.key is None:
                value = f"B[{index}].get(k)"
            else:
                value = f"B[{index}].get(k, N).get({attribute.key!r})"
                self.names["N"] = {}
            lines = [f" v = {value}"]
            if attribute.default is not None:
                self.names[f"d_{name}"] = attribute.default
                lines.append(f" if v is None: v = d_{name}")
            return [*lines, f" if v is not None: o[{name!r}] = v"]
        return []

    def run(self, page: Page) -> list[dict[str, Any]]:
        page.columns = ["id", *self.columns]
        page.rows = {row[0]: row for row in fetch(self.meta.table_name, self.columns, page.ids)}
        page.ids = [key for key in page.ids if key in page.rows]
        linked: dict[str, dict[int, tuple[Any, ...]]] = {}
        reached: dict[str, set[int]] = {}
        for prefix, (parent, column, model, columns) in self.tables.items():
            names = self.tables[parent][3] if parent else self.columns
            index = 0 if column == "id" else names.index(column) + 1
            if parent:
                before = linked[parent]
                wanted = {before[key][index] for key in reached[parent] if key in before}
            else:
                wanted = {row[index] for row in page.rows.values()}
            wanted.discard(None)
            reached[prefix] = wanted
            linked[prefix] = page.behind(model._meta.table_name, columns, wanted)
        tables = list(linked.values())
        batches = [loader(page) for loader in self.loaders]
        build, found = self.build, page.rows
        return [build(found[key], tables, batches) for key in page.ids]
