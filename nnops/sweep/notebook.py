"""A study in Python and in notebooks: its trials as a data frame, its figures, its best config.

import nnops

study = nnops.study("digits")
study.table()                 # pandas, a row for each trial
study.best.config             # what 'nnops sweep apply' writes
study.figure("history")       # shown by a notebook
study.explain(7).why          # why trial 7 was stopped
"""

from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from nnops.catalog import unknown
from nnops.errors import InputError
from nnops.number import short
from nnops.sweep.explain import Explained, explain_trial
from nnops.sweep.figures import FIGURES, build_figure
from nnops.sweep.figures.axis import label
from nnops.sweep.figures.seen import Seen
from nnops.sweep.rows import columns_of, row_of
from nnops.sweep.study import Study, TrialRecord

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class StudyView:
    """What a study knows at the moment it is read; :meth:`refresh` reads it again.

    Args:
        study: The study.

    Attributes:
        study: The study itself.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._seen = Seen(study, study.trials(), study.repeats())

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def state(self) -> str:
        """``running``, ``complete`` or ``stopped``."""
        return self.study.state

    @property
    def best(self) -> TrialRecord:
        """The best trial: its ``number``, ``value``, ``config``, ``reports``, ``weights_sha256`` ...

        Raises:
            InputError: No trial is complete yet.
        """
        if self._seen.best is None:
            raise InputError(f"study '{self.name}' has no complete trial yet.")
        return self._seen.best

    @property
    def front(self) -> list[TrialRecord]:
        """The trials that no other beats in every objective."""
        return self.study.front(self._seen.trials)

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """As :meth:`table`."""
        return self.table()

    @property
    def figures(self) -> list[str]:
        """The names of figures; which have something to show depends on the trials."""
        return list(FIGURES)

    def table(self, *, repeats: bool = False) -> "pd.DataFrame":
        """A row for each trial, by number: state, objectives, epochs, seconds, the tuned keys, and the rest.

        Args:
            repeats: Also the repeats of trials under other seeds; ``repeats`` names the trial that a row repeats.
        """
        import pandas as pd

        seen = self._seen
        rows = [row_of(self.study, trial) for trial in [*seen.trials, *(seen.repeats if repeats else ())]]
        frame = pd.DataFrame(rows, columns=columns_of(self.study)).set_index("trial").sort_index()
        for name in ("began", "ended"):
            frame[name] = pd.to_datetime(frame[name].astype(float), unit="s", utc=True)
        return frame

    def curves(self) -> "pd.DataFrame":
        """What every trial reported: a row for each epoch, a column for each trial."""
        import pandas as pd

        reports = {trial.number: trial.reports for trial in self._seen.trials}
        return pd.DataFrame(reports).sort_index().rename_axis(index="epoch", columns="trial")

    def importance(self) -> "pd.Series":
        """How much each key decided which trials were among the best; empty where too few have ended."""
        import pandas as pd

        return pd.Series(self._seen.weights, name="importance", dtype=float)

    def figure(self, name: str) -> "Figure":
        """One of :attr:`figures`.

        Raises:
            InputError: There is no such figure, or too few trials have ended to draw it.
        """
        if name not in FIGURES:
            raise InputError(f"{unknown('figure', name, list(FIGURES))}")
        figure = build_figure(name, self._seen)
        if figure is None:
            raise InputError(f"study '{self.name}' has nothing to show as '{name}' yet.")
        return figure

    def explain(self, number: int) -> Explained:
        """Why a trial ended as it did: ``why``, ``judgements`` and more.

        Raises:
            InputError: There is no such trial.
        """
        return explain_trial(self.study, number)

    def page(self, path: str | Path) -> Path:
        """Write all of it as one HTML page that needs no network."""
        from nnops.sweep.page.build import write_page

        write_page(self._seen, Path(path), self.state)
        return Path(path)

    def refresh(self) -> "StudyView":
        """The study as it is now."""
        return StudyView(self.study)

    def __repr__(self) -> str:
        best = self._seen.best
        found = f", best {short(best.value, 6)} by trial {best.number}" if best else ""
        return f"<study {self.name}: {self.state}, {len(self._seen.trials)} trials{found}>"

    def _repr_html_(self) -> str:
        best = self._seen.best
        goal = " and ".join(f"{each.direction} {each.metric}" for each in self.study.objectives)
        lines = [f"<b>{escape(self.name)}</b>, {self.state}: {escape(goal)}, {len(self._seen.trials)} trials"]
        if best is not None:
            config = ", ".join(f"{key}: {label(value)}" for key, value in best.now.items())
            lines.append(f"best <b>{short(best.value, 6)}</b> by trial {best.number} ({escape(config)})")
        return "<br>".join(lines)


def open_study(name: str, root: str | Path = ".", storage: str | None = None) -> StudyView:
    """Open a study to look at; nothing is changed.

    Args:
        name: The study.
        root: The project's folder.
        storage: Where a study of another machine is, as ``sweep.storage``.

    Raises:
        InputError: There is no such study; the message holds the nearest name.
    """
    return StudyView(Study.open(Path(root), name, storage))
