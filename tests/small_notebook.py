"""The head of the small notebooks that tests write, and a folder like a clone for them."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]

HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


def clone_in(folder):
    """Make a folder like a clone of the project, without pages and profiles, and return it."""
    clone = folder / "clone"
    for name in ("notebooks", "config", "book"):
        (clone / name).mkdir(parents=True)
    for name in ("_toc.yml", "_config.yml"):
        shutil.copy(ROOT / name, clone)
    shutil.copytree(ROOT / "workflow", clone / "workflow")
    return clone
