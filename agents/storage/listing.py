"""Paths within a store or pool, and pages of what lies under them."""

import posixpath
from collections.abc import Iterable
from typing import Optional

from agents.protocol import ErrorCode, Refusal
from agents.storage.base import ObjectPage, StoredObject


def inside(path: str) -> str:
    """The path in its plain form, relative to the root of the store. Raises Refusal(bad_argument) where it leads out
    of it."""
    plain = posixpath.normpath(path.lstrip("/"))
    if plain in ("", ".", "..") or plain.startswith("../") or "\0" in plain:
        raise Refusal(ErrorCode.BAD_ARGUMENT, f"'path' {path!r:.200} is not within the store")
    return plain


def page(
    objects: list[StoredObject], keyword: Optional[str], offset: int, limit: Optional[int], path_exists: bool
) -> ObjectPage:
    found = [each for each in objects if keyword is None or keyword.lower() in each.name.lower()]
    found.sort(key=lambda each: (not each.directory, each.name))
    end = None if limit is None else offset + limit
    return ObjectPage(found[offset:end], len(found), path_exists)


def folder(files: Iterable[StoredObject], path: str) -> list[StoredObject]:
    """What lies directly in the folder `path`, where the files are known by their whole paths."""
    prefix = path.strip("/") + "/" if path.strip("/") else ""
    entries: dict[str, StoredObject] = {}
    for each in files:
        if each.path == prefix.rstrip("/"):
            return [each]
        if not each.path.startswith(prefix):
            continue
        name, deeper, _ = each.path[len(prefix) :].partition("/")
        if not deeper:
            entries[name] = each
        elif name not in entries or entries[name].modified_at < each.modified_at:
            entries[name] = StoredObject(name, prefix + name, True, 0, each.modified_at)
    return list(entries.values())
