"""Which code cells of an executed page are folded in the book: those that only import, name or set up."""

import ast
from typing import Any

# Cells with these tags have been decided on: by a page, or by what injects parameters.
_DECIDED = {"remove-cell", "remove-input", "hide-cell", "hide-input", "hide-output", "injected-parameters"}


def prompt_of(source: str, tags: list[str], outputs: list[Any]) -> str:
    """Return what a folded cell is called in the book; nothing if it stays open.

    A cell that shows something stays open, and so does one that computes: of the sessions of the course, whose answers
    are code, only imports and parameters are folded.

    Examples
    --------
    >>> prompt_of("import numpy as np", [], []), prompt_of("dim = 16", ["parameters"], [])
    ('Imports', 'Parameters')
    >>> prompt_of("store = Store(folder)", [], []), prompt_of("store = Store(folder)", ["solution"], [])
    ('Set up', '')
    >>> prompt_of("summary(fits)", [], ["a table"])
    ''
    """
    if outputs or _DECIDED.intersection(tags):
        return ""
    if "parameters" in tags:
        return "Parameters"
    kinds = {type(statement) for statement in ast.parse(source).body}
    if kinds and kinds <= {ast.Import, ast.ImportFrom}:
        return "Imports"
    return "Set up" if kinds and "solution" not in tags and kinds <= _SETTING_UP else ""


_SETTING_UP = {ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign}


def fold(notebook: Any) -> None:
    """Tag the cells of an executed notebook that are folded in the book; JupyterLab shows them open."""
    of_course = any("solution" in cell.metadata.get("tags", []) for cell in notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tags = list(cell.metadata.get("tags", []))
        prompt = prompt_of(cell.source, tags, cell.outputs)
        if prompt and not (of_course and prompt == "Set up"):
            cell.metadata["tags"] = [*tags, "hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": prompt, "code_prompt_hide": prompt}
