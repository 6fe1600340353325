"""The package ``helpers`` under a name of its own: ``noise_scaling.laws`` is ``helpers.laws``, the same module.

Nothing is imported before it is used. If another package or file called ``helpers`` comes first on the path, the first
use stops and says which.

>>> import noise_scaling
>>> from noise_scaling.laws import NoiseLaw
>>> import helpers.laws
>>> NoiseLaw is helpers.laws.NoiseLaw
True
"""

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

_SOURCE = Path(__file__).resolve().parents[1] / "helpers"


@cache
def check_helpers() -> None:
    """Raise unless ``helpers`` is the package beside this one."""
    found = sys.modules.get("helpers")
    spec = found.__spec__ if found is not None else find_spec("helpers")
    place = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    if place is None or place.parent != _SOURCE:
        raise ImportError(
            f"'helpers' is {place or 'nowhere on the path'}, not the package that noise-scaling installed in "
            f"{_SOURCE}: rename or leave the folder of that file, or uninstall the other package "
            "(pip uninstall helpers), then install noise-scaling again."
        )


class _Alias(MetaPathFinder, Loader):
    """Finds ``noise_scaling.x`` as the module ``helpers.x``, and hands out that very module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        own, _, inner = fullname.partition(".")
        if own != __name__ or not inner or inner == "__main__":
            return None
        check_helpers()
        if find_spec(f"helpers.{inner}") is None:
            return None
        return spec_from_loader(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"helpers.{spec.name.partition('.')[2]}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Importing it under this name has replaced the specification of the module itself.
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _Alias())  # first: the path finder would load a second copy


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_helpers()
    package = import_module("helpers")
    if hasattr(package, name):
        return getattr(package, name)
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    rooms = {entry.stem for entry in _SOURCE.iterdir() if (entry / "__init__.py").exists() and entry.stem[0] != "_"}
    return sorted({*globals(), *dir(import_module("helpers")), *rooms})
