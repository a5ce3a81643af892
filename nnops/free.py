"""The memory that is free."""

from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that this process may still take, by the machine and by its control group."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        most, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):
        # There is no such group, or it has no limit.
        return free
    return min(free, most - used)
