"""Published claims, each with the criterion by which this project's own points judge it."""

from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.findings.curves import FLAT, RARE, Count, count, missed, verdict
from helpers.findings.losses import floor_verdict
from helpers.findings.phrases import place
from helpers.findings.shape import PREFERRED
from helpers.laws.measured_tolerance import measured_tolerance, sensitivity
from helpers.laws.tolerance import SEQUENCE_ROLES, Loss

P1 = "Gowri 2025, first version"
P2 = "Gowri 2025, extended"
P3 = "Kendiukhov 2026"
# A curve "is described" by a law that explains this share of the variance of its seed means.
DESCRIBED = 0.9
# Gains that the first paper printed for cell type: the most of any model (tables 1 and 2), in bits.
CELL_TYPE_FROM_CELLS, CELL_TYPE_FROM_DEPTH = 0.07, 0.13
# Differences in bits that count as alike.
ALIKE = 0.05
# A rank correlation from which on the one quantity tells the other.
CLOSE = 0.5
# Pixels along a side at which half a bit is lost (five classes of Caltech101), and how far off still agrees.
_PIXELS, _PIXELS_FOLD = 31, 2
# Share of wrong residues that protein models are said to bear, and how far off still agrees.
_MISREAD, _MISREAD_FOLD = 1e-3, 3


# The class of Caltech101 that the papers find the most sensitive, against the rest.
_WATCH = "watch or not"


class Claim(NamedTuple):
    """A published claim and what is measured here of it."""

    claim: str
    source: str
    criterion: str
    evidence: str
    verdict: str
    page: str


def show(claims: list[Claim], link: Callable[[str], str]) -> Any:
    """Return claims as a table whose verdicts lead to the pages with the evidence.

    Parameters
    ----------
    claims : list of Claim
    link : function of a page's name that returns its address, as seen from the page that shows the table

    Examples
    --------
    >>> one = Claim("It falls", "A 2025", "R² of 0.9", "9 of 10", "holds", "noise")
    >>> '<a href="noise.html">holds</a>' in show([one], "{}.html".format).data
    True
    """
    from IPython.display import HTML

    head = "".join(f"<th>{name}</th>" for name in ("claim", "published by", "holds if", "measured here", "verdict"))
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(part)}</td>" for part in c[:4])
        + f'<td><a href="{escape(link(c.page), quote=True)}">{escape(c.verdict)}</a></td></tr>'
        for c in claims
    )  # fmt: skip
    return HTML(f'<table class="dataframe claims"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')


def _word(holds: Any) -> str:
    """Return the verdict on a claim that one quantity decides."""
    return "holds" if holds else "does not hold"


def _within(low: Any, high: Any, least: float, most: float) -> Count:
    """Count intervals that lie inside a range, and those that lie outside; one that reaches across its ends is open."""
    low, high = np.atleast_1d(low), np.atleast_1d(high)
    return Count(int(((low >= least) & (high <= most)).sum()), int(((low > most) | (high < least)).sum()), len(low))


def _one(count: Count) -> str:
    """Return the verdict on a claim that one curve decides, or leaves open."""
    return "holds" if count.agree else "does not hold" if count.disagree else "not decided"


def depth_is_described(table: pd.DataFrame) -> Claim:
    """Judge the noise law on every curve of ``findings.law_table``."""
    moves = table[table["range_bits"] >= FLAT]
    rejected = moves["status"] == "misfit"
    good = moves["r_squared_means"] >= DESCRIBED
    misses = missed(table)
    return Claim(
        "Information falls with depth by the noise law", P1,
        "the points do not reject the law (beyond the scatter of seeds, by another exponent, by a mean above I_max) "
        f"and R² of the seed means is {DESCRIBED:g} or more (falling by {FLAT:g} bit or more)",
        f"the points reject it in {rejected.sum()} of {len(moves)} curves; R² is so high in {good.sum()}, median "
        f"{table['r_squared_means'].median():.3f}; beyond the scatter of seeds (p < {RARE:g}) it misses {len(misses)}, "
        f"by {misses['worst'].abs().median():.2f} bits at the worst depth (median)",
        verdict(Count(int((good & ~rejected).sum()), int((~good | rejected).sum()), len(table))), "analyses/shape",
    )  # fmt: skip


def learned(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of models that learn from cells: a random projection knows no more from more of them."""
    return table[table["representation"] != "random_projection"]


def cells_are_described(table: pd.DataFrame) -> Claim:
    """Judge the cell-number law on every curve of ``findings.law_table``."""
    learning = learned(table)
    moves = learning[learning["range_bits"] >= FLAT]
    fits, over = moves["r_squared_means"] >= DESCRIBED, moves["over_line"]
    found = Count(int((fits & (over > PREFERRED)).sum()), int((~fits | (over < 0)).sum()), len(learning))
    fixed = learning[learning["status"] == "ok"]
    return Claim(
        "Information grows with cells by a power law that saturates", f"{P1}; {P2}: R² 0.913 ± 0.008",
        f"R² of the seed means is {DESCRIBED:g} or more (rising by {FLAT:g} bit or more), and a straight line in "
        f"log N, which never saturates, has an AIC higher by {PREFERRED:g} or more (lower: fails; between: open)",
        f"R² so high in {fits.sum()} of {len(moves)} curves ({', '.join(sorted(set(learning['representation'])))}), "
        f"median {learning['r_squared_means'].median():.3f}; the line's AIC is so much higher in "
        f"{(over > PREFERRED).sum()}, lower in {(over < 0).sum()}; "
        f"all three parameters are fixed in {len(fixed)} of {len(learning)}",
        verdict(found), "analyses/findings",
    )  # fmt: skip


def cell_type_is_saturated(of_cells: pd.DataFrame, of_depth: pd.DataFrame) -> list[Claim]:
    """Judge what ten times the cells and the depth would add to labels (``findings.gains``, one row a curve)."""
    out = []
    for table, most, what, law in (
        (of_cells, CELL_TYPE_FROM_CELLS, "ten times the cells", "table 1"),
        (of_depth, CELL_TYPE_FROM_DEPTH, "ten times the depth", "table 2"),
    ):
        found = count(table["gain_low"], table["gain_high"], below=most)
        most_of, unit = ("number of cells", "cells") if "cells" in what else ("depth", "UMIs per cell")
        out.append(
            Claim(
                f"Cell type is saturated: {what} would add {most:g} bits at most", f"{P1}, {law}",
                f"the interval of the gain by the fitted law is below {most:g} bits, from our largest {most_of} on",
                f"below in {found.agree}, above in {found.disagree} of {found.all} curves, "
                f"from {table['at'].min():,.0f} to {table['at'].max():,.0f} {unit}; "
                f"median gain {table['gain'].median():.2f} bits",
                verdict(found), "analyses/findings",
            )
        )  # fmt: skip
    return out


def models_against_pca(pairs: pd.DataFrame) -> list[Claim]:
    """Judge models by paired differences from PCA in bits at the data's own depth (``model_free.paired_differences``).

    Transformers are not judged: at the budgets of the reference results they know no more than before their first step.
    """

    def of(model: str) -> tuple[pd.DataFrame, str]:
        rows = pairs[pairs["representation"] == model].reindex(columns=["difference", "low", "high"])
        return rows, f"median difference {rows['difference'].median():+.2f} bits over {len(rows)} data sets and signals"

    random, of_random = of("random_projection")
    scvi, of_scvi = of("scvi")
    _, of_transformer = of("txformer")
    less = count(random["low"], random["high"], below=0.0)
    enough = Count(int((scvi["low"] > -ALIKE).sum()), int((scvi["high"] < 0).sum()), len(scvi))
    interval = "on the same cells, seeds and depth, the 95 % interval of the difference from PCA"
    page = "analyses/model_comparison"
    return [
        Claim("A random projection carries less information than PCA", f"{P1}, table 3: smaller I_max",
              f"{interval} is below 0", f"below in {less.agree}, above in {less.disagree}; {of_random}",
              verdict(less), page),
        Claim("scVI carries as much information as PCA or more", f"{P1}, table 3: I_max as large or larger",
              f"{interval} is above −{ALIKE:g} bits (below 0: fails)",
              f"above in {enough.agree}, below 0 in {enough.disagree}; {of_scvi}", verdict(enough), page),
        Claim("A transformer has a lower capacity than PCA and is more robust", f"{P1}; {P2}: ū 2.5 to 12.8 times less",
              "judged only once its networks are trained: at 80 steps they know no more than before the first",
              of_transformer, "not decided", page),
    ]  # fmt: skip


def image_exponents(best: dict[str, tuple[Any, Any]]) -> list[Claim]:
    """Judge which power of each noise the signal-to-noise ratio of images is; ``best`` is kind → (axis, fit)."""
    return [
        Claim(
            f"{kind.capitalize()} of images: the signal-to-noise ratio goes as its power −{power}", P2,
            "of the powers −1 and −2 it fits with the smaller error",
            f"{axis}, R² {fit.r_squared:.3f}, {fit.n_points} points",
            _word(axis.power == power), "modalities/images",
        )
        for kind, power in (("gaussian", 2), ("pixelation", 1)) if kind in best for axis, fit in [best[kind]]
    ]  # fmt: skip


def image_resolution(tolerances: pd.DataFrame) -> Claim:
    """Judge the resolution at which half a bit is lost; rows of ``tolerance.tolerance`` for pixelation."""
    rows = tolerances[tolerances["lost"] == "0.5 bit"].dropna(subset=["pixels"]).head(1)
    found = _within(rows["pixels_low"], rows["pixels_high"], _PIXELS / _PIXELS_FOLD, _PIXELS * _PIXELS_FOLD)
    told = [f"{r.pixels:.1f} [{r.pixels_low:.1f}, {r.pixels_high:.1f}] pixels along a side" for r in rows.itertuples()]
    return Claim(
        f"Five classes of photographs need {_PIXELS} × {_PIXELS} pixels for half a bit less than all", P2,
        f"the interval of our resolution lies within {_PIXELS_FOLD}-fold of {_PIXELS} (outside: fails; across: open)",
        told[0] if told else "no curve has half a bit to lose",
        _one(found), "modalities/images",
    )  # fmt: skip


def watch_is_most_sensitive(points: pd.DataFrame) -> Claim:
    """Judge which class of Caltech101 noise hits first (``tolerance.image_points``; one class against the rest).

    By shares lost at the same levels and seeds, since two seeds leave the level at which 10 % is lost too uncertain;
    the criterion was chosen with the points known.
    """
    classes = points[points["curve"].str.contains(" or not")]
    found, at = Count(0, 0, 0), "no class was measured"
    if (classes["signal"] == _WATCH).any():
        table, levels = sensitivity(classes, _WATCH), measured_tolerance(classes, 0.1)
        found = count(table["low"], table["high"], above=0.0)
        clauses = [
            f"{kind}: a tenth is lost at {one['level']:.1f} [{one['level_low']:.1f}, {one['level_high']:.1f}], "
            f"of the others from {rest.min():.1f} to {rest.max():.1f}"
            for kind, of in levels.groupby("noise_kind")
            for one in of[of["signal"] == _WATCH].to_dict("records")
            for rest in [of[of["signal"] != _WATCH]["level"]]
        ]
        at = f"larger in {found.agree}, smaller in {found.disagree} of {found.all} comparisons; {'; '.join(clauses)}"
    return Claim(
        "Of five classes of photographs, watches are the most sensitive to noise", P2,
        "in both kinds of noise the share of its bits that the class loses, mean over the levels, is larger than that "
        "of every other class (95 % interval of the difference, same levels and seeds)",
        at, verdict(found), "modalities/images",
    )  # fmt: skip


def protein_tolerance(tolerances: pd.DataFrame) -> Claim:
    """Judge how many misread residues a sequence model bears; rows of ``tolerance.tolerance`` for substitutions."""
    lost = str(Loss(bits=0.1))
    rows = tolerances[tolerances["curve"].str.startswith(SEQUENCE_ROLES["both"]) & (tolerances["lost"] == lost)]
    rows = rows.dropna(subset=["level"]).head(1)
    found = _within(rows["level_low"], rows["level_high"], _MISREAD / _MISREAD_FOLD, _MISREAD * _MISREAD_FOLD)
    told = [
        f"1 in {1 / r.level:,.0f} [{1 / r.level_high:,.0f}, {1 / r.level_low:,.0f}] "
        f"({r.curve}, a small model trained here)" for r in rows.itertuples()
    ]  # fmt: skip
    return Claim(
        "Protein models are stable to about one substitution in 1,000", P2,
        f"the interval of the share of wrong residues that costs {lost} lies within {_MISREAD_FOLD}-fold of "
        "1 in 1,000 (outside: fails; across: open)",
        told[0] if told else "no curve has so much to lose",
        _one(found), "modalities/proteins",
    )  # fmt: skip


def floors(published: pd.DataFrame, measured: pd.DataFrame) -> list[Claim]:
    """Judge whether a floor of the loss, hence an entropy, is identified (``losses.floor_table`` of each)."""

    rows = []
    for name, table in (("published runs", published), ("our runs on spleen", measured)):
        told = floor_verdict(table, "mse")
        c = table.iloc[0]
        rows.append(Claim(
            f"The loss has a floor that measures an entropy ({name})", P3,
            "the floor's intervals are bounded, below every size, and overlap with and without the smallest size",
            f"c = {c['c']:.3f} [{c['c_low']:.3f}, {c['c_high']:.3f}]: {told}",
            _word(told.startswith("identified")), "modalities/masked_reconstruction",
        ))  # fmt: skip
    return rows


def loss_is_not_information(probed: pd.DataFrame) -> Claim:
    """Judge whether a lower loss means more information about the cell type, over trained runs.

    An interval that holds both 0 and a close relation, as that of few runs does, decides nothing.
    """
    rank = spearmanr(-probed["test_loss"], probed["mi_bits"]).statistic
    low, high = np.tanh(np.arctanh(rank) + np.array([-1.96, 1.96]) / np.sqrt(len(probed) - 3))
    return Claim(
        "The loss of masked prediction does not tell how informative a representation is", P1,
        f"the 95 % interval of the rank correlation of lower loss with more bits is below {CLOSE:g}",
        f"{rank:.2f} [{low:.2f}, {high:.2f}] over {len(probed)} trained runs",
        place(low, high, CLOSE, ("holds", "not decided", "does not hold")), "modalities/masked_reconstruction",
    )  # fmt: skip


def cells_add_by_depth(grids: pd.DataFrame) -> Claim:
    """Judge whether more cells add more bits the deeper they are (``findings.interactions``)."""
    found = count(grids["low"], grids["high"], above=0.0)
    return Claim(
        "More cells add more the deeper they are sequenced", f"{P2}, section 5.5 and figure 4",
        "what the most cells add over the fewest, at the most depth less at the least, has an interval above 0",
        f"above in {found.agree}, below in {found.disagree} of {found.all} grids "
        f"(from {grids['difference'].min():.2f} to {grids['difference'].max():.2f} bits); any interaction beyond the "
        f"scatter of seeds (p < {RARE:g}) in {(grids['p_value'] < RARE).sum()}"
        if len(grids) else "no whole grid",
        verdict(found), "analyses/findings",
    )  # fmt: skip


def depth_gains_more(table: pd.DataFrame) -> Claim:
    """Judge whether the last tenfold of depth gains more than that of cells (``findings.depth_against_cells``)."""
    found = count(table["difference_low"], table["difference_high"], above=0.0)
    steps = [f"{step:g}" for step in sorted(set(table["step"]))] if len(table) else []
    return Claim(
        "Deeper sequencing gains more than more training cells", f"{P1}: tables 1 and 2",
        "what the last tenfold of depth gains (all training cells) less what the last tenfold of cells does (at the "
        "deepest) has an interval above 0; signals not computed from the counts",
        f"above in {found.agree}, below in {found.disagree} of {found.all} curves; medians "
        f"{table['depth'].median():.2f} and {table['cells'].median():.2f} bits; step {' or '.join(steps)}"
        if len(table) else "no whole grid",
        verdict(found), "analyses/cell_number",
    )  # fmt: skip
