"""Charts of images and sequences: information along the noise level, and what the model sees there."""

import base64
import io

import altair as alt
import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.charts.style import BITS, GREY, HEIGHT, WIDTH, caption, colour_of, level_line, spread
from helpers.laws import Fit
from helpers.laws.tolerance import NoiseAxis
from helpers.noise import NOISES, OF_IMAGES

_SIDE = 56  # of an image in the gallery


def levels(
    points: pd.DataFrame,
    fits: dict[str, tuple[NoiseAxis, Fit]],
    title: str,
    profile: str,
    by: str = "curve",
    ceiling: float | None = None,
    exact: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Draw measured points and fitted laws along the noise level; noise-free samples stand at the left edge.

    Parameters
    ----------
    points : DataFrame from ``helpers.laws.tolerance.image_points`` or ``seed_means``, of one kind of noise
    fits : dict of curve → (axis, fit). If the curves are not values of ``by``, as when several axes are fitted to the
        same points, the points are grey.
    title, profile : str
    by : column that names the curves of the points
    ceiling : float, optional
        Drawn as a dashed line.
    exact : DataFrame of ``level`` and ``bits``, optional
        The information that the samples themselves have, drawn in grey and dashed.
    """
    noise = NOISES[str(points["noise_kind"].iloc[0])]
    shown = spread(points, "noise_level", by)
    positive = shown.loc[shown["noise_level"] > noise.clean, "noise_level"]
    # Level 0 has no place on a logarithmic axis: half a step left of the others.
    edge = float(positive.min()) / 2.5
    shown["at"] = shown["noise_level"].where(shown["noise_level"] > 0, edge)
    grid = np.geomspace(noise.clean or positive.min() / 1.5, positive.max(), 120)
    names = [str(name) for name in fits]
    own = set(shown[by]) <= set(names)
    ends = [shown["at"].min() / 1.3, shown["at"].max() * 1.3]
    axis_x = alt.X("at:Q").scale(type="log", domain=ends, nice=False).title(noise.axis)
    colour = colour_of(by, names)
    pick = alt.selection_point(fields=[by], bind="legend")
    faded = alt.condition(pick, alt.value(1), alt.value(0.12))
    looks = {"color": colour, "opacity": faded} if own else {"color": alt.value(GREY)}
    law, base = alt.Chart(_along(fits, grid, by)), alt.Chart(shown)
    tips = [
        f"{by}:N",
        alt.Tooltip("noise_level:Q", format=".4~g", title=noise.axis),
        *(alt.Tooltip(f"{c}:Q", format=".3f") for c in ("bits", "low", "high", "null_bits")),
        "seeds:Q",
    ]
    layers = [
        law.mark_area(opacity=0.15, clip=True)
        .encode(axis_x, alt.Y("low:Q").title(BITS), alt.Y2("high:Q"), colour,
                opacity=alt.condition(pick, alt.value(0.15), alt.value(0.02)))
        .add_params(pick),
        law.mark_line(strokeWidth=2.5, clip=True).encode(axis_x, alt.Y("bits:Q"), colour, opacity=faded),
        base.mark_rule(strokeWidth=1.5).encode(axis_x, alt.Y("low:Q"), alt.Y2("high:Q"), **looks),
        base.mark_circle(size=60).encode(axis_x, alt.Y("bits:Q"), tooltip=tips, **looks),
    ]  # fmt: skip
    if exact is not None:
        layers.append(
            alt.Chart(exact.assign(at=exact["level"])).mark_line(color=GREY, strokeDash=[6, 3], strokeWidth=2)
            .encode(axis_x, alt.Y("bits:Q"))
        )  # fmt: skip
    if ceiling is not None:
        layers += level_line(ceiling, f"ceiling {ceiling:.2f} bits")
    noise_free = " Leftmost points: noise-free." if (shown["noise_level"] == noise.clean).any() else ""
    dashed = " Dashed grey: the information in the sequences themselves." if exact is not None else ""
    subtitle = caption(points, profile) + "." + noise_free + dashed
    told = "; ".join(f"{n}: I_max {f.params['i_max']:.2f} bits, R² {f.r_squared:.2f}" for n, (_, f) in fits.items())
    return alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT, title=alt.Title(title, subtitle=subtitle),
        description=f"{title}. {subtitle} Fitted laws: {told}.",
    )  # fmt: skip


def _along(fits: dict[str, tuple[NoiseAxis, Fit]], grid: np.ndarray, by: str) -> pd.DataFrame:
    """Return the fitted laws and their bands along the noise level."""
    parts = []
    for name, (axis, fit) in fits.items():
        low, high = fit.band(axis.snr(grid))
        # An unbounded band is not drawn; the status in the table says so.
        low, high = (np.where(np.isfinite(edge), edge, np.nan).clip(-1, fit.y.max() + 3) for edge in (low, high))
        bits = fit.predict(axis.snr(grid))
        parts.append(pd.DataFrame({by: str(name), "at": grid, "bits": bits, "low": low, "high": high}))
    return pd.concat(parts)


def gallery(
    images: np.ndarray, labels: list[str], kind: str, noise_levels: list[float], seed: int = 0
) -> alt.LayerChart:
    """Draw images at each noise level, so that a reader sees what the model sees.

    Parameters
    ----------
    images : ndarray of float32 in [-1, 1], shape (images, channels, height, width)
        A few, one a class.
    labels : list of str
        Their classes, each once.
    kind : of noise in images, such as "gaussian" or "pixelation"
    noise_levels : list of float
    seed : int
    """
    noise = OF_IMAGES[choose(kind, OF_IMAGES, "kind of noise")]
    rows = []
    for level in sorted({noise.clean, *noise_levels}):
        noisy = noise.apply(images, level, seed)
        rows += [{"class": label, "level": f"{level:g}", "order": level, "image": _data_url(image)}
                 for label, image in zip(labels, noisy, strict=True)]  # fmt: skip
    order = sorted({(row["order"], row["level"]) for row in rows})
    names = [name for _, name in order]
    told = f"{len(labels)} images at {len(names)} levels of {kind} noise"
    chart = alt.Chart(pd.DataFrame(rows)).mark_image(width=_SIDE, height=_SIDE).encode(
        alt.X("level:O").sort(names).title(noise.axis).axis(labelAngle=0),
        alt.Y("class:N").title(None), url="image:N", tooltip=["class:N", "level:N"],
    )  # fmt: skip
    return alt.layer(chart).properties(
        width=max(WIDTH, (_SIDE + 4) * len(names)), height=(_SIDE + 6) * len(labels),
        title=alt.Title("What the model sees", subtitle=f"{told}; the leftmost is noise-free; clipped for display"),
        description=f"{told}, noise-free at the left.",
    )  # fmt: skip


def _data_url(image: np.ndarray) -> str:
    """Return a picture that a chart can hold, at least as large as it is shown."""
    from PIL import Image

    pixels = np.clip((image + 1) * 127.5, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    side = 2 * _SIDE
    # Enlarged without smoothing, so that pixels show; photographs are made smaller, to keep pages light.
    how = Image.Resampling.NEAREST if picture.width < side else Image.Resampling.BOX
    buffer = io.BytesIO()
    picture.resize((side, side), how).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
