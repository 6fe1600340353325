"""Measure how noise and the number of cells limit what representation models learn."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.findings.scan import scan

__all__ = ["__version__", "scan"]


def _warn_of_another() -> None:
    """Warn if the distribution of another project has put its files into this folder."""
    for other in Path(__file__).parents[1].glob("helpers-*.dist-info"):
        name = other.name.removesuffix(".dist-info").replace("-", " ")
        warnings.warn(
            f"another package, {name}, is installed here and shares this folder: uninstall it "
            "(pip uninstall helpers) and install noise-scaling again, or keep them in environments of their own.",
            stacklevel=2,
        )


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("noise-scaling")
    if name == "scan":
        from helpers.findings.scan import scan

        return scan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_warn_of_another()
