"""One result tree, written as JSON or XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

VERSION = "4.23.0.0"
JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"
# XML 1.0 cannot hold these at all, not even escaped.
_ILLEGAL = dict.fromkeys((*range(9), 11, 12, *range(14, 32)))


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
    """Append the elements of a dict; lists repeat their element."""
    if not isinstance(body, dict):
        parts.append(_text(body))
        return
    for name, value in body.items():
        if value is None:
            continue
        tag = name if isinstance(name, str) and _is_name(name) else "entry"
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, dict):
                parts.append(f"<{tag}>")
                _write(parts, item)
                parts.append(f"</{tag}>")
            else:
                parts.append(f"<{tag}>{_text(item)}</{tag}>")


def _text(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return escape(value.translate(_ILLEGAL))
    return str(value)


def _is_name(name: str) -> bool:
    """Whether a key of a map can be an element's name."""
    return name[:1].isalpha() and all(char.isalnum() or char in "._-" for char in name)


def error_body(code: int, cloudstack_code: int, text: str, uuids: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    return {"uuidList": [{"uuid": uuid, "description": description} for uuid, description in uuids],
            "errorcode": code, "cserrorcode": cloudstack_code, "errortext": text}
