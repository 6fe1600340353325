"""Names whose modules are imported when they are first used, so that a start does not wait for all of them."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lazy(Mapping[str, T], Generic[T]):
    """A mapping from each name to what its module has under that name, or under another one after a colon.

    >>> lazy = Lazy({"sqrt": "math", "root": "math:sqrt"})
    >>> list(lazy), lazy["root"](9.0)
    (['sqrt', 'root'], 3.0)
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.modules = dict(modules)
        self._given: dict[str, T] = {}

    def give(self, name: str, value: T) -> None:
        """Add a name with its value, for as long as this process runs."""
        self._given[name] = value

    def __getitem__(self, name: str) -> T:
        """Import the module of a name and return what it has under it."""
        if name in self._given:
            return self._given[name]
        module, _, attribute = self.modules[name].partition(":")
        return getattr(import_module(module), attribute or name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        yield from self.modules
        yield from self._given

    def __len__(self) -> int:
        """Count the names."""
        return len(self.modules) + len(self._given)


class Package:
    """A package that is imported when something of it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Import the package and return its attribute."""
        return getattr(import_module(self._name), attribute)


def attributes(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names are in these modules.

    >>> attributes("numbers_of_mine", {"sqrt": "math"})("sqrt")(9.0)
    3.0
    """

    def get(name: str) -> Any:
        if name in modules:
            return getattr(import_module(modules[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
