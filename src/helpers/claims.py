"""Published claims, each with the criterion by which this project's own points judge it."""

from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from helpers.findings import FLAT, RARE, Count, count, missed, verdict
from helpers.laws import ratio_table
from helpers.laws.compare import SETTINGS
from helpers.losses import floor_verdict
from helpers.words import place

P1 = "Gowri 2025, first version"
P2 = "Gowri 2025, extended"
P3 = "Kendiukhov 2026"
# A curve "is described" by a law that explains this share of the variance of its seed means.
DESCRIBED = 0.9
# Gains that the first paper printed for cell type: the most of any model (tables 1 and 2), in bits.
CELL_TYPE_FROM_CELLS, CELL_TYPE_FROM_DEPTH = 0.07, 0.13
# A rank correlation from which on the one quantity tells the other.
CLOSE = 0.5
# Pixels along a side at which half a bit is lost (five classes of Caltech101).
_PIXELS = 31


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


def _described(table: pd.DataFrame) -> Count:
    moves = table[table["range_bits"] >= FLAT]
    good = int((moves["r_squared_means"] >= DESCRIBED).sum())
    return Count(good, len(moves) - good, len(table))


def depth_is_described(table: pd.DataFrame) -> Claim:
    """Judge the noise law on every curve of ``findings.law_table``."""
    found = _described(table)
    misses = missed(table)
    return Claim(
        "Information falls with depth by the noise law", P1,
        f"R² of the seed means is {DESCRIBED:g} or more (falling by {FLAT:g} bit or more)",
        f"{found.agree} of {found.agree + found.disagree} curves, median R² {table['r_squared_means'].median():.3f}; "
        f"beyond the scatter of seeds (p < {RARE:g}) the law misses {len(misses)}, "
        f"by {misses['worst'].abs().median():.2f} bits at the worst depth (median)",
        verdict(found), "analyses/findings",
    )  # fmt: skip


def cells_are_described(table: pd.DataFrame) -> Claim:
    """Judge the cell-number law on every curve of ``findings.law_table``; random projections learn nothing."""
    learning = table[table["representation"] != "random_projection"]
    found = _described(learning)
    fixed = learning[learning["status"] == "ok"]
    return Claim(
        "Information grows with cells by a power law that saturates", f"{P1}; {P2}: R² 0.913 ± 0.008",
        f"R² of the seed means is {DESCRIBED:g} or more (rising by {FLAT:g} bit or more)",
        f"{found.agree} of {found.agree + found.disagree} curves, "
        f"median R² {learning['r_squared_means'].median():.3f}; "
        f"all three parameters are fixed in {len(fixed)} of {len(learning)}",
        verdict(found), "analyses/cell_number",
    )  # fmt: skip


def exponents_agree(table: pd.DataFrame, published: pd.Series) -> Claim:
    """Judge the exponents s of the cell-number law against the middle nine tenths of the refitted published ones."""
    low, high = published.quantile([0.05, 0.95])
    fixed = table[(table["representation"] != "random_projection") & (table["status"] == "ok")]
    inside = (fixed["s_low"] <= high) & (fixed["s_high"] >= low)
    found = Count(int(inside.sum()), int((~inside).sum()), len(table))
    told = f"s from {fixed['s'].min():.2f} to {fixed['s'].max():.2f}" if len(fixed) else "no exponent is fixed"
    return Claim(
        "The exponents of cell number", f"{P2}: s from {low:.2f} to {high:.2f} where our refit fixes it (9 in 10)",
        "its interval reaches into that range",
        f"{found.agree} of {found.agree + found.disagree} curves that fix it; {told}",
        verdict(found), "analyses/cell_number",
    )  # fmt: skip


def cell_type_is_saturated(of_cells: pd.DataFrame, of_depth: pd.DataFrame) -> list[Claim]:
    """Judge what ten times the cells and the depth would add to labels (``findings.gains``, one row a curve)."""
    out = []
    for table, most, what, law in (
        (of_cells, CELL_TYPE_FROM_CELLS, "ten times the cells", "table 1"),
        (of_depth, CELL_TYPE_FROM_DEPTH, "ten times the depth", "table 2"),
    ):
        found = count(table["gain_low"], table["gain_high"], below=most)
        out.append(
            Claim(
                f"Cell type is saturated: {what} would add {most:g} bits at most", f"{P1}, {law}",
                f"the interval of the gain by the fitted law is below {most:g} bits",
                f"below in {found.agree}, above in {found.disagree} of {found.all} curves; "
                f"median gain {table['gain'].median():.2f} bits",
                verdict(found), "analyses/findings",
            )
        )  # fmt: skip
    return out


def models_against_pca(table: pd.DataFrame) -> list[Claim]:
    """Judge random projections, scVI and the transformer against PCA on the same data, by I_max and ū.

    Parameters
    ----------
    table : DataFrame from ``findings.law_table`` of noise laws
    """
    ratios = ratio_table(table.rename(columns={"representation": "model"}), ["dataset", "signal"])

    def claim(model: str, what: str, told: str, source: str, bound: float = 1.0) -> Claim:
        rows = ratios[ratios["model"] == model]
        middle = rows[f"{what} ÷ pca's"].median()
        found = count(rows[f"{what}: low"], rows[f"{what}: high"], below=bound)
        return Claim(
            told, source, f"the interval of the ratio to PCA's is below {bound:g}",
            f"{found.agree} of {found.agree + found.disagree} that decide, of {found.all}; "
            f"median ratio {middle:.2f}",
            verdict(found), "analyses/model_comparison",
        )  # fmt: skip

    return [
        claim("random_projection", "I_max", "A random projection has a smaller I_max than PCA", f"{P1}, table 3"),
        claim("random_projection", "ū", "… and needs fewer molecules (smaller ū)", f"{P1}, table 5"),
        claim("scvi", "I_max", "scVI has a smaller I_max than PCA", f"the contrary: {P1}, table 3"),
        claim("txformer", "I_max", "A transformer has a lower capacity than PCA (smaller I_max)", f"{P1}, table 3"),
        claim("txformer", "ū", "… and is more robust (smaller ū)", P1),
        claim("txformer", "ū", "… PCA's ū being 2.5-fold or more", f"{P2}: 2.5 to 12.8 times Geneformer's", 1 / 2.5),
    ]


def noise_is_of_training(shares: pd.DataFrame) -> Claim:
    """Judge whose noise makes the fall, by ``points.share_of_fall`` of train × probe matrices."""
    train = shares[shares["role"].str.startswith("training")]
    half = train["± (95 %)"]
    found = count(train["share of the fall"] - half, train["share of the fall"] + half, above=0.5)
    return Claim(
        "The fall is one of learning: it comes from noise in the training cells",
        f"so {P1} is read; {P2} names it an open question",
        "noise in the training cells alone makes half of the fall or more",
        f"{train['share of the fall'].min():.0%} to {train['share of the fall'].max():.0%} of the fall in "
        f"{found.all} matrices of data and model",
        verdict(found), "analyses/train_vs_probe_noise",
    )  # fmt: skip


def image_exponents(best: dict[str, tuple[Any, Any]]) -> list[Claim]:
    """Judge which power of each noise the signal-to-noise ratio of images is; ``best`` is kind → (axis, fit)."""
    return [
        Claim(
            f"{kind.capitalize()} of images: the signal-to-noise ratio goes as its power −{power}", P2,
            "of the powers −1 and −2 it fits with the smaller error",
            f"{axis}, R² {fit.r_squared:.3f}, {fit.n_points} points",
            _word(axis.power == power), "modalities/images",
        )
        for kind, power in (("gaussian", 2), ("pixelation", 1)) for axis, fit in [best[kind]]
    ]  # fmt: skip


def image_resolution(tolerances: pd.DataFrame) -> Claim:
    """Judge the resolution at which half a bit is lost; rows of ``tolerance.tolerance`` for pixelation."""
    row = tolerances[tolerances["lost"] == "0.5 bit"].dropna(subset=["pixels"]).iloc[0]
    inside = row["pixels_low"] <= _PIXELS <= row["pixels_high"]
    return Claim(
        "Five classes of photographs need 31 × 31 pixels for half a bit less than all", P2,
        "the interval of our resolution holds 31",
        f"{row['pixels']:.1f} [{row['pixels_low']:.1f}, {row['pixels_high']:.1f}] pixels along a side",
        _word(inside), "modalities/images",
    )  # fmt: skip


def protein_tolerance(tolerances: pd.DataFrame) -> Claim:
    """Judge how many misread residues a sequence model bears; rows of ``tolerance.tolerance`` for substitutions."""
    rows = tolerances.dropna(subset=["level"])
    inside = (rows["level_low"] <= 1e-3 * 3) & (rows["level_high"] >= 1e-3 / 3)
    row = rows.iloc[0]
    return Claim(
        "Protein models are stable to about one substitution in 1,000", P2,
        f"the share of wrong residues that costs {row['lost']} has an interval within threefold of 1 in 1,000",
        f"1 in {1 / row['level']:,.0f} [{1 / row['level_high']:,.0f}, {1 / row['level_low']:,.0f}] "
        f"({row['curve']}, a small model trained here)",
        _word(inside.iloc[0]), "modalities/proteins",
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


def axes_are_separate(ranked: pd.DataFrame) -> Claim:
    """Judge whether cells and depth add, by errors on held-out settings (``laws.compare.ranking`` of our grids)."""
    column = next(c for c in ranked if c.startswith(SETTINGS) and c.endswith("(% of range)"))
    joint, additive = ranked.loc["JointLaw", column], ranked.loc["additive", column]
    return Claim(
        "Cells and depth act separately: each law holds whatever the other", f"{P1}, by fitting them one at a time",
        "the additive law predicts held-out settings no worse than a law in which they interact",
        f"additive {additive:.1f} %, interacting {joint:.1f} % of a grid's range",
        _word(additive <= joint), "analyses/joint_law",
    )  # fmt: skip
