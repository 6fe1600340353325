"""The piece of the front page, "turn the noise up": pictures of noise with their measured curve, still or played.

As HTML it is whole: three stills and a curve for each kind of data. Where scripts run, ``noise_piece.js`` puts a slider
over them, without a library or a kernel: an ES module with ``render({model, el})`` as an anywidget has it, written into
the page because a book opened as a file may not load modules.
"""

import json
import math
from html import escape
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from helpers.charts.style import BITS
from helpers.store.stamp import note_read

_HERE = Path(__file__).parent
_COLUMNS = 36  # residues in a line: a protein of 1,273 is a square
_WIDTH, _HEIGHT = 460, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 444, 14, 322
# One mark for each group of cells, in a square of 26: told apart without colours.
MARKS = (
    '<circle cx="13" cy="13" r="10"/>',
    '<rect x="4" y="4" width="18" height="18"/>',
    '<path d="M13 1L25 23H1z"/>',
    '<path d="M13 0L26 13L13 26L0 13z"/>',
    '<path d="M3 3L23 23M23 3L3 23" class="np-stroke"/>',
    '<circle cx="13" cy="13" r="6" class="np-ring"/>',
)


class Kind(NamedTuple):
    """What is written about one kind of data."""

    title: str
    label: str  # of the slider
    axis: str
    ticks: tuple[float, ...]
    about: str
    stills: tuple[int, int, int]  # stops that are drawn where nothing moves, the cleanest first
    clean: str  # what the bits of the cleanest stop are called


KINDS = {
    "cells": Kind(
        "Blood cells",
        "molecules kept",
        "mean UMIs per cell",
        (10, 30, 100, 300, 1000),
        "Each mark is a blood cell, placed by its RNA alone: two of the 16 principal components behind the bits, "
        "fitted at each depth and turned onto those of the full depth (Procrustes), with the same spread along both "
        "axes. "
        "Its shape and colour say which proteins antibodies counted on its surface: other molecules than the RNA. "
        "The bits are about all 14 proteins that were counted.",
        (7, 3, 0),
        "all molecules",
    ),
    "photograph": Kind(
        "Photographs",
        "pixels kept along a side",
        "pixels along a side",
        (2, 5, 10, 24, 60, 240),
        "One of 2,707 photographs of Caltech101 (Fei-Fei et al. 2004, CC BY 4.0), whose pixels are averaged over ever "
        "larger tiles. The bits are what a network that learned from equally coarse photographs says about which of "
        "five classes a new one belongs to.",
        (11, 6, 1),
        "all pixels",
    ),
    "protein": Kind(
        "A viral protein",
        "residues misread",
        "right residues for each wrong one",
        (1, 10, 100, 1000, 10_000, 100_000),
        "The spike protein of a SARS-CoV-2 genome, letter by letter; misread residues are boxed. The bits are what a "
        "small protein language model, trained and asked on equally misread sequences, says about the date on which a "
        "sequence was collected.",
        (8, 3, 1),
        "every residue right",
    ),
}


class NoisePiece:
    """A display of the piece, from what ``helpers.findings.noise_piece`` kept: HTML, or plain words."""

    def __init__(self, piece: dict[str, Any]) -> None:
        self.piece = piece

    def _repr_html_(self) -> str:
        return html(self.piece)

    def __repr__(self) -> str:
        """Return what the piece shows, for a terminal."""
        ends = [(stops[0]["bits"], stops[-1]["bits"]) for stops in (self.piece[kind]["stops"] for kind in KINDS)]
        said = (
            f"{KINDS[kind].title}: {low:.2f} to {high:.2f} bits" for kind, (low, high) in zip(KINDS, ends, strict=True)
        )
        return f"Turn the noise up. {'; '.join(said)}"


def html(piece: dict[str, Any]) -> str:
    """Return the piece as HTML that needs nothing else: style, stills, curves, numbers and script."""
    modes = {kind: _mode(kind, piece[kind]) for kind in KINDS}
    carried = {kind: _carried(kind, piece[kind]) for kind in KINDS}
    style, script = (_text(f"noise_piece.{suffix}") for suffix in ("css", "js"))
    page = Template(_text("noise_piece.html"))
    numbers = json.dumps(carried, ensure_ascii=False, separators=(",", ":")).replace("</", r"<\/")
    markers = "".join(
        f'<marker id="np-m{i}" class="np-g{i}" markerUnits="userSpaceOnUse" markerWidth="26" markerHeight="26" '
        f'refX="13" refY="13" orient="0">{mark}</marker>'
        for i, mark in enumerate(MARKS)
    )
    return page.substitute(style=style, script=script, numbers=numbers, markers=markers, modes="".join(modes.values()))


def _text(name: str) -> str:
    file = _HERE / name
    note_read(file)
    return file.read_text("utf8")


# In words


def value_of(kind: str, stop: dict[str, Any]) -> str:
    """Return the level of a stop with its unit, as the slider says it.

    >>> value_of("cells", {"level": 0.06, "x": 67.3}), value_of("photograph", {"level": 10.0, "x": 24.0})
    ('6 % (67 UMIs per cell)', '24 of 240')
    >>> value_of("protein", {"level": 0.0, "x": None}), value_of("protein", {"level": 0.000999001, "x": 1001.0})
    ('none', '0.1 %')
    """
    if kind == "cells":
        return f"{100 * stop['level']:.3g} % ({stop['x']:,.0f} UMIs per cell)"
    if kind == "photograph":
        return f"{stop['x']:.0f} of 240"
    if not stop["level"]:
        return "none"
    percent = float(f"{100 * stop['level']:.2g}")
    return f"{percent:.6f}".rstrip("0").rstrip(".") + " %"


def bits_of(stop: dict[str, Any]) -> str:
    """Return the bits of a stop with their interval.

    >>> bits_of({"bits": -0.012, "low": -0.06, "high": 0.04})
    '−0.01 bits (95 % interval −0.06 to 0.04)'
    """
    return f"{stop['bits']:.2f} bits (95 % interval {stop['low']:.2f} to {stop['high']:.2f})".replace("-", "−")


def _share(kind: str, stop: dict[str, Any], cleanest: dict[str, Any]) -> str:
    if stop is cleanest:
        return "Nothing has been taken away yet."
    share = min(max(0.0, stop["bits"] / cleanest["bits"]), 1.0)
    return f"{100 * share:.0f} % of what is known with {KINDS[kind].clean}."


def _alt(kind: str, stop: dict[str, Any]) -> str:
    level = value_of(kind, stop)
    return {
        "cells": f"Blood cells, placed by their RNA, with {level} of their molecules",
        "photograph": f"An aeroplane with {level} pixels along a side",
        "protein": f"The letters of a spike protein, {level} misread",
    }[kind]


# Pictures


def picture(kind: str, data: dict[str, Any], stop: dict[str, Any]) -> str:
    """Return the picture of a stop as SVG."""
    draw = {"cells": _cloud, "photograph": _image, "protein": _letters}[kind]
    side = 240 if kind == "photograph" else 1000
    label = escape(_alt(kind, stop), quote=True)
    return (
        f'<svg viewBox="0 0 {side} {side}" role="img" aria-label="{label}" data-kind="{kind}">{draw(data, stop)}</svg>'
    )


def _cloud(data: dict[str, Any], stop: dict[str, Any]) -> str:
    pairs = list(zip(stop["xy"][::2], stop["xy"][1::2], strict=True))
    parts, at = [], 0
    for group, size in enumerate(data["sizes"]):
        places = "L".join(f"{x} {y}" for x, y in pairs[at : at + size])
        at += size
        parts.append(f'<path class="np-cells" style="marker:url(#np-m{group})" d="M{places}"/>')
    return "".join(reversed(parts))  # the others lie below


def _image(data: dict[str, Any], stop: dict[str, Any]) -> str:
    side = math.ceil(240 / stop["tile"]) * stop["tile"]  # tiles at the edge go on outside
    return f'<image href="{stop["picture"]}" width="{side}" height="{side}" preserveAspectRatio="none"/>'


def _letters(data: dict[str, Any], stop: dict[str, Any]) -> str:
    residues, right = stop["residues"], data["stops"][-1]["residues"]
    size = 1000 / _COLUMNS
    wrong = [divmod(i, _COLUMNS) for i, (a, b) in enumerate(zip(residues, right, strict=True)) if a != b]
    boxes = "".join(
        f"M{column * size:.0f} {row * size:.0f}h{size:.0f}v{size:.0f}h-{size:.0f}z" for row, column in wrong
    )
    lines = [residues[i : i + _COLUMNS] for i in range(0, len(residues), _COLUMNS)]
    texts = "".join(
        f'<text x="5" y="{(row + 0.78) * size:.0f}" textLength="{len(line) * size - 10:.0f}">{line}</text>'
        for row, line in enumerate(lines)
    )
    return f'<path class="np-wrong" d="{boxes}"/>{texts}'


# The curve


def _place(kind: str, stops: list[dict[str, Any]], x: float | None) -> float:
    """Return where a depth, a number of pixels or of right residues stands across the curve; None is without noise."""
    ends = [math.log(stop["x"]) for stop in stops if stop["x"] is not None]
    noise_free = any(stop["x"] is None for stop in stops)
    right = _RIGHT - 34 * noise_free - 8
    if x is None:
        return _RIGHT - 8
    return _LEFT + 14 + (right - _LEFT - 14) * (math.log(x) - min(ends)) / (max(ends) - min(ends))


def _height(bits: float, most: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * bits / most


def _most(stops: list[dict[str, Any]]) -> float:
    """Return the top of the axis: a whole number of steps above all intervals."""
    highest = max(stop["high"] for stop in stops)
    step = 0.2 if highest < 1 else 0.5
    return math.ceil(highest / step) * step


def curve(kind: str, stops: list[dict[str, Any]]) -> str:
    """Return the measured curve as SVG: means with 95 % intervals, joined for the eye."""
    most, words = _most(stops), KINDS[kind]
    dots = [(_place(kind, stops, stop["x"]), _height(stop["bits"], most), stop) for stop in stops]
    parts = []
    step = 0.2 if most <= 1 else 0.5 if most <= 2.5 else 1
    for i in range(round(most / step) + 1):
        y = _height(i * step, most)
        parts.append(f'<path class="np-grid" d="M{_LEFT} {y:.0f}H{_RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 5:.0f}" text-anchor="end">{i * step:g}</text>')
    ticks = [(_place(kind, stops, x), f"{x:,g}") for x in words.ticks]
    ticks = [(x, text) for x, text in ticks if _LEFT <= x <= _RIGHT]
    ticks += [(x, "none") for x, _, stop in dots if stop["x"] is None]
    parts += [f'<text x="{x:.0f}" y="{_BOTTOM + 22}" text-anchor="middle">{text}</text>' for x, text in ticks]
    middle = (_LEFT + _RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{_BOTTOM + 46}" text-anchor="middle">{words.axis}</text>')
    parts.append(f'<text x="{_LEFT + 8}" y="{_TOP + 6}">{BITS}</text>')
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in dots)
    parts.append(f'<path class="np-line" d="M{line}"/>')
    for x, y, stop in dots:
        low, high = (_height(max(stop[end], 0), most) for end in ("low", "high"))
        parts.append(f'<path class="np-bar" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
        parts.append(f'<circle class="np-dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    ends = f"{bits_of(stops[-1])} at the cleanest, {bits_of(stops[0])} at the noisiest"
    label = escape(f"{words.title}: {BITS} against {words.axis}. {ends}.", quote=True)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


# Put together


def _carried(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return what the script needs of a kind: words, places on the curve and what is drawn, of every stop."""
    stops, most = data["stops"], _most(data["stops"])
    own = {"cells": "xy", "photograph": "picture", "protein": "residues"}[kind]
    rows = [
        {
            "value": value_of(kind, stop),
            "bits": bits_of(stop),
            "share": _share(kind, stop, stops[-1]),
            "alt": _alt(kind, stop),
            "at": [
                round(_place(kind, stops, stop["x"]), 1),
                *(round(_height(max(stop[name], 0), most), 1) for name in ("bits", "low", "high")),
            ],
            own: stop[own],
            **({"tile": stop["tile"]} if "tile" in stop else {}),
        }
        for stop in stops
    ]
    return {"title": KINDS[kind].title, "label": KINDS[kind].label, "sizes": data.get("sizes", []), "stops": rows}


def _mode(kind: str, data: dict[str, Any]) -> str:
    words, stops = KINDS[kind], data["stops"]
    stills = "".join(
        f'<figure class="np-still">{picture(kind, data, stops[i])}'
        f"<figcaption>{words.label}: {value_of(kind, stops[i])}<br>{bits_of(stops[i])}</figcaption></figure>"
        for i in words.stills
    )
    names = "".join(
        f'<li><svg viewBox="0 0 26 26" class="np-g{i}" aria-hidden="true">{MARKS[i]}</svg>{escape(name)}</li>'
        for i, name in enumerate(data.get("groups", []))
    )
    legend = f'<ul class="np-legend">{names}</ul>' if names else ""
    return (
        f'<section class="np-mode" data-kind="{kind}" aria-label="{words.title}"><p class="np-title">{words.title}</p>'
        f'<div class="np-row"><div class="np-pictures">{stills}{legend}</div>'
        f'<figure class="np-curve">{curve(kind, stops)}</figure></div><p class="np-about">{words.about}</p></section>'
    )
