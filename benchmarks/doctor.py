"""The doctor's proof: planted faults that it must name, sound set-ups that it must not accuse.

``python -m benchmarks doctor [PART OF A NAME ...]`` prints a table in Markdown and ends with 1 where one goes wrong.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.doctor_setups import FAULTS, LATER_FAULTS, LATER_SOUND, SOUND, Setup
from nnops.doctor.examine import Examined
from nnops.doctor.finding import Finding
from nnops.errors import InputError
from nnops.judge import judge
from nnops.params import overlay, parse_set


def chosen(setups: tuple[Setup, ...], words: list[str]) -> list[Setup]:
    """Those whose name holds one of the words, or all."""
    return [setup for setup in setups if not words or any(word in setup.name for word in words)]


def taken(seen: Examined, finding: Finding, folder: Path) -> bool:
    """Whether a finding has sets, and ``nnops params check`` takes them."""
    try:
        judge(overlay(seen.case.given, dict(parse_set(text) for text in finding.sets)), folder)
    except InputError as error:
        print(f"{finding.check}: {finding.command}: {error}", file=sys.stderr)
        return False
    return bool(finding.sets)


def main() -> None:
    """Examine each set-up in a folder of its own."""
    words = sys.argv[1:]
    wrong = 0
    for title, every in (
        ("planted fault", FAULTS),
        ("later planted fault", LATER_FAULTS),
        ("sound set-up", SOUND),
        ("later sound set-up", LATER_SOUND),
    ):
        setups = chosen(every, words)
        right = 0
        print(f"\n| {title} | must be named by | found, the worst first | s |\n|---|---|---|---:|", flush=True)
        for setup in setups:
            with tempfile.TemporaryDirectory() as folder:
                start_s = time.process_time()
                seen = setup.examine(Path(folder))
                seconds = time.process_time() - start_s
                refused = [one.check for one in seen.findings if not taken(seen, one, Path(folder))]
            good = setup.judge(seen)
            right += good and not refused
            said = ", ".join(f"{one.check} ({one.severity})" for one in seen.findings) or "nothing"
            mark = ("" if good else " **WRONG**") + (f" **SETS REFUSED of {', '.join(refused)}**" if refused else "")
            print(f"| {setup.name} | {setup.right or 'none'} | {said}{mark} | {seconds:.1f} |", flush=True)
            for one in seen.findings if words else ():
                print(f"    {one.severity} {one.check}: {one.sentence} {dict(one.evidence)} {one.command}")
        print(f"\n{right} of {len(setups)} {title}s {'named rightly' if 'fault' in title else 'not accused'}.")
        wrong += len(setups) - right
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
