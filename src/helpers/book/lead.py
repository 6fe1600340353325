"""The figure that a page opens with: a cell tagged ``lead`` keeps its place, and its output stands at the top."""

from typing import Any

from docutils import nodes

TAG, PLACE = "tag_lead", "lead-figure"


def lead_with_figure(app: Any, doctree: Any) -> None:
    """Move what the cell tagged ``lead`` shows behind the first paragraph of the page, which says the answer.

    Where it was a link leads to it. Of several such cells the first is taken.
    """
    page = next(iter(doctree.findall(nodes.section)), None)
    if page is None:
        return
    cells = (cell for cell in doctree.findall(nodes.container) if TAG in cell["classes"])
    shown = next(iter(_outputs(next(cells, None))), None)
    first = next((i for i, part in enumerate(page.children) if isinstance(part, nodes.paragraph)), None)
    if shown is None or first is None:
        return
    cell = shown.parent
    cell.remove(shown)
    place = nodes.container("", shown, classes=["cell", PLACE], ids=[PLACE])
    link = nodes.reference("", "↑ The figure at the top of this page.", refid=PLACE, internal=True)
    cell.append(nodes.paragraph("", "", link, classes=["lead-link"]))
    page.insert(first + 1, place)


def _outputs(cell: nodes.container | None) -> list[nodes.container]:
    if cell is None:
        return []
    return [part for part in cell.findall(nodes.container) if "cell_output" in part["classes"]]
