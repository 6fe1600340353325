"""Charts along levels of noise: information along the noise level, and what the model sees there."""

import base64
import io

import altair as alt
import numpy as np
import pandas as pd

from helpers._utils.validation import choose
from helpers.charts import parts
from helpers.charts.style import GREY, WIDTH
from helpers.laws import Fit
from helpers.laws.tolerance import NoiseAxis
from helpers.noise import NOISES, OF_IMAGES

_SIDE = 56  # of an image in the gallery


def levels(
    points: pd.DataFrame,
    fits: dict[str, tuple[NoiseAxis, Fit]],
    title: str,
    profile: str,
    ceiling: float | None = None,
    exact: pd.DataFrame | None = None,
) -> alt.LayerChart:
    """Draw measured points and fitted laws along the noise level; noise-free samples stand at the edge.

    Parameters
    ----------
    points : DataFrame from ``helpers.laws.tolerance.image_points`` or ``seed_means``, of one kind of noise fits : dict
    of curve → (axis, fit). If the curves are not values of ``curve``, as when several axes are fitted to the
        same points, the points are grey.
    ceiling : drawn as a dashed line
    exact : DataFrame of ``level`` and ``bits``, optional
        The information that the samples themselves have, drawn in grey and dashed.
    """
    noise = NOISES[str(points["noise_kind"].iloc[0])]
    means = parts.spread(points, "noise_level", "curve")
    noisy = means.loc[means["noise_level"] != noise.clean, "noise_level"]
    # Level 0 has no place on a logarithmic axis: half a step left of the others.
    means["at"] = means["noise_level"].where(means["noise_level"] > 0, float(noisy.min()) / 2.5)
    ends = [means["at"].min() / 1.3, means["at"].max() * 1.3]
    across, up = parts.log_axis("at", noise.axis, domain=ends, nice=False), alt.Y("bits:Q")
    names = [str(name) for name in fits]
    colour, pick = parts.colour_of("curve", names), parts.legend_pick("curve")
    named_as_points = set(means["curve"]) <= set(names)
    look = {"color": colour, "opacity": parts.faded(pick)} if named_as_points else {"color": alt.value(GREY)}
    level = alt.Tooltip("noise_level:Q", format=".4~g", title=noise.axis)
    tooltip = ["curve:N", level, *parts.tips(".3f", "bits", "low", "high", "null_bits"), "seeds:Q"]
    clean = noise.clean or noisy.min() / 1.5
    grid = np.geomspace(min(clean, noisy.min()), max(clean, noisy.max()), 120)
    layers = [
        *parts.law_with_band(_along(fits, grid), across, up, colour, pick),
        *parts.with_interval(alt.Chart(means), across, up, bar=1.5, size=60, tooltip=tooltip, **look),
    ]
    subtitle = f"{parts.caption(points, profile)}."
    if (means["noise_level"] == noise.clean).any():
        subtitle += f" {'Leftmost' if noise.clean < noisy.min() else 'Rightmost'} points: noise-free."
    if any(fit.status == "misfit" for _, fit in fits.values()):
        subtitle += " Dotted: the points reject the law."
    if exact is not None:
        line = alt.Chart(exact.assign(at=exact["level"])).mark_line(color=GREY, strokeDash=[6, 3], strokeWidth=2)
        layers.append(line.encode(across, up))
        subtitle += " Dashed grey: the information in the sequences themselves."
    if ceiling is not None:
        layers += parts.level_line(ceiling, f"ceiling {ceiling:.2f} bits")
    laws = "; ".join(
        f"{n}: rejected" if f.status == "misfit" else f"{n}: I_max {f.params['i_max']:.2f} bits, R² {f.r_squared:.2f}"
        for n, (_, f) in fits.items()
    )
    return parts.layered(layers, title, subtitle, description=f"{title}. {subtitle} Fitted laws: {laws}.")


def _along(fits: dict[str, tuple[NoiseAxis, Fit]], grid: np.ndarray) -> pd.DataFrame:
    """Return the fitted laws and their bands along the noise level."""
    frames = []
    for name, (axis, fit) in fits.items():
        low, high = fit.band(axis.snr(grid))
        # An unbounded band is not drawn; the status in the table says so.
        low, high = (np.where(np.isfinite(edge), edge, np.nan).clip(-1, fit.y.max() + 3) for edge in (low, high))
        bits, rejected = fit.predict(axis.snr(grid)), fit.status == "misfit"
        if rejected:  # its band says nothing
            low = high = bits
        curve = {"curve": str(name), "at": grid, "bits": bits, "low": low, "high": high, "rejected": rejected}
        frames.append(pd.DataFrame(curve))
    return pd.concat(frames)


def gallery(images: np.ndarray, labels: list[str], kind: str, noise_levels: list[float]) -> alt.LayerChart:
    """Draw images at each noise level, so that a reader sees what the model sees.

    Parameters
    ----------
    images : ndarray of float32 in [-1, 1], shape (images, channels, height, width)
        A few, one a class.
    labels : their classes, each once
    kind : of noise in images, such as "gaussian" or "pixelation"
    """
    noise = OF_IMAGES[choose(kind, OF_IMAGES, "kind of noise")]
    levels = sorted({noise.clean, *noise_levels})
    rows = [
        {"class": label, "level": f"{level:g}", "order": level, "image": _data_url(image)}
        for level in levels
        for label, image in zip(labels, noise.apply(images, level, 0), strict=True)
    ]
    names = [f"{level:g}" for level in levels]
    across = alt.X("level:O").sort(names).title(noise.axis).axis(labelAngle=0)
    pictures = alt.Chart(pd.DataFrame(rows)).mark_image(width=_SIDE, height=_SIDE)
    chart = pictures.encode(across, alt.Y("class:N").title(None), url="image:N", tooltip=["class:N", "level:N"])
    content = f"{len(labels)} images at {len(names)} levels of {kind} noise"
    subtitle = f"{content}; the leftmost is noise-free; clipped for display"
    words, width = f"{content}, noise-free at the left.", max(WIDTH, (_SIDE + 4) * len(names))
    height = (_SIDE + 6) * len(labels)
    return parts.layered([chart], "What the model sees", subtitle, description=words, width=width, height=height)


def _data_url(image: np.ndarray) -> str:
    """Return a picture that a chart can hold, at least as large as it is shown."""
    from PIL import Image

    pixels = np.clip((image + 1) * 127.5, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    side = 2 * _SIDE
    # Enlarged without smoothing, so that pixels show; photographs are made smaller, to keep pages light.
    filter_ = Image.Resampling.NEAREST if picture.width < side else Image.Resampling.BOX
    buffer = io.BytesIO()
    picture.resize((side, side), filter_).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
