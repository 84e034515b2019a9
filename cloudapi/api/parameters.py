"""The parameters of commands: each declares its type, its checks and what it stands for.

Parsing is marshmallow's; the classes here add what the API needs beyond it: names in the catalogue's terms
(`uuid`, `long`, `list`, `map`, …), the record that a UUID stands for, the access that the caller needs to it,
and the column that a list filters by.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import marshmallow
from marshmallow import fields, validate

from cloudapi.errors import InvalidParameter
from cloudapi.models.base import Record

LONG_TEXT = 1 << 20
# Of a size in bytes: sums of many still fit into the 64 bits of a database.
MOST_BYTES = 1 << 56


class Parameter:
    """A parameter of a command; on the command's instance the attribute is its parsed value, or `default`.

    :param required: refuse the call without it (431).
    :param default: the value where it is absent.
    :param help: what it does, in a sentence for the caller.
    :param since: the CloudStack version that brought it.
    :param roles: only these roles may pass it; others' values are ignored, as CloudStack does.
    :param secret: its value is sealed in the job row and never logged.
    :param column: on a list command, the column of the record that must equal it.
    :param check: called with the parsed value; raises `InvalidParameter` (or returns nothing).
    """

    api_type = "string"
    field: fields.Field[Any] = fields.String()

    def __init__(self, *, required: bool = False, default: Any = None, help: str = "", since: str | None = None,
                 roles: Sequence[str] | None = None, secret: bool = False, column: str | None = None,
                 check: Callable[[Any], object] | None = None) -> None:
        self.required, self.default, self.help, self.since = required, default, help, since
        self.roles, self.secret, self.column, self.check = roles, secret, column, check
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:
        # On a command's instance the attribute is the parsed value, which the instance's own dictionary holds.
        def __get__(self, instance: object, owner: type) -> Any: ...

    def parse(self, value: Any) -> Any:
        """Return the typed value of what the client sent (a string; for arrays and maps what `unpack` made).

        :raises InvalidParameter: with a text that names the parameter and the fault.
        """
        try:
            return self.field.deserialize(value)
        except marshmallow.ValidationError as error:
            raise InvalidParameter(f"due to invalid value {shorten(value)} for parameter {self.name}: "
                                   f"{' '.join(map(str, error.messages))}") from None

    def parse_again(self, value: Any) -> Any:
        """Parse the value where what it names may be removed: a repeated job's, a list's filter."""
        return self.parse(value)

    def is_blank(self, value: Any) -> bool:
        """Whether what the client sent counts as not sent: an empty value of anything but a text."""
        return bool(value == "")


def shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


class Text(Parameter):
    """A string of at most `length` characters, out of `choices` where they are given (in any case)."""

    def __init__(self, *, length: int = 255, choices: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.length = length
        self.choices = {choice.lower(): choice for choice in choices}

    def parse(self, value: Any) -> str:
        if isinstance(value, list):
            raise InvalidParameter(f"due to invalid value for parameter {self.name}: it is one value, not an array")
        if len(value) > self.length:
            raise InvalidParameter(
                f"due to invalid value. Value greater than max allowed length {self.length} for param: {self.name}")
        if self.choices:
            try:
                return self.choices[value.strip().lower()]
            except KeyError:
                raise InvalidParameter(f"due to invalid value {shorten(value)} for parameter {self.name}: "
                                       f"it is one of {', '.join(self.choices.values())}") from None
        return str(value)

    def is_blank(self, value: Any) -> bool:
        return bool(value == "" and self.choices)


class NewName(Text):
    """Another name for what has one: a blank one counts as not sent, so that nothing becomes nameless.

    CloudStack ignores blank names of hosts, pods, clusters and roles, and keeps those of other things.
    """

    def is_blank(self, value: Any) -> bool:
        return not isinstance(value, list) and not str(value).strip()


class Uuid(Text):
    """A UUID that the caller chose, or one that is only compared with; parsed to small letters."""

    FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

    def parse(self, value: Any) -> str:
        text = super().parse(value).strip().lower()
        if not self.FORM.fullmatch(text):
            raise InvalidParameter(f"due to invalid value {shorten(value)} for parameter {self.name}: "
                                   "it doesn't follow the UUID format")
        return text

    def is_blank(self, value: Any) -> bool:
        return bool(value == "")


class Flag(Parameter):
    """True or false, in any case.

    `None`, which libcloud sends for what its caller left open, is false as in CloudStack.
    """

    api_type = "boolean"
    field = fields.Boolean(truthy={"true"}, falsy={"false", "none"})

    def parse(self, value: Any) -> Any:
        return super().parse(value.lower() if isinstance(value, str) else value)


class Integer(Parameter):
    """A 32-bit number, within `minimum` and `maximum` where they are given."""

    api_type = "integer"
    bounds = (-(1 << 31), (1 << 31) - 1)

    def __init__(self, *, minimum: int | None = None, maximum: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        low, high = self.bounds
        self.field = fields.Integer(validate=validate.Range(
            low if minimum is None else minimum, high if maximum is None else maximum))


class Long(Integer):
    api_type = "long"
    bounds = (-(1 << 63), (1 << 63) - 1)


class Date(Parameter):
    """A moment: `2026-11-22`, `2026-11-22 10:00:00` or with a zone `2026-11-22T10:00:00+0100`; parsed to ms UTC.

    :param end_of_day: a date without a time means its last second.
    """

    api_type = "date"
    FORMS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d'T'%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S%z",
             "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")

    def __init__(self, *, end_of_day: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.end_of_day = end_of_day

    def parse(self, value: Any) -> int:
        text = str(value).strip()
        for form in self.FORMS:
            try:
                moment = datetime.datetime.strptime(text, form)
            except ValueError:
                continue
            if self.end_of_day and form == "%Y-%m-%d":
                moment = moment.replace(hour=23, minute=59, second=59)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=datetime.UTC)
            return int(moment.timestamp() * 1000)
        raise InvalidParameter(f"due to invalid value {shorten(value)} for parameter {self.name}: "
                               "write dates as yyyy-MM-dd or yyyy-MM-dd HH:mm:ss")


class Entity(Parameter):
    """A resource by its UUID; parsed to its record.

    :param records: the kinds of record that it may be, tried in order.
    :param access: what the caller must be allowed to do with it (see `cloudapi.api.access`).
    :param lock: an asynchronous command holds it while it runs.
    :param removed: also find records that are marked removed (lists answer empty for them, not 431).
    :param minus_one: `-1` is let through as the number: `projectid=-1`; a list's filter then finds nothing.
    """

    api_type = "uuid"

    def __init__(self, *records: type[Record], access: str | None = None, lock: bool = False, removed: bool = False,
                 minus_one: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.records, self.access, self.lock = records, access, lock
        self.removed, self.minus_one = removed, minus_one

    def parse(self, value: Any) -> Any:
        text = str(value).strip()
        if self.minus_one and text == "-1":
            return -1
        return self.find(text)

    def parse_again(self, value: Any) -> Any:
        """Parse the parameter of a job that is repeated: it may have removed the record itself."""
        if self.minus_one and str(value).strip() == "-1":
            return -1
        return self.find(str(value).strip(), removed=True)

    def find(self, text: str, removed: bool = False) -> Record:
        """Return the record with this UUID; parameters older than CloudStack 3 take the number inside as well.

        :raises InvalidParameter: there is none.
        """
        numeric = self.since is None and text.isascii() and text.isdigit() and len(text) < 19
        if len(text) <= 64:
            for record in self.records:
                found = record.get_or_none(record.id == int(text)) if numeric else record.by_uuid(text)
                if found is not None and (self.removed or removed or getattr(found, "removed", None) is None):
                    return found  # type: ignore[no-any-return]
        raise InvalidParameter(
            f"due to invalid value. Invalid parameter {self.name} value={shorten(text)} due to incorrect long value "
            "format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.")


def split(value: Any) -> list[str]:
    """Return the items of `a,b` or of an array `name[0]=a&name[1]=b`."""
    if isinstance(value, list):
        return [str(item) for item in value if not isinstance(item, dict)]
    return [item.strip() for item in str(value).split(",") if item.strip()]


class TextList(Parameter):
    """Strings, sent as `a,b`.

    :param clears: an empty value is an empty list (which takes away what there was), not an absent one.
    """

    api_type = "list"

    def __init__(self, *, choices: Sequence[str] = (), length: int = 255, clears: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.length, self.clears = length, clears
        self.item = Text(choices=choices, length=length)

    def parse(self, value: Any) -> list[str]:
        self.item.name = self.name
        return [self.item.parse(item) for item in split(value)]

    def is_blank(self, value: Any) -> bool:
        return bool(value == "" and not self.clears)


class LongList(Parameter):
    api_type = "list"

    def parse(self, value: Any) -> list[int]:
        item = Long()
        item.name = self.name
        return [item.parse(part) for part in split(value)]


class EntityList(Entity):
    """Resources by their UUIDs, sent as `a,b`; parsed to their records, each once, in order."""

    api_type = "list"

    def parse(self, value: Any) -> list[Record]:
        return [self.find(text) for text in dict.fromkeys(split(value))]

    def parse_again(self, value: Any) -> list[Record]:
        return [self.find(text, removed=True) for text in dict.fromkeys(split(value))]


class Map(Parameter):
    """Names and values: `details[0].key=a&details[0].value=b` or `details[0].a=b`; parsed to a dict of strings.

    A name has at most 240 characters (which leaves room for a prefix as External:), a value `length`.
    """

    api_type = "map"

    def __init__(self, *, length: int = 5120, **options: Any) -> None:
        super().__init__(**options)
        self.length = length

    def parse(self, value: Any) -> dict[str, str]:
        result: dict[str, str] = {}
        for row in map_rows(self.name, value):
            if "key" in row:
                result[row["key"]] = row.get("value", "")
            elif "name" in row and "value" in row:
                result[row["name"]] = row["value"]
            else:
                result.update(row)
        for key, text in result.items():
            for item, most in ((key, 240), (text, self.length)):
                if len(item) > most:
                    raise InvalidParameter(f"due to invalid value {shorten(item)}. Value greater than max allowed "
                                           f"length {most} for param: {self.name}")
        return result


class Rows(Parameter):
    """An array of maps, as `iptonetworklist[0].networkid=…&iptonetworklist[0].ip=…`; parsed to a list of dicts."""

    api_type = "map"

    def parse(self, value: Any) -> list[dict[str, str]]:
        return map_rows(self.name, value)


def map_rows(name: str, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InvalidParameter(f"due to invalid value {shorten(value)} for parameter {name}: "
                               f"write it as an array of maps, {name}[0].key=…&{name}[0].value=…")
    return value


_ARRAY = re.compile(r"^([^\[\].]+)\[(\d{1,4})\](?:\.(.+))?$")
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


def unpack(raw: dict[str, str]) -> dict[str, Any]:
    """Return the parameters with lower-case names, arrays and maps put together.

    :raises InvalidParameter: control characters in a value, or an array name that cannot be read.
    """
    plain: dict[str, Any] = {}
    arrays: dict[str, dict[int, Any]] = {}
    for name, value in raw.items():
        if _CONTROL.search(value):
            raise InvalidParameter(f"Received value {shorten(_CONTROL.sub('?', value))} for parameter {shorten(name)} "
                                   "is invalid, contains illegal ASCII non-printable characters")
        if "[" not in name:
            plain[name.lower()] = value
            continue
        match = _ARRAY.match(name)
        if not match:
            raise InvalidParameter(f"unable to decode parameter {shorten(name)}: write name[index] or name[index].key")
        base, index, key = match[1].lower(), int(match[2]), match[3]
        items = arrays.setdefault(base, {})
        if key is None:
            items[index] = value
        elif isinstance(items.setdefault(index, {}), dict):
            items[index][key] = value
    for base, items in arrays.items():
        plain[base] = [items[index] for index in sorted(items)]
    return plain
