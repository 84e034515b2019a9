"""How pytest-xdist divides the tests among its workers."""

import re

from xdist.scheduler import LoadScopeScheduling

from tests.support.databases import KINDS

_KIND = re.compile(rf"\[(?:.*-)?({'|'.join(KINDS)})(?:-.*)?\]$")


class DatabaseAndFileScheduling(LoadScopeScheduling):
    """A file's tests on one kind of database stay together, so that what a file builds once is built once.

    The units keep pytest's order, which runs all of one kind of database before the next. A worker thus starts each
    kind of server once.
    """

    def _split_scope(self, nodeid: str) -> str:
        kind = _KIND.search(nodeid)
        return f"{nodeid.partition('::')[0]}@{kind[1] if kind else ''}"
