"""What all tests share: hypothesis draws the same examples in every run, so that a red run can be repeated."""

from hypothesis import settings

settings.register_profile("repeat", derandomize=True, deadline=None)
settings.load_profile("repeat")
