"""One result tree, written as JSON or XML."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, ClassVar
from xml.sax.saxutils import quoteattr

import orjson

VERSION = "4.23.0.0"
JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"
# How many kinds of objects the writer of XML knows at a time.
FORMATS = 2000
# XML 1.0 cannot hold these at all, not even escaped.
_ILLEGAL = (*range(9), 11, 12, *range(14, 32))
# What stands for `<` and `>` of tags until the values around them are escaped, all at once.
_OPEN, _CLOSE = "\x02", "\x03"
_MARKUP = bytes({ord(_OPEN): ord("<"), ord(_CLOSE): ord(">")}.get(code, code) for code in range(256))
_REMOVED = bytes(code for code in _ILLEGAL if chr(code) not in (_OPEN, _CLOSE))


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
    head = f'<?xml version="1.0" encoding="UTF-8"?><{name}{version}>'
    return b"".join((head.encode(), _elements(body), f"</{name}>".encode())), XML_TYPE


def _elements(body: Any) -> bytes:
    """Return what stands inside of the root element."""
    writer = _Writer()
    text = writer.content(body)
    if text.count(_OPEN) != writer.tags or text.count(_CLOSE) != writer.tags:
        writer = _Writer(clean=True)  # a value has what stands for markup
        text = writer.content(body)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if char in text:
            text = text.replace(char, entity)
    return text.encode().translate(_MARKUP, _REMOVED)


class _Writer:
    """Writes the elements of dicts; lists repeat their element. A page of 500 Instances has 60,000 of them, so each
    kind of object gets a format with all its tags, into which the values are filled at once.

    :param clean: take out of the values what XML cannot hold; what that leaves cannot be taken for markup.
    :ivar tags: how many tags have been written.
    """

    formats: ClassVar[dict[tuple[Any, ...], tuple[str, int]]] = {}

    def __init__(self, clean: bool = False) -> None:
        self.tags = 0
        self._clean = clean

    def content(self, body: Any) -> str:
        if not isinstance(body, dict):
            return self._text(body)
        whole: list[Any] = []  # the names whose elements are written here
        if self._clean:
            values = [self._element(name, value, whole) for name, value in body.items()]
        else:
            values = [value if (kind := value.__class__) is str or kind is int else
                      "true" if value is True else "false" if value is False else
                      self._element(name, value, whole) for name, value in body.items()]
        key = (*body, None, *whole)
        found = self.formats.get(key)
        if found is None:
            if len(self.formats) > FORMATS:
                self.formats.clear()  # maps with keys of the clients' own
            tags = ["%s" if name in whole else "%s".join(_tags(name)) for name in body]
            found = self.formats[key] = "".join(tags), 2 * (len(body) - len(whole))
        self.tags += found[1]
        return found[0] % tuple(values)

    def _element(self, name: Any, value: Any, whole: list[Any]) -> str:
        """Write what is not just a text or a number: nothing, a list, an object."""
        whole.append(name)
        items = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
        if not items:
            return ""
        opening, closing = _tags(name)
        self.tags += 2 * len(items)
        return opening + f"{closing}{opening}".join([self.content(item) for item in items]) + closing

    def _text(self, value: Any) -> str:
        text = "true" if value is True else "false" if value is False else str(value)
        return text.translate(dict.fromkeys(_ILLEGAL)) if self._clean else text


@functools.lru_cache(maxsize=4096)
def _tags(name: Any) -> tuple[str, str]:
    """Return the tags of an element; a key of a map that can be no element's name is an `entry`."""
    usable = isinstance(name, str) and name[:1].isalpha() and all(char.isalnum() or char in "._-" for char in name)
    tag = name if usable else "entry"
    return f"{_OPEN}{tag}{_CLOSE}", f"{_OPEN}/{tag}{_CLOSE}"


def error_body(code: int, cloudstack_code: int, text: str, uuids: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    return {"uuidList": [{"uuid": uuid, "description": description} for uuid, description in uuids],
            "errorcode": code, "cserrorcode": cloudstack_code, "errortext": text}
