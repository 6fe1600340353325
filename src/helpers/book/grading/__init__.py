"""Marks for a class: the notebooks of a folder are run apart from the answers, and judged by what they answered."""
