"""Data sets of real cells, one module each."""
