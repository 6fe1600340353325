"""Published claims, each with the criterion by which this project's own points judge it."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.findings.curves import FLAT
from helpers.findings.samples import share_lost, share_of_entropy
from helpers.findings.shape import PREFERRED
from helpers.findings.verdicts import Claim, Count, count, decided, one, verdict
from helpers.laws import NoiseLaw, kept
from helpers.laws.measured_tolerance import measured_tolerance, sensitivity
from helpers.laws.tolerance import SEQUENCE_ROLES, NoiseAxis
from helpers.representations import FIXED
from helpers.store.model_free import mean_interval

# Gowri 2025, the first version and the extended one; Kendiukhov 2026; what no paper claims.
P1, P2, P3, OWN = "P1", "P2", "P3", "this book's question"
# Gains that the first paper printed for cell type: the most of any model (tables 1 and 2), in bits.
CELL_TYPE_FROM_CELLS, CELL_TYPE_FROM_DEPTH = 0.07, 0.13
# Differences in bits that count as alike.
ALIKE = 0.05
# Pixels along a side at which half a bit is lost (five classes of Caltech101), and how far off still agrees.
_PIXELS, _PIXELS_FOLD = 31, 2
# The class of Caltech101 that the papers find the most sensitive, against the rest.
_WATCH = "watch or not"
# Share of wrong residues at which protein models are said to be stable, and the share of information they may lose.
MISREAD, _STABLE = 1e-3, 0.1
# Share of the entropy of the labels that counts as nearly all.
_NEARLY_ALL = 0.95


def depth_is_described(table: pd.DataFrame) -> Claim:
    """Judge the noise law on every curve of ``findings.law_table``."""
    moves = table[table["range_bits"] >= FLAT]
    rejected, over = moves["status"] == "misfit", moves["over_line"]
    found = Count(
        int((~rejected & (over > PREFERRED)).sum()), int((rejected | (over < -PREFERRED)).sum()), len(table)
    )  # fmt: skip
    return Claim(
        "Information falls with depth by the noise law", P1,
        "for a curve that falls by 0.1 bits or more, the points do not reject the law and a straight line in log depth "
        f"has an AIC higher by {PREFERRED:g} or more; fails if they reject it, or if the line's is lower by as much",
        f"{rejected.sum()} of {len(moves)} curves reject it; of the rest, a straight line in log depth is worse for "
        f"{found.agree} and better for {found.disagree - rejected.sum()}",
        verdict(found), "analyses/shape", "law", decided(found, table["dataset"].nunique()),
        "deeper sequencing: most curves still rise at their deepest point",
    )  # fmt: skip


def learned(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of models that learn from cells: a random projection does not improve with more of them."""
    return table[~table["representation"].isin(FIXED)]


def cells_are_described(table: pd.DataFrame) -> Claim:
    """Judge the cell-number law on every curve of ``findings.law_table``."""
    learning = learned(table)
    moves = learning[learning["range_bits"] >= FLAT]
    over, misfit = moves["over_line"], moves["status"] == "misfit"
    found = Count(int((~misfit & (over > PREFERRED)).sum()), int((misfit | (over < 0)).sum()), len(learning))
    return Claim(
        "Information grows with the number of cells by a power law that saturates", f"{P1}; {P2}: R² 0.913 ± 0.008",
        "for a curve that rises by 0.1 bits or more, a straight line in log N, which never saturates, has an AIC "
        f"higher by {PREFERRED:g} or more; fails if it is lower",
        f"better than a line for {found.agree} curves, worse for {found.disagree}; median R² "
        f"{learning['r_squared_means'].median():.2f}; {(learning['status'] == 'ok').sum()} of {len(learning)} fix all "
        "three parameters",
        verdict(found), "analyses/findings#cells", "law", decided(found, learning["dataset"].nunique()),
        "sets of 10⁵ cells: ours end below 10⁴",
    )  # fmt: skip


def cells_add_by_depth(grids: pd.DataFrame) -> Claim:
    """Judge whether more cells add more bits the deeper they are (``findings.interactions``)."""
    found = count(grids["low"], grids["high"], above=0.0)
    spread = f"from {grids['difference'].min():.2f} to {grids['difference'].max():.2f}" if len(grids) else "none whole"
    return Claim(
        "More cells add more information the deeper they are sequenced", f"{P1}, section 5.5 and figure 4",
        "what the most cells add over the fewest, at the most depth minus at the least, has an interval above 0 "
        "(below: fails)",
        f"difference above 0 in {found.agree} grids, below in {found.disagree} ({spread} bits)",
        verdict(found), "analyses/findings#cells-and-depth-together", "law",
        decided(found, grids["dataset"].nunique(), "grids"), "the other half of each set's cells: 3 core-hours",
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
        verdict(found), "analyses/cell_number", "law", decided(found, table["dataset"].nunique()),
        "sets of 10⁵ cells or more, where cells are few beside what there is to learn",
    )  # fmt: skip


def loss_is_of_the_probe(shares: pd.DataFrame) -> Claim:
    """Judge where most of the loss arises (``points.share_of_fall``), for models that learn."""
    rows = learned(shares[shares["role"].str.startswith("probe")])
    share, half = rows["share of the fall"], rows["± (95 %)"]
    found = count(share - half, share + half, above=0.5)
    return Claim(
        "Most of the loss comes from noise in the cells being asked about, not in the cells learned from", OWN,
        "with only the cells being asked about thinned, more than half of the fall remains, interval included (less: "
        "fails)",
        f"{share.min():.0%} to {share.max():.0%} of the fall remains" if len(rows) else "no matrix was measured",
        verdict(found), "analyses/train_vs_probe_noise", "law", decided(found, rows["dataset"].nunique(), "matrices"),
        "models that need many cells to train, such as transformers",
    )  # fmt: skip


def cell_type_is_saturated(of_cells: pd.DataFrame, of_depth: pd.DataFrame) -> list[Claim]:
    """Judge what ten times the cells and the depth would add to labels.

    Parameters
    ----------
    of_cells, of_depth : DataFrames from ``saturation.saturation``
    """
    most = CELL_TYPE_FROM_CELLS
    below = (of_cells["gain_high"] < most) | (of_cells["last_high"] < most)
    cells = Count(int(below.sum()), int((of_cells["gain_low"] > most).sum()), len(of_cells))
    deep = CELL_TYPE_FROM_DEPTH
    above = (of_depth["gain_low"] > deep) | (of_depth["last_low"] > deep)
    depth = Count(int((~above & (of_depth["gain_high"] < deep)).sum()), int(above.sum()), len(of_depth))
    return [
        Claim(
            f"Cell type is saturated in cells: ten times as many add {most:g} bits at most", f"{P1}, table 1",
            f"the last tenfold of cells added less than {most:g} bits, or the law's next tenfold does, interval "
            "included; fails if the law's next tenfold adds more",
            f"the last tenfold added {of_cells['last'].min():.2f} to {of_cells['last'].max():.2f} bits",
            verdict(cells), "analyses/findings#design", "design", decided(cells, of_cells["dataset"].nunique()),
            "ten numbers of cells and five seeds for each curve: 0.3 core-hours",
        ),
        Claim(
            f"Cell type is saturated in depth: ten times the depth adds {deep:g} bits at most", f"{P1}, table 2",
            f"the law with a free exponent, where the points do not reject it, puts the gain below {deep:g} bits, "
            "interval included; fails if it puts it above, or if the last doubling alone still added more",
            f"the last doubling, up to {of_depth['at'].min():,.0f} to {of_depth['at'].max():,.0f} UMIs per cell, added "
            f"{of_depth['last'].min():.2f} to {of_depth['last'].max():.2f} bits",
            verdict(depth), "analyses/findings#design", "design", decided(depth, of_depth["dataset"].nunique()),
            "label sets as deep as the paper's, 8,100 UMIs per cell",
        ),
    ]  # fmt: skip


def models_against_pca(pairs: pd.DataFrame, training: pd.Series | None = None) -> list[Claim]:
    """Judge models by paired differences from PCA in bits at the data's own depth (``model_free.paired_differences``).

    Parameters
    ----------
    pairs : DataFrame
    training : Series, optional
        What training added to each transformer, in bits (``training.training_gain``): transformers are judged only if
        that is more than nothing.
    """

    def of(model: str) -> pd.DataFrame:
        return pairs[pairs["representation"] == model]

    random, scvi = of("random_projection"), of("scvi")
    less = count(random["low"], random["high"], below=0.0)
    enough = Count(int((scvi["low"] > -ALIKE).sum()), int((scvi["high"] < 0).sum()), len(scvi))
    page = "analyses/model_comparison"
    return [
        Claim(
            "A random projection carries less information than PCA", f"{P1}, table 3",
            "on the same cells, seeds and depth, the interval of its difference from PCA is below 0 (above: fails)",
            f"{_median(random)}; below 0 in {less.agree}, above in {less.disagree}", verdict(less), page, "models",
            decided(less, random["dataset"].nunique()),
            "a signal outside the first 16 principal components",
        ),
        Claim(
            "scVI carries as much information as PCA, or more", f"{P1}, table 3",
            f"on the same cells, seeds and depth, the interval of its difference from PCA is above −{ALIKE:g} bits "
            "(below 0: fails)",
            f"{_median(scvi)}; above −{ALIKE:g} in {enough.agree}, below 0 in {enough.disagree}", verdict(enough), page,
            "models", decided(enough, scvi["dataset"].nunique()),
            "training to convergence, 2,000 steps: 2 to 3 core-hours",
        ),
        _transformer(of("txformer"), pd.Series(dtype=float) if training is None else training),
    ]  # fmt: skip


def _median(rows: pd.DataFrame) -> str:
    return f"median difference {rows['difference'].median():+.2f} bits" if len(rows) else "not measured"


def _transformer(rows: pd.DataFrame, training: pd.Series) -> Claim:
    half = np.sqrt(2) * (rows["high"] - rows["low"]) / 2
    spared = rows["shallow"] - rows["difference"]
    found = Count(
        int(((rows["high"] < 0) & (spared > half)).sum()), int(((rows["low"] > 0) | (spared < -half)).sum()), len(rows)
    )
    gain = mean_interval(training)
    trained = gain.low > 0
    added = f"training added {gain.value:+.2f} bits [{gain.low:+.2f}, {gain.high:+.2f}] over {len(training)} networks"
    return Claim(
        "A transformer has a lower capacity than PCA and tolerates more noise", f"{P1}; {P2}: ū 2.5 to 12.8 times less",
        "judged once training has added information (interval above 0): then its difference from PCA is below 0, and "
        "smaller at a tenth of the depth; fails if it is above 0, or larger at a tenth",
        f"{added if len(training) else 'no untrained control was measured'}; {_median(rows)} from PCA",
        verdict(found) if trained else "not decided", "analyses/findings#models-against-pca", "models",
        decided(found, rows["dataset"].nunique()) if trained else "the network is not trained",
        "the papers' training: 20 to 60 core-hours for 5,000 steps on 4 sets, 4 to 8 for 3,000 steps on 2",
    )  # fmt: skip


def image_exponents(best: dict[str, tuple[Any, Any]]) -> list[Claim]:
    """Judge which power of each noise the signal-to-noise ratio of images is; ``best`` is kind → (axis, fit)."""
    return [_exponent(kind, power, *best[kind]) for kind, power in (("gaussian", 2), ("pixelation", 1)) if kind in best]


def _exponent(kind: str, power: int, axis: NoiseAxis, fit: Any) -> Claim:
    other = NoiseAxis(kind, 3 - axis.power)
    rival = kept.fit(NoiseLaw, other.snr(axis.level(fit.x)), fit.y)
    apart = float(2 * fit.n_points * np.log(max(rival.rmse, 1e-9) / max(fit.rmse, 1e-9)))
    found = Count(int(axis.power == power), int(axis.power != power), 1) if apart > PREFERRED else Count(0, 0, 1)
    noise = {"gaussian": "Gaussian noise in", "pixelation": "Pixelation of"}[kind]
    return Claim(
        f"{noise} photographs: the signal-to-noise ratio goes as the power −{power} of the level", P2,
        f"of the powers −1 and −2, its AIC is lower by {PREFERRED:g} or more (higher by as much: fails)",
        f"{axis}, R² {fit.r_squared:.3f}; the AIC of the other is higher by {apart:.0f}",
        one(found), "modalities/images", "images and proteins", f"{fit.n_points} points of one data set",
        "a second set of photographs",
    )  # fmt: skip


def labels_are_told(noise_free: pd.DataFrame) -> Claim:
    """Judge whether answers about noise-free images tell what there is to tell: the entropy of the labels."""
    share, low, high = share_of_entropy(noise_free)
    found = count(pd.Series([low]), pd.Series([high]), above=_NEARLY_ALL)
    bits, entropy = noise_free["mi_bits"].mean(), noise_free["mi_ceiling_bits"].mean()
    return Claim(
        "Without noise, answers about photographs carry nearly the entropy of the labels", f"{P2}: I_max ≈ H(L)",
        f"the interval of the noise-free information is above {_NEARLY_ALL:.0%} of H(L) (below: fails)",
        f"{bits:.2f} of {entropy:.2f} bits", one(found), "modalities/images", "images and proteins",
        f"{share:.1%} [{low:.1%}, {high:.1%}], {noise_free['seed'].nunique()} seeds",
        "classes that the network confuses",
    )  # fmt: skip


def image_resolution(tolerances: pd.DataFrame) -> Claim:
    """Judge the resolution at which half a bit is lost; rows of ``tolerance.tolerance`` for pixelation."""
    rows = tolerances[tolerances["lost"] == "0.5 bit"].dropna(subset=["pixels"]).head(1)
    low, high = rows["pixels_low"], rows["pixels_high"]
    least, most = _PIXELS / _PIXELS_FOLD, _PIXELS * _PIXELS_FOLD
    found = Count(int(((low >= least) & (high <= most)).sum()), int(((low > most) | (high < least)).sum()), len(rows))
    ends = [f"{r.pixels:.1f} [{r.pixels_low:.1f}, {r.pixels_high:.1f}] pixels along a side" for r in rows.itertuples()]
    return Claim(
        f"Five classes of photographs need {_PIXELS} × {_PIXELS} pixels to stay within half a bit", P2,
        f"the interval of our resolution lies within {_PIXELS_FOLD}-fold of {_PIXELS} (outside: fails; across: open)",
        ends[0] if ends else "no curve has half a bit to lose", one(found), "modalities/images", "images and proteins",
        "one data set",
        "240 × 240 pixels and five epochs, as published: 2 core-hours",
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
        at, verdict(found), "modalities/images", "images and proteins", decided(found, 1, "comparisons"),
        "more than two seeds",
    )  # fmt: skip


def protein_tolerance(ours: pd.DataFrame, released: pd.DataFrame) -> list[Claim]:
    """Judge the stability of protein models by what they lose at one substitution in 1,000, without a law.

    Parameters
    ----------
    ours : DataFrame from ``tolerance.sequence_points``
    released : DataFrame from ``papers.of_modality``
    """
    both = ours[ours["curve"].str.startswith(SEQUENCE_ROLES["both"])]
    criterion = f"at 1 in 1,000 it loses less than {_STABLE:.0%} of its noise-free information (more: fails)"
    rows = []
    for points, by, what, models, change in (
        (both, "seed", "the tiny model trained here", "seeds",
         "pretrained weights: this model learns from 300 sequences only"),
        (released, "curve", "the released ESM-2 models", "sizes", "more than one estimate of each size and rate"),
    ):  # fmt: skip
        lost, low, high = share_lost(points, MISREAD, by)
        found = count(pd.Series([low]), pd.Series([high]), below=_STABLE)
        at = points[np.isclose(points["noise_level"], MISREAD, rtol=0.01)]["mi_bits"].mean()
        clean = points[points["noise_level"] == points["noise_level"].min()]["mi_bits"].mean()
        rows.append(Claim(
            f"Protein models are stable to about one substitution in 1,000: {what}", P2, criterion,
            f"{lost:.0%} lost ({clean:.2f} to {at:.2f} bits)", one(found), "modalities/proteins", "images and proteins",
            f"[{low:.0%}, {high:.0%}], {points[by].nunique()} {models}", change,
        ))  # fmt: skip
    return rows
