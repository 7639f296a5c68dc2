"""Profiles of hypothesis: `fast` for `make test`, `thorough` for `make test-all`.

Examples are the same on every run. A property has more of them in the profile `thorough`.
"""

from hypothesis import HealthCheck, settings

FAST, THOROUGH = 16, 100

settings.register_profile(
    "fast",
    max_examples=FAST,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("fast"), max_examples=THOROUGH)
settings.load_profile("fast")


def examples(num: int, *, fast: int = FAST) -> settings:
    """Settings of a property with `num` examples in the profile `thorough`, else with `fast`."""
    assert num > fast, f"expected more than {fast} examples, got {num}"
    return settings(max_examples=num if settings.default.max_examples == THOROUGH else fast)
