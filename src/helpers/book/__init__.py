"""The book and the command line: notebooks are run, measured in batch and built into pages."""
