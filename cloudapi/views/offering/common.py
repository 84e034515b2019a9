"""Fields that the views of offerings share: for whom and where they are, and the rates of their disks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from cloudapi.api.view import Batch, Page
from cloudapi.models.database import rows

RATES = ("bytes_read_rate", "bytes_read_rate_max", "bytes_read_rate_max_length", "bytes_write_rate",
         "bytes_write_rate_max", "bytes_write_rate_max_length", "iops_read_rate", "iops_read_rate_max",
         "iops_read_rate_max_length", "iops_write_rate", "iops_write_rate_max", "iops_write_rate_max_length")


def field_of(rate: str) -> str:
    """Return the field that shows a rate: `diskBytesReadRate` for `bytes_read_rate`."""
    return "disk" + "".join(part.capitalize() for part in rate.split("_"))


def scope_loader(kind: str, domain_column: str = "name") -> Callable[[Page], dict[int, dict[str, str]]]:
    """Return a loader of `domainid`, `domain`, `zoneid` and `zone`: several are joined by commas."""

    def load(page: Page) -> dict[int, dict[str, str]]:
        marks = ",".join("?" * len(page.ids))
        found: dict[int, dict[str, list[str]]] = {}
        for offering, domain_uuid, domain, zone_uuid, zone in rows(
                f"SELECT s.offering_id, d.uuid, d.{domain_column}, z.uuid, z.name FROM offering_scope s "
                "LEFT JOIN domain d ON d.id = s.domain_id LEFT JOIN zone z ON z.id = s.zone_id "
                f"WHERE s.offering_type = ? AND s.offering_id IN ({marks}) ORDER BY s.id", [kind, *page.ids]):
            shown = found.setdefault(offering, {"domainid": [], "domain": [], "zoneid": [], "zone": []})
            for field, value in (("domainid", domain_uuid), ("domain", domain), ("zoneid", zone_uuid), ("zone", zone)):
                if value is not None:
                    shown[field].append(value)
        return {offering: {field: ",".join(values) for field, values in shown.items() if values}
                for offering, shown in found.items()}

    return load


def rate_loader(sql: str) -> Callable[[Page], dict[int, dict[str, int]]]:
    """Return a loader of the rates that are set, by their fields.

    :param sql: selects the id and the JSON of the rates; `{marks}` stands for the ids' question marks.
    """

    def load(page: Page) -> dict[int, dict[str, int]]:
        return {row[0]: {field_of(name): value for name, value in orjson.loads(row[1]).items()}
                for row in rows(sql.format(marks=",".join("?" * len(page.ids))), page.ids)}

    return load


def rate(load: Callable[[Page], dict[int, Any]], name: str, help: str) -> Batch:
    return Batch(load, help, key=name, type="long")
