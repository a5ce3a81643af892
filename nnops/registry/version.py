"""A version of a model in the registry, and the ways to name one: ``digits@champion``, ``digits/3``, ``digits``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nnops.errors import InputError

CHAMPION = "champion"
CHALLENGER = "challenger"

#: Tags of a version.
BUNDLE = "nnops.bundle"
VARIANT = "nnops.variant"
UID = "nnops.uid"
GATE = "nnops.gate"
VERDICT = "nnops.verdict"
ROLLED_BACK = "nnops.rolled_back"
#: Tag of a registered model: numbers of its champions, the present one last.
CHAMPIONS = "nnops.champions"

_REFERENCE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(@(?P<alias>[\w.-]+)|/(?P<number>\d+))?")


@dataclass(frozen=True)
class Reference:
    """How a user names a version: by alias or by number.

    Attributes:
        name: The registered model.
        alias: ``champion`` where neither is written.
        number: The version, or None.
    """

    name: str
    alias: str = CHAMPION
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Parse ``NAME@ALIAS``, ``NAME/NUMBER`` or ``NAME``, which means its champion.

        Raises:
            InputError: It is none of them.

        >>> Reference.parse("digits/3").number
        3
        """
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise InputError(f"a model is named like digits@champion, digits/3 or digits, got '{text}'.")
        number = int(found["number"]) if found["number"] else None
        return cls(found["name"], found["alias"] or CHAMPION, number)


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: The model.
        number: From 1.
        aliases: Sorted.
        tags: All of them.
        run_id: The MLflow run of the pipeline result; empty where it had not arrived.
        created_ms: In milliseconds since 1970.
    """

    name: str
    number: int
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    run_id: str = ""
    created_ms: int = 0

    @property
    def reference(self) -> str:
        """``NAME/NUMBER``."""
        return f"{self.name}/{self.number}"

    @property
    def passed(self) -> bool:
        """Whether the gate let it through."""
        return self.tags.get(GATE) == "passed"

    @property
    def rolled_back(self) -> bool:
        """Whether it was champion and was taken back."""
        return ROLLED_BACK in self.tags

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "number": self.number,
            "aliases": list(self.aliases),
            "passed": self.passed,
            "rolled_back": self.rolled_back,
            "variant": self.tags.get(VARIANT, ""),
            "bundle": self.tags.get(BUNDLE, ""),
            "uid": self.tags.get(UID, ""),
            "run_id": self.run_id,
            "created_ms": self.created_ms,
        }


@dataclass(frozen=True)
class Model:
    """A registered model.

    Attributes:
        name: Its name.
        aliases: Alias to number.
        versions: The newest first.
        champions: Numbers of its champions, the present one last.
    """

    name: str
    aliases: Mapping[str, int]
    versions: tuple[Version, ...]
    champions: tuple[int, ...]

    def find(self, reference: Reference) -> Version:
        """The version that a reference means.

        Raises:
            InputError: No such alias or number; the message names what there is.
        """
        number = reference.number
        if number is None:
            number = self.aliases.get(reference.alias)
        for version in self.versions:
            if version.number == number:
                return version
        wanted = f"version {reference.number}" if reference.number is not None else f"alias '{reference.alias}'"
        raise InputError(f"model '{self.name}' has no {wanted}; there is {self._contents()}.")

    def _contents(self) -> str:
        if not self.versions:
            return "no version yet, 'dvc repro' makes one"
        aliases = [f"{self.name}@{alias} (version {number})" for alias, number in sorted(self.aliases.items())]
        numbers = ", ".join(str(version.number) for version in sorted(self.versions, key=lambda v: v.number)[-5:])
        several = "versions" if len(self.versions) > 1 else "version"
        return ", ".join([*aliases, f"{several} {numbers}"])
