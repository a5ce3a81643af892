"""What the command line does about Python's search for reference cycles, which costs it .6 s with torch."""

import subprocess
import sys

PROGRAM = """
import atexit, gc, sys
# Called last, since it is registered first.
atexit.register(lambda: print(gc.get_freeze_count() > 0))
from nnops.__main__ import main
sys.argv = ["nnops", "--version"]
try:
    main()
finally:
    print(gc.get_threshold()[2])
"""


def test_all_objects_are_looked_through_seldom_and_not_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["100", "True"]
