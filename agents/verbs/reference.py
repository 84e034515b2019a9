"""The tables of agents/README.md, made from the declarations: `python -m agents.verbs.reference` writes them."""

import dataclasses
import json
import typing
from pathlib import Path
from typing import Any, Literal, Union

from agents.codec import fields_of
from agents.verbs import VERBS, Verb

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- verbs: begin (python -m agents.verbs.reference) -->", "<!-- verbs: end -->"


def render() -> str:
    """Both tables in Markdown: verbs by noun, then the shapes they use."""
    lines = ["| verb | effect | arguments | result | |", "|---|---|---|---|---|"]
    lines += [_row(verb) for _, verb in sorted(VERBS.items())]
    lines += ["", "### Shapes", "", "`?` may be null, `= x` may be left out.", ""]
    lines += [_shape(shape) for _, shape in sorted(_shapes().items())]
    return "\n".join(lines)


def current(text: str) -> str:
    """`text`, with what lies between the marks made anew."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{render()}\n{END}{tail}"


def _row(verb: Verb) -> str:
    arguments = ", ".join(
        f"{name}: {_name(shape)}" + (f" = {json.dumps(verb.defaults[name])}" if name in verb.defaults else "")
        for name, shape in verb.arguments.items()
    )
    result = "{}" if verb.result is type(None) else _name(verb.result)
    if verb.key:
        result = f"{{{verb.key}: {result}}}"
    text = " ".join(verb.text.split()).replace("|", "\\|")
    return f"| `{verb.name}` | {verb.effect} | {_code(arguments)} | {_code(result)} | {text} |"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _name(shape: Any) -> str:
    origin, parts = typing.get_origin(shape), typing.get_args(shape)
    if origin is Union:
        return "".join(_name(part) for part in parts if part is not type(None)) + "?"
    if origin is Literal:
        return "|".join(parts)
    if origin is list:
        return f"[{_name(parts[0])}]"
    if origin is dict:
        return f"{{{_name(parts[0])}: {_name(parts[1])}}}"
    return str(shape.__name__)


def _shape(shape: Any) -> str:
    parts: list[str] = []
    for name, declared in fields_of(shape).items():
        text = f"{name}: {_name(declared.shape)}"
        if declared.default is not None:
            text += f" = {json.dumps(declared.default(), default=vars)}"
        parts.append(text)
    return f"- **{shape.__name__}** `{{{', '.join(parts)}}}`"


def _shapes() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(shape: Any) -> None:
        if dataclasses.is_dataclass(shape):
            if shape.__name__ not in found:  # type: ignore[union-attr]
                found[shape.__name__] = shape  # type: ignore[union-attr]
                for declared in fields_of(shape).values():
                    visit(declared.shape)
        for part in typing.get_args(shape):
            visit(part)

    for verb in VERBS.values():
        for shape in (*verb.arguments.values(), verb.result):
            visit(shape)
    return found


if __name__ == "__main__":
    README.write_text(current(README.read_text()))
