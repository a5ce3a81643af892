"""How a process of the command line ends."""

import subprocess
import sys

PROGRAM = """
import atexit, gc, sys
# Called last, since it is registered first.
atexit.register(lambda: print(gc.get_freeze_count() > 0))
from nnops.__main__ import main
sys.argv = ["nnops", "--version"]
main()
"""


def test_nothing_is_searched_for_rings_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
