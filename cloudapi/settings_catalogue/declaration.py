"""What a setting is: its type, its default, where it can be overridden, and which values it takes.

Values are kept and shown as text, as clients send and read them; `Setting.parse` gives the value that services use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cloudapi.errors import InvalidParameter
from cloudapi.settings_catalogue.groups import Subgroup, subgroup_for

Value = bool | int | float | str | None
Check = Callable[[str], str | None]
"""Takes a text value and answers what is wrong with it, or None."""

LONGEST_VALUE = 8191


class Scope(StrEnum):
    """Where a value can be kept. Every setting has a global value; `Setting.scopes` names where else."""

    GLOBAL = "Global"
    ZONE = "Zone"
    CLUSTER = "Cluster"
    STORAGE_POOL = "StoragePool"
    MANAGEMENT_SERVER = "ManagementServer"
    IMAGE_STORE = "ImageStore"
    DOMAIN = "Domain"
    ACCOUNT = "Account"


PARENT_SCOPES: Mapping[Scope, Scope] = {
    Scope.ZONE: Scope.GLOBAL,
    Scope.CLUSTER: Scope.ZONE,
    Scope.STORAGE_POOL: Scope.CLUSTER,
    Scope.MANAGEMENT_SERVER: Scope.GLOBAL,
    Scope.IMAGE_STORE: Scope.ZONE,
    Scope.DOMAIN: Scope.GLOBAL,
    Scope.ACCOUNT: Scope.DOMAIN,
}

NARROWEST_FIRST = (
    Scope.STORAGE_POOL,
    Scope.IMAGE_STORE,
    Scope.CLUSTER,
    Scope.ZONE,
    Scope.ACCOUNT,
    Scope.DOMAIN,
    Scope.MANAGEMENT_SERVER,
    Scope.GLOBAL,
)


class ValueType(StrEnum):
    BOOLEAN = "Boolean"
    INTEGER = "Integer"
    LONG = "Long"
    FLOAT = "Float"
    DOUBLE = "Double"
    STRING = "String"


class Kind(StrEnum):
    """How a text value is made up; clients choose their input field by it."""

    CSV = "CSV"
    ORDER = "Order"
    SELECT = "Select"


_API_TYPES = {
    ValueType.BOOLEAN: "Boolean",
    ValueType.INTEGER: "Number",
    ValueType.LONG: "Number",
    ValueType.FLOAT: "Decimal",
    ValueType.DOUBLE: "Decimal",
    ValueType.STRING: "String",
}
_BITS = {ValueType.INTEGER: 32, ValueType.LONG: 64}


@dataclass(frozen=True)
class Setting:
    """One declared setting.

    :param default: text, or None where there is no value until somebody sets one.
    :param scopes: where the global value can be overridden; empty for a global setting.
    :param dynamic: a change takes effect without a restart.
    :param minimum: least number allowed; `maximum`: greatest. `above_zero` excludes 0 from a decimal's range.
    :param options: the texts allowed, in any case; for `Kind.ORDER` the words to be put in order.
    :param parent: the setting that switches this one on.
    :param secret: the value never appears in a log, an event or an answer.
    :param unit: "seconds", "MB", …; part of the documentation only.
    """

    name: str
    type: ValueType
    default: str | None
    description: str
    category: str = "Advanced"
    scopes: tuple[Scope, ...] = ()
    dynamic: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above_zero: bool = False
    kind: Kind | None = None
    options: tuple[str, ...] = ()
    parent: str | None = None
    secret: bool = False
    unit: str | None = None
    check: Check | None = None
    placed_in: str | None = None
    """Name of the subgroup, where it does not follow from the setting's name."""

    @property
    def hidden(self) -> bool:
        """Hidden settings are the program's own; the API does not list them."""
        return self.category == "Hidden"

    @property
    def subgroup(self) -> Subgroup:
        return subgroup_for(self.name, self.placed_in)

    @property
    def group(self) -> str:
        return self.subgroup.group

    @property
    def display_text(self) -> str:
        return self.name.replace(".", " ").capitalize()

    @property
    def is_share(self) -> bool:
        """A decimal from 0 to 1."""
        return self.type in (ValueType.FLOAT, ValueType.DOUBLE) and (self.minimum, self.maximum) == (0, 1)

    @property
    def api_type(self) -> str:
        """The `type` that listConfigurations shows: Boolean, Number, Decimal, Range, String or a `Kind`."""
        if self.is_share:
            return "Range"
        if self.type is ValueType.STRING and self.kind is not None:
            return self.kind.value
        return _API_TYPES[self.type]

    @property
    def api_options(self) -> str | None:
        """The `options` that listConfigurations shows, separated by commas."""
        return ",".join(self.options) if self.kind is not None and self.options else None

    def applies_to(self, scope: Scope) -> bool:
        return scope is Scope.GLOBAL or scope in self.scopes

    def parse(self, text: str | None) -> Value:
        """Return the value that `text` stands for: bool, int, float, str, or None where it is not set.

        :raises InvalidParameter: the text is not of the setting's type.
        """
        if text is None or self.type is ValueType.STRING:
            return text
        if self.type is ValueType.BOOLEAN:
            if text not in ("true", "false"):
                raise self._wrong(text, "it is neither true nor false")
            return text == "true"
        if self.type in _BITS:
            return self._whole_number(text)
        return self._decimal(text)

    def validated(self, text: str | None) -> str | None:
        """Return `text` as it is to be stored: trimmed, and None where it is empty or `null`.

        :raises InvalidParameter: the value is of the wrong type, out of range or not among the options.
        """
        text = text.strip() if text is not None else None
        if text in ("", "null", None):
            if self.type is not ValueType.STRING:
                raise InvalidParameter(f"An empty value is not a valid {self.type} for the configuration {self.name}")
            return None
        if len(text) > LONGEST_VALUE:
            raise InvalidParameter(f"The value of the configuration {self.name} is over {LONGEST_VALUE} characters")
        value = self.parse(text)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_range(text, value)
        elif isinstance(value, str):
            self._check_text(value)
        return text

    def _whole_number(self, text: str) -> int:
        # int() would also take "1_000", surrounding spaces and digits of other scripts.
        digits = text[1:] if text[:1] in ("-", "+") else text
        if not (digits.isascii() and digits.isdigit()):
            raise self._wrong(text, "it is not a whole number")
        bits = _BITS[self.type]
        # The length first: int() refuses thousands of digits.
        if len(digits) > bits or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
            raise self._wrong(text, f"it does not fit in {bits} bits")
        return int(text)

    def _decimal(self, text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._wrong(text, "it is not a number")
        return value

    def _check_range(self, text: str, value: float) -> None:
        if self.is_share and not 0 <= value <= 1:
            raise self._wrong(text, "it has to be between 0 and 1")
        if self.above_zero and value <= 0:
            raise self._wrong(text, "it has to be greater than 0")
        if self.minimum is not None and value < self.minimum:
            fault = "it has to be a positive number" if self.minimum == 1 else f"it is less than {self.minimum:g}"
            raise self._wrong(text, fault)
        if self.maximum is not None and value > self.maximum:
            raise self._wrong(text, f"it is greater than {self.maximum:.0f}")

    def _check_text(self, text: str) -> None:
        if self.options:
            words = [text] if self.kind is not Kind.ORDER else [word.strip() for word in text.split(",")]
            allowed = {option.lower() for option in self.options}
            unknown = [word for word in words if word.lower() not in allowed]
            if unknown:
                raise self._wrong(unknown[0], f"valid values are {', '.join(self.options)}")
        if self.check is not None:
            fault = self.check(text)
            if fault:
                raise InvalidParameter(f"{fault} (configuration {self.name})")

    def _wrong(self, text: str, fault: str) -> InvalidParameter:
        shown = "" if self.secret else f" [{text[:100]}]"
        return InvalidParameter(f"Value{shown} is not valid for the configuration {self.name}: {fault}")


def effective(setting: Setting, values_by_scope: Mapping[Scope, str | None]) -> str | None:
    """Return the value in force: the narrowest one set, among the scopes where the setting can be set at all.

    :param values_by_scope: the texts found along one path (a pool's, its cluster's, its zone's, the global one; or an
        account's, its domain's, the global one); None and absent both mean "not set here".
    """
    for scope in NARROWEST_FIRST:
        value = values_by_scope.get(scope)
        if value is not None and setting.applies_to(scope):
            return value
    return setting.default
