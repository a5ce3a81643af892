"""Patience: a call that may hang is waited for so long and no longer."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """What ``call`` returns.

    Args:
        seconds: How long it is waited for; a call that still hangs then is left to itself.
        call: Called in a thread of its own.

    Raises:
        TimeoutError: It took longer.
        BaseException: What it raised.

    >>> within(1.0, lambda: 7)
    7
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="within", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]
