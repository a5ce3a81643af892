"""The data sets that come with scikit-learn: small, real, and there without a network."""

from pathlib import Path
from typing import Any, Literal, Self

from nnops.data.reader import Images, Reader, Table


class Sklearn(Reader):
    """One of scikit-learn's bundled sets; digits are images of 8 x 8 pixels with 17 grey levels, the others tables."""

    set: Literal["breast_cancer", "diabetes", "digits", "iris", "wine"] = "digits"

    @classmethod
    def examples(cls) -> list[Self]:
        """Images, classes, numbers."""
        return [cls(set="digits"), cls(set="iris"), cls(set="diabetes")]

    def read(self, root: Path, target: str) -> Table | Images:
        """See :class:`Reader`; class labels are the names of the classes."""
        if self.set == "digits":
            return self._read_digits(root, target)
        import numpy as np
        import pandas as pd
        from sklearn import datasets

        bunch: Any = getattr(datasets, f"load_{self.set}")()
        where = f"scikit-learn's {self.set}"
        if self.set == "diabetes":
            labels = pd.Series(bunch.target, name=target)
        else:
            labels = pd.Series(np.asarray(bunch.target_names).astype(str)[bunch.target], name=target)
        frame = pd.DataFrame(bunch.data, columns=list(bunch.feature_names))
        return Table(frame.assign(**{target: labels}), where)

    def _read_digits(self, root: Path, target: str) -> Images:
        """What ``load_digits`` gives, without scikit-learn, whose import takes fifty times as long as the file.

        Kept as the raw levels 0 .. 16, so nothing is lost; the fitted mean and deviation take care of the scale.
        """
        import numpy as np
        import pandas as pd

        (path,) = self.files(root)
        rows = np.loadtxt(path, np.uint8, delimiter=",")
        columns = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
        pixels = rows[:, :-1].reshape(-1, 1, 8, 8)
        return Images(pixels, pd.Series(rows[:, -1].astype(str), name=target), "scikit-learn's digits", columns=columns)

    def files(self, root: Path) -> list[Path]:
        """See :class:`Reader`; the bundled set's own file, so that another release of it is another fingerprint."""
        from importlib.util import find_spec

        del root
        spec = find_spec("sklearn")
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent / "datasets" / "data"
        return sorted(path for path in folder.iterdir() if path.name.startswith(self.set))
