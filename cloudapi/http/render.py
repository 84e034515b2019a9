"""One result tree, written as JSON or XML."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

VERSION = "4.23.0.0"
JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"
# XML 1.0 cannot hold these at all, not even escaped.
_ILLEGAL = dict.fromkeys((*range(9), 11, 12, *range(14, 32)))
# Finds what text cannot hold as it is; None for nearly every value.
_special = re.compile(r"[<>&\x00-\x08\x0b\x0c\x0e-\x1f]").search


def render(name: str, body: Any, response: str, versioned: bool = True,
           json_type: str = JSON_TYPE) -> tuple[bytes, str]:
    """Return `(payload, content type)`.

    :param name: the response name, the root of the tree.
    :param response: what the client asked for: `json`, anything else is XML.
    :param versioned: whether XML tells the version (not to those who have not signed in).
    :param json_type: the content type of JSON.
    """
    if response.lower() == "json":
        return orjson.dumps({name: body}, option=orjson.OPT_NON_STR_KEYS), json_type
    version = f" cloud-stack-version={quoteattr(VERSION)}" if versioned else ""
    parts = [f'<?xml version="1.0" encoding="UTF-8"?><{name}{version}>']
    _write(parts, body)
    parts.append(f"</{name}>")
    return "".join(parts).encode(), XML_TYPE


def _write(parts: list[str], body: Any) -> None:
    """Append the elements of a dict; lists repeat their element. A page of 500 Instances has 60,000 of them."""
    if not isinstance(body, dict):
        parts.append(_text(body))
        return
    for name, value in body.items():
        if value is None:
            continue
        opening, closing = _tags(name)
        if value.__class__ is str:
            parts.append(f"{opening}{value if _special(value) is None else _escaped(value)}{closing}")
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, dict):
                parts.append(opening)
                _write(parts, item)
                parts.append(closing)
            else:
                parts.append(f"{opening}{_text(item)}{closing}")


def _text(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    return _escaped(value) if isinstance(value, str) else str(value)


def _escaped(text: str) -> str:
    return escape(text.translate(_ILLEGAL))


@functools.lru_cache(maxsize=4096)
def _tags(name: Any) -> tuple[str, str]:
    """Return the tags of an element; a key of a map that can be no element's name is an `entry`."""
    usable = isinstance(name, str) and name[:1].isalpha() and all(char.isalnum() or char in "._-" for char in name)
    tag = name if usable else "entry"
    return f"<{tag}>", f"</{tag}>"


def error_body(code: int, cloudstack_code: int, text: str, uuids: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    return {"uuidList": [{"uuid": uuid, "description": description} for uuid, description in uuids],
            "errorcode": code, "cserrorcode": cloudstack_code, "errortext": text}
