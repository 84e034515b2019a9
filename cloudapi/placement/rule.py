"""Rules that admins write about places: the expressions of JavaScript that compare texts, and no more of it.

    vmGuestOs == 'Debian GNU/Linux 12 (64-bit)'
    vmGuestOs.toLowerCase().includes('windows') || !(vmGuestOs.indexOf('CentOS') == -1)

`||`, `&&`, `!`, parentheses; `==`, `!=`, `===`, `!==`, `<`, `<=`, `>`, `>=`; texts in quotes, whole numbers, true,
false; `length` and the methods of METHODS. Nothing of it runs as a program.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<number>-?\d{1,9})|(?P<word>[A-Za-z_]\w*)"""
                    r"""|(?P<sign>===|!==|==|!=|<=|>=|\|\||&&|[!<>().,;]))""")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "===": operator.eq, "!=": operator.ne, "!==": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
METHODS: dict[str, Callable[..., Any]] = {
    "toLowerCase": str.lower, "toUpperCase": str.upper, "trim": str.strip, "indexOf": str.find,
    "includes": str.__contains__, "startsWith": str.startswith, "endsWith": str.endswith}
_WITHOUT = frozenset({"toLowerCase", "toUpperCase", "trim"})
_DEEPEST = 50


class NoRule(ValueError):
    """The text is no rule."""


class _Reader:
    """Reads and works out an expression at once; both sides of `||` and `&&` are read always."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        self.variables, self.depth = variables, 0
        self.tokens: list[tuple[str, str]] = []
        position, text = 0, text.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise NoRule(f"it cannot be understood from {text[position:position + 20]!r} on")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
        if self.tokens and self.tokens[-1][1] == ";":
            self.tokens.pop()
        self.tokens.reverse()

    def next(self, *signs: str) -> str | None:
        """Take the next token where it is one of these signs."""
        if self.tokens and self.tokens[-1][0] == "sign" and self.tokens[-1][1] in signs:
            return self.tokens.pop()[1]
        return None

    def expect(self, sign: str) -> None:
        if not self.next(sign):
            raise NoRule(f"{sign!r} is missing")

    def whole(self) -> bool:
        found = self.either()
        if self.tokens:
            raise NoRule(f"{self.tokens[-1][1]!r} is one too many")
        return _truth(found)

    def either(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NoRule("it is nested too deep")
        found = self.both()
        while self.next("||"):
            other = self.both()
            found = _truth(found) | _truth(other)
        self.depth -= 1
        return found

    def both(self) -> Any:
        found = self.comparison()
        while self.next("&&"):
            other = self.comparison()
            found = _truth(found) & _truth(other)
        return found

    def comparison(self) -> Any:
        left = self.negation()
        sign = self.next(*_COMPARISONS)
        if sign is None:
            return left
        right = self.negation()
        if type(left) is not type(right):
            raise NoRule(f"{sign!r} compares things of two kinds")
        return _COMPARISONS[sign](left, right)

    def negation(self) -> Any:
        signs = 0
        while self.next("!"):
            signs += 1
        found = self.value()
        return found if not signs else _truth(found) is (signs % 2 == 0)

    def value(self) -> Any:
        if self.next("("):
            found = self.either()
            self.expect(")")
        else:
            found = self.literal()
        while self.next("."):
            found = self.member(found)
        return found

    def literal(self) -> Any:
        kind, text = self.tokens.pop() if self.tokens else ("", "")
        if kind == "text":
            return text[1:-1]
        if kind == "number":
            return int(text)
        if text in ("true", "false"):
            return text == "true"
        if kind == "word" and text in self.variables:
            return self.variables[text]
        raise NoRule(f"{text!r} is unknown" if text else "something is missing")

    def member(self, owner: Any) -> Any:
        kind, name = self.tokens.pop() if self.tokens else ("", "")
        if not isinstance(owner, str) or kind != "word" or (name != "length" and name not in METHODS):
            raise NoRule(f"{name!r} is unknown")
        if name == "length":
            return len(owner)
        self.expect("(")
        arguments = []
        if name not in _WITHOUT:
            arguments = [self.either()]
            if not isinstance(arguments[0], str):
                raise NoRule(f"{name} takes a text")
        self.expect(")")
        return METHODS[name](owner, *arguments)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NoRule("it says neither true nor false")
    return value


def evaluate(text: str, variables: Mapping[str, str]) -> bool:
    """Return what the rule says.

    :raises NoRule: it is none, with the reason.
    """
    return _Reader(text, variables).whole()


def holds(text: str, variables: Mapping[str, str]) -> bool:
    """Whether the rule lets in what the variables describe; what is no rule lets nothing in."""
    try:
        return evaluate(text, variables)
    except NoRule:
        return False
