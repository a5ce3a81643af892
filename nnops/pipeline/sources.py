"""Whether DVC knows the user's own files that a stage reads, or it would not run it again when they change."""

from pathlib import Path

from nnops.errors import InputError


def check_listed(files: dict[str, Path], root: Path, stage: str) -> None:
    """Hold files against a stage's ``deps`` in dvc.yaml; without a dvc.yaml nobody decides what is run again.

    Raises:
        InputError: Some file is not there; the message says what to add.
    """
    from ruamel.yaml import YAML

    path = root / "dvc.yaml"
    if not files or not path.exists():
        return
    record = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    listed = [(root / str(dep)).resolve() for dep in record["stages"][stage].get("deps", [])]
    for file in files.values():
        place = file.resolve()
        if place.is_relative_to(root.resolve()) and not any(place.is_relative_to(dep) for dep in listed):
            name = place.relative_to(root.resolve()).as_posix()
            raise InputError(
                f"dvc.yaml: the stage {stage} must depend on '{name}', which its result is made from, or 'dvc repro'"
                " would not see it change; add it to the stage's deps."
            )
