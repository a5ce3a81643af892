"""What NSGA-II and NSGA-III share: a trial is born with its generation, and the first of one with its parents."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.samplers._ga import BaseGASampler

GENERATION = "nsga:generation"
PARENTS = "nsga:parents"


def stateless(kind: "type[BaseGASampler]") -> Any:
    """A genetic sampler of Optuna that writes nothing: what it must find again is noted at the trial it proposes.

    Optuna writes generations and parents to the storage while it samples; a driver that is killed in between would
    leave notes on a trial that was never born.
    """
    from optuna.trial import TrialState

    class Genetic(kind):
        def get_trial_generation(self, study: Any, trial: Any) -> int:
            size = self.population_size
            assert size is not None
            counts: dict[int, int] = {}
            for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                generation = other.system_attrs.get(GENERATION)
                if generation is not None:
                    counts[generation] = counts.get(generation, 0) + 1
            last = max(counts, default=0)
            trial.system_attrs[GENERATION] = last + (counts.get(last, 0) >= size)
            self._newborn = trial
            return trial.system_attrs[GENERATION]

        def get_population(self, study: Any, generation: int) -> list[Any]:
            found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            return [trial for trial in found if trial.system_attrs.get(GENERATION) == generation]

        def get_parent_population(self, study: Any, generation: int) -> list[Any]:
            if generation == 0:
                return []
            trials = study.get_trials(deepcopy=False)
            for trial in trials:
                if trial.system_attrs.get(GENERATION) == generation and PARENTS in trial.system_attrs:
                    numbers = set(trial.system_attrs[PARENTS])
                    return [parent for parent in trials if parent.number in numbers]
            parents = self.select_parent(study, generation)
            if generation == self._newborn.system_attrs[GENERATION]:
                self._newborn.system_attrs[PARENTS] = [parent.number for parent in parents]
            return parents

    return Genetic
