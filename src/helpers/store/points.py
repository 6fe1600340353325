"""From measured rows to the points of curves: seed means, axes, names, shares."""

from typing import Any

import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.noise import OF_CELLS, CountNoise
from helpers.store.rows import Store

# What distinguishes the curves of a table; ``settings`` holds all options that are not columns.
CURVE = ["dataset", "signal", "representation", "dim", "settings"]


def seed_means(table: pd.DataFrame) -> pd.DataFrame:
    """Average the folds of each seed, leaving one row a seed: the points that laws are fitted to.

    Failed rows are left out; ``n_folds`` says how many folds each mean has. Columns that are not settings are averaged
    (``mi_stderr_bits`` as the error of that mean). If the table lacks a column, the error names it.
    """
    keys = [*CURVE, "noise_kind", "n_train", "noise_level", "probe_noise_level", "seed"]
    averaged = ["umis_per_cell", "snr", "mi_bits", "mi_stderr_bits", "mi_null_bits", "mi_ceiling_bits"]
    _check_columns(table, [*keys, "status", "fold", *averaged])
    good = table[table["status"] == "ok"].copy()
    good["mi_stderr_bits"] = good["mi_stderr_bits"].astype(float) ** 2
    return good.groupby(keys, as_index=False).agg(
        umis_per_cell=("umis_per_cell", "mean"),
        snr=("snr", "mean"),
        mi_bits=("mi_bits", "mean"),
        mi_stderr_bits=("mi_stderr_bits", lambda v: float(np.sqrt(v.sum()) / len(v))),
        mi_null_bits=("mi_null_bits", "mean"),
        mi_ceiling_bits=("mi_ceiling_bits", "first"),
        n_folds=("fold", "nunique"),
    )


def _check_columns(table: pd.DataFrame, wanted: list[str]) -> None:
    for column in wanted:
        if column not in table:
            has = f"it has {', '.join(map(str, table))}" if len(table) else "no point was measured"
            raise ValueError(f"the table has no column {column!r}: {has}. Run `noise-scaling sweep` first.")


def noise_axis(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points of noise curves: all training cells, probe and training cells at equal depth."""
    most = points.groupby(CURVE)["n_train"].transform("max")
    return points[(points["n_train"] == most) & (points["noise_level"] == points["probe_noise_level"])]


ROLES = OF_CELLS["thinning"].roles


def _noise_of(points: pd.DataFrame) -> CountNoise:
    """Return the noise in points of one kind; released tables do not name theirs, which is thinning."""
    kind = str(points["noise_kind"].iloc[0]) if "noise_kind" in points and len(points) else "thinning"
    return OF_CELLS[choose(kind, OF_CELLS, "noise of cells")]


def noise_roles(points: pd.DataFrame) -> pd.DataFrame:
    """Return three curves of a train × probe matrix: noise in both, in training alone, in the probe alone.

    ``role`` names the curve; ``thinned_umis`` is the mean depth of the noisy cells, in UMIs per cell.
    Points that belong to several curves, such as the one with no noise, are in each.
    """
    noise = _noise_of(points)
    train, probe = points["noise_level"], points["probe_noise_level"]
    from_clean = noise.distance(train), noise.distance(probe)
    cleanest_train, cleanest_probe = (distance == distance.min() for distance in from_clean)
    parts = []
    for role, chosen in (("both", train == probe), ("train", cleanest_probe), ("probe", cleanest_train)):
        rows = points[chosen]
        # Training cells are as deep as probe cells on average, each at its own level.
        factor = noise.kept(rows["noise_level"]) / noise.kept(rows["probe_noise_level"]) if role == "train" else 1.0
        parts.append(rows.assign(role=noise.roles[role], thinned_umis=rows["umis_per_cell"] * factor))
    return pd.concat(parts, ignore_index=True)


_SHARES = [
    *("dataset", "signal", "representation", "role"),
    *("fall with both (bits)", "fall (bits)", "share of the fall", "± (95 %)", "nulls subtracted"),
]


def share_of_fall(roles: pd.DataFrame) -> pd.DataFrame:
    """Return how much of the fall with both sides thinned remains with one side thinned, at the smallest depth.

    One row a dataset, signal, representation and role of ``noise_roles``, with a 95 % interval from the sampling errors
    and the spread of the seeds; the four means are taken as independent, so it is rather too wide. Matrices whose three
    roles do not begin and end at the same levels, as where points are missing, are left out.
    """
    rows = []
    noise = _noise_of(roles)
    names = noise.roles
    for key, group in roles.groupby(["dataset", "signal", "representation"]):
        noisiness = noise.distance(group[["noise_level", "probe_noise_level"]]).max(axis=1)
        of_role = noisiness.groupby(group["role"]).agg(["min", "max"])
        if len(of_role) < len(names) or len(of_role.drop_duplicates()) > 1:
            continue
        falls = {role: _fall(curve, noisiness[curve.index]) for role, curve in group.groupby("role")}
        both, both_error, both_without_null = falls[names["both"]]
        for role in (names["train"], names["probe"]):
            fall, error, without_null = falls[role]
            half = 1.96 * np.hypot(error, both_error * fall / both) / abs(both)
            rows.append((*key, role, both, fall, fall / both, half, without_null / both_without_null))
    return pd.DataFrame(rows, columns=_SHARES)


def _fall(curve: pd.DataFrame, noisiness: pd.Series) -> tuple[float, float, float]:
    """Return the bits between the cleanest and the noisiest point, their error, and them with nulls subtracted."""
    top, bottom = curve[noisiness == noisiness.min()], curve[noisiness == noisiness.max()]
    (high, high_error), (low, low_error) = mean_and_error(top), mean_and_error(bottom)
    without_null = [(points["mi_bits"] - points["mi_null_bits"]).mean() for points in (top, bottom)]
    return high - low, float(np.hypot(high_error, low_error)), without_null[0] - without_null[1]


def cell_axis(points: pd.DataFrame, min_sizes: int = 2) -> pd.DataFrame:
    """Return the points of cell-number curves: depths at which ``min_sizes`` or more sizes were measured.

    Where there is a ``curve`` column, a level that is not clean is added to the name.
    """
    equal = points[points["noise_level"] == points["probe_noise_level"]]
    sizes = equal.groupby([*CURVE, "noise_level"])["n_train"].transform("nunique")
    chosen = equal[sizes >= min_sizes]
    if "curve" not in chosen:
        return chosen
    noise = _noise_of(chosen)
    level = chosen["noise_level"].map(lambda at: "" if at == noise.clean else f", {noise.named(at)}")
    return chosen.assign(curve=chosen["curve"] + level)


def measured(store: Store, **wanted: Any) -> pd.DataFrame:
    """Return the seed means of what a store holds, with a ``curve`` column that names curves.

    ``wanted`` are values that columns must have, such as ``dataset="pbmc68k"``; ``noise_kind`` is "thinning" if not
    given. If nothing fits, the error says how to measure it.
    """
    table = store.table()
    for column, value in {"noise_kind": "thinning", **wanted}.items():
        choose(column, table.columns, "column of measured points")
        table = table[table[column] == value]
    points = seed_means(table) if len(table) else table
    if not len(points):
        settings = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "thinned cells"
        raise ValueError(f"{store.path} has no measured point with {settings}: run `noise-scaling sweep` first.")
    return named(points)


def named(points: pd.DataFrame) -> pd.DataFrame:
    """Add a ``curve`` column to seed means: signal and representation, and whatever else distinguishes curves."""
    _check_columns(points, CURVE)
    names = points["signal"] + ", " + points["representation"]
    if points["dataset"].nunique() > 1:
        names = points["dataset"] + " " + names
    names = names.str.replace("_", " ")
    # Runs with other options are curves of their own, and say so.
    for extra in ("dim", "settings"):
        several = points.groupby(CURVE[:3])[extra].transform("nunique") > 1
        names = names.where(~several, names + f", {extra} " + points[extra].astype(str))
    return points.assign(curve=names)


def above_ceiling(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose information exceeds the ceiling by more than its 95 % interval: none, if all is well."""
    table = pd.concat(tables).query("status == 'ok'")
    excess = table["mi_bits"] - table["mi_ceiling_bits"] - 1.96 * table["mi_stderr_bits"]
    shown = ["dataset", "signal", "representation", "n_train", "noise_level", "seed", "mi_bits", "mi_stderr_bits"]
    return table[excess > 0][[*shown, "mi_ceiling_bits"]].reset_index(drop=True)


def nulls(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return mean, spread and range in bits of the permuted nulls, whose answer is known: 0."""
    table = pd.concat(tables).query("status == 'ok'")
    spread = table.groupby(["signal", "representation"])["mi_null_bits"].agg(["mean", "std", "min", "max", "count"])
    return spread.rename(columns={"std": "standard deviation", "count": "estimates"}).round(3)


def compared(tests: dict[str, pd.DataFrame], controls: dict[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return measured rows beside those of their controls, mean over seeds, and the difference in bits.

    ``tests`` and ``controls`` are rows by the same labels, and ``name`` says what the labels are. One row a label and
    representation; the 95 % interval of the difference has the sampling errors of both sides, which seeds share, and
    the spread of the seeds.
    """
    rows = []
    for label, test in tests.items():
        for model, group in test.groupby("representation"):
            control = controls[label][controls[label]["representation"] == model]
            (bits, error), (other, other_error) = mean_and_error(group), mean_and_error(control)
            rows.append({
                name: label, "representation": model, "UMIs": group["umis_per_cell"].mean(),
                "control's UMIs": control["umis_per_cell"].mean(), "n": int(group["n_probe"].iloc[0]),
                "control's n": int(control["n_probe"].iloc[0]), "measured (bits)": bits, "control (bits)": other,
                "difference (bits)": bits - other, "± (95 %)": 1.96 * float(np.hypot(error, other_error)),
                "seeds": group["seed"].nunique(),
            })  # fmt: skip
    return pd.DataFrame(rows)


def mean_and_error(rows: pd.DataFrame) -> tuple[float, float]:
    """Mean information, and its standard error: sampling, which seeds share, and the spread of the seeds."""
    bits = rows["mi_bits"]
    between = bits.std() / np.sqrt(len(bits)) if len(bits) > 1 else 0.0
    return float(bits.mean()), float(np.hypot(rows["mi_stderr_bits"].mean(), between))
