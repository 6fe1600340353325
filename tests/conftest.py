"""Settings shared by all tests."""

from hypothesis import settings

# The same examples in every run, and no time limits on a busy machine.
settings.register_profile("fixed", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("fixed")
