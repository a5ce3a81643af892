"""A wheel of a library that is installed, under another version."""

import re
import zipfile
from importlib.metadata import distribution
from pathlib import Path


def repack(name: str, version: str, folder: Path) -> Path:
    """Write a wheel that pip can install; a pure one by its name, whatever is inside."""
    found = distribution(name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    meta = f"{name}-{version}.dist-info"
    text = re.sub(r"(?m)^Version: .*$", f"Version: {version}", found.read_text("METADATA") or "", count=1)
    with zipfile.ZipFile(path, "w") as wheel:
        for file in found.files or ():
            if file.parts[0] == name and "__pycache__" not in file.parts:
                wheel.write(str(file.locate()), str(file))
        wheel.writestr(f"{meta}/METADATA", text)
        wheel.writestr(
            f"{meta}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{meta}/RECORD", "")
    return path
