"""The interface of an augmentation, and the chain of those that params name.

All numbers are drawn from one generator on the CPU, so a batch has the same draws on every device.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from torch import Generator, Tensor

from nnops.batch import Spec
from nnops.catalog import Component
from nnops.data.augmentations import AUGMENTATIONS
from nnops.data.prepared import Prepared
from nnops.data.sound import Sound
from nnops.data.tokenizer import Tokenizer
from nnops.errors import ParamsError
from nnops.files import read_json
from nnops.params import Named

#: Inputs and target of some rows.
Rows = tuple[tuple[Tensor, ...], Tensor]


@dataclass(frozen=True)
class About:
    """What an augmentation is told of the data.

    Attributes:
        spec: The contract between data and model.
        mean: Of each channel of an image, in units of 255; empty for other data.
        std: Of each channel, likewise: a model's input is (pixel / 255 - mean) / std.
        sound: What spectrograms were made by; None where images are no spectrograms.
        tokenizer: Of a text.
    """

    spec: Spec
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    sound: Sound | None = None
    tokenizer: Tokenizer | None = None


class Augmentation(Component):
    """One change of a batch; its fields are its options."""

    inputs: ClassVar[tuple[str, ...]] = ("image",)
    """The inputs that it can change; data with any other one are refused."""
    tasks: ClassVar[tuple[str, ...]] = ()
    """The tasks that it fits; empty: all."""
    of_sound: ClassVar[bool] = False
    """Whether it changes spectrograms of sounds, and no other images."""

    def check(self, spec: Spec) -> str:
        """What is wrong with the options for data of this spec, as ``<option> must ...``; empty where nothing is."""
        return ""

    def sources(self) -> dict[str, Path]:
        """Files of the project that are read, by name."""
        return {}

    def fitted(self, about: About) -> Self:
        """The same, ready for these data.

        Raises:
            DataError: A file that it reads is not what it must be.
        """
        return self

    @abstractmethod
    def apply(self, inputs: tuple[Tensor, ...], target_B: Tensor, about: About, generator: Generator) -> Rows:
        """Change a batch.

        Args:
            inputs: A tensor for each input of the spec; never changed in place.
            target_B: The target, or soft targets ``[B, C]`` where classes have been mixed before.
            about: What is known of the data.
            generator: The stream that all draws come from, on the CPU.

        Returns:
            Inputs and target of as many rows; classes that are mixed become float32 shares ``[B, C]``.
        """


@dataclass(frozen=True)
class Augment:
    """Augmentations one after the other."""

    chain: tuple[Augmentation, ...]
    about: About

    def __call__(self, inputs: tuple[Tensor, ...], target_B: Tensor, generator: Generator) -> Rows:
        """A batch, changed by each of them."""
        for one in self.chain:
            inputs, target_B = one.apply(inputs, target_B, self.about, generator)
        return inputs, target_B


def build_augment(named: Sequence[Named], data: Prepared, where: str = "train.augment") -> Augment | None:
    """Build the chain that params name, or None where they name none.

    Raises:
        ParamsError: An augmentation does not fit the data.
        NameUnknownError: There is no such augmentation.
    """
    spec = data.spec
    chain: list[Augmentation] = []
    for place, one in enumerate(named):
        at = f"{where}.{place}"
        augmentation = AUGMENTATIONS.build(one.name, one.options, at)
        wrong = [name for name in spec.inputs if name not in augmentation.inputs]
        if wrong:
            raise ParamsError(
                f"params.yaml: {at}.name: '{one.name}' needs {' or '.join(augmentation.inputs)} as input, "
                f"but the data have {' and '.join(spec.inputs)}; leave it out."
            )
        if augmentation.of_sound and "sound" not in data.schema:
            raise ParamsError(
                f"params.yaml: {at}.name: '{one.name}' needs sounds, but the data have images that are no"
                " spectrograms; leave it out."
            )
        if augmentation.tasks and spec.task not in augmentation.tasks:
            raise ParamsError(
                f"params.yaml: {at}.name: '{one.name}' does not fit the task {spec.task}, but "
                f"{', '.join(augmentation.tasks)}; leave it out."
            )
        fault = augmentation.check(spec)
        if fault:
            raise ParamsError(f"params.yaml: {at}.options.{fault}")
        chain.append(augmentation)
    if not chain:
        return None
    mean, std = (tuple(data.schema.get(key, ())) for key in ("image_mean", "image_std"))
    sound = Sound.from_json(data.schema["sound"]) if "sound" in data.schema else None
    fitted = read_json(data.folder / "preprocess.json")["text"] if "text" in spec.inputs else None
    about = About(spec, mean, std, sound, None if fitted is None else Tokenizer.from_json(fitted))
    return Augment(tuple(one.fitted(about) for one in chain), about)
