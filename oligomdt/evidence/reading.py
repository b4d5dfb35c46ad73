"""Reading YAML with every number's printed text kept, and the error that names the place."""

from pathlib import Path
from typing import Any

import yaml

from .values import nearest

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Lines = dict[tuple[str, ...], int]


class EvidenceError(ValueError):
    """Bad input in `data/`: names the file, the entry in it and what is wrong with which field.

    Attributes
    ----------
    file : str
        The file, from the data folder on.
    entry : str
        The path inside the file, such as ``cohorts/NSCLC/results/2024/arms/control/median``;
        items of a list are counted from 1.
    problem : str
        What is wrong and what would be right.
    line : int or None
        The line in the file.
    """

    def __init__(self, file, entry: str, problem: str, line: int | None = None):
        self.file, self.entry, self.problem, self.line = str(file), entry, problem, line
        place = f"{file}:{line}" if line else f"{file}"
        super().__init__(": ".join(part for part in (place, entry, problem) if part))

    def __reduce__(self):
        return (type(self), (self.file, self.entry, self.problem, self.line))


class Document:
    """One YAML file: its data, with numbers kept as printed text, and its lines."""

    def __init__(self, path: Path, root: Path):
        self.name = self.shown(path, root)
        self.lines: Lines = {}
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EvidenceError(self.name, "", f"cannot be read: {error}") from None
        try:
            node = yaml.compose(text, Loader=LOADER)
        except yaml.YAMLError as error:
            raise self._syntax_error(error) from None
        if node is None:
            raise EvidenceError(self.name, "", "the file is empty; see data/README.md")
        if not isinstance(node, yaml.MappingNode):
            raise EvidenceError(self.name, "", "the file must hold `field: value` lines")
        self.data: dict = self._plain(node, ())

    @staticmethod
    def shown(path: Path, root: Path) -> str:
        """Return a file's name from the data folder on."""
        return f"{root.name}/{path.relative_to(root).as_posix()}"

    def error(self, path: tuple, problem: str) -> EvidenceError:
        """Return the error for an entry of this file, with the line nearest to it."""
        path = tuple(str(step) for step in path)
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return EvidenceError(self.name, "/".join(path), problem, self.lines.get(known))

    def _syntax_error(self, error: yaml.YAMLError) -> EvidenceError:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        return EvidenceError(self.name, "", f"not YAML: {problem}", mark and mark.line + 1)

    def _plain(self, node: yaml.Node, path: tuple) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value, start=1)
            return [self._plain(child, (*path, str(i))) for i, child in items]
        plain = node.style in (None, "")
        if plain and node.tag == "tag:yaml.org,2002:null":
            return None
        if plain and node.value in ("true", "false"):
            return node.value == "true"
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: tuple) -> dict:
        data = {}
        for key_node, value_node in node.value:
            key = getattr(key_node, "value", None)
            if not isinstance(key, str):
                raise self.error(path, "a field name must be plain text")
            line = key_node.start_mark.line + 1
            if key in data:
                first = self.lines[(*path, key)]
                raise EvidenceError(
                    self.name,
                    "/".join((*path, key)),
                    f"written twice, first on line {first}; keep one",
                    line,
                )
            self.lines[(*path, key)] = line
            data[key] = self._plain(value_node, (*path, key))
        return data


def describe(error: dict) -> tuple[tuple, str]:
    """Path and plain words for one error of pydantic."""
    path = tuple(
        str(step + 1) if isinstance(step, int) else step
        for step in error["loc"]
        if not str(step).startswith(("<", "function-", "tagged-"))
    )
    kind = error["type"]
    if kind == "missing":
        return path, "this field is missing; give it, or write `not reported` if it is a number"
    if kind == "value_error":
        return path, error["msg"].removeprefix("Value error, ")
    if kind == "union_tag_invalid":
        return path, f"`{error['input']}` cannot stand here; write a number or `not reported`"
    if kind == "literal_error":
        expected = error["ctx"]["expected"].replace("'", "`")
        known = [word.strip("`") for word in expected.replace(" or ", ", ").split(", ")]
        return path, f"{error['input']!r} is not {expected}; {nearest(error['input'], known)}"
    shown = repr(error["input"])
    shown = shown if len(shown) < 60 else shown[:57] + "..."
    return path, f"{error['msg'][0].lower()}{error['msg'][1:]} (found {shown})"
