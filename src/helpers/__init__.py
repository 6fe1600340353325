"""Measure how noise and the number of cells limit what representation models learn."""

from importlib.metadata import version

__version__ = version("noise-scaling")
