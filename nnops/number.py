"""Numbers for people: one rule for tables, lists and figures."""

import math

#: Numbers of this size and more, and those nearer to zero than this, are written with an exponent.
LARGE, SMALL = 1e12, 1e-4


def short(value: float | None, digits: int = 5) -> str:
    """A number in few characters, an ordinary one without an exponent; what lies before the point is never cut.

    Args:
        value: Any float; one that is not finite is named, None is "-".
        digits: How many of them count.

    >>> short(0.98765432), short(49039.4), short(2424390123.5), short(1234.5, 2), short(64.0), short(1e-5)
    ('0.98765', '49,039', '2,424,390,124', '1,234', '64', '1e-05')
    """
    if value is None:
        return "-"
    size = abs(value)
    if not math.isfinite(value) or size >= LARGE or 0 < size < SMALL:
        return f"{value:.{digits}g}"
    return f"{value:,.0f}" if size >= 10**digits - 0.5 else f"{value:,.{digits}g}"
