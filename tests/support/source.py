"""The source files of a tree, and what they import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """`from a.b import c` is `a.b.c`; one under `if TYPE_CHECKING` is for types only."""

    name: str
    line: int
    for_types: bool = False


def files(root: Path, *folders: str) -> Iterator[Path]:
    """The Python files below the folders, in a stable order; paths are relative to `root`."""
    for folder in folders:
        yield from sorted(path.relative_to(root) for path in (root / folder).rglob("*.py"))


def parse(root: Path, path: Path) -> ast.Module:
    return ast.parse((root / path).read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path, path: Path) -> list[Import]:
    """Everything that a file imports, inside functions too, in absolute names."""
    tree = parse(root, path)
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_origin(node, path)}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [Import(name, node.lineno, id(node) in for_types) for name in names]
    return found


def _origin(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.parts[: len(path.parts) - node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def plant(root: Path, sources: dict[str, str]) -> Path:
    """Writes files below `root`, for a test that shows that a rule sees what breaks it."""
    for name, text in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def assert_none(faults: list[str]) -> None:
    """So that all of them are shown, one a line."""
    assert not faults, "\n".join(["", *faults])
