"""A crowd kept sorted is judged by as the same curves in a list are, whoever judges."""

from hypothesis import given, settings
from hypothesis import strategies as st

from nnops.sweep.pruners import PRUNERS
from nnops.sweep.pruners.base import Curve
from nnops.sweep.pruners.crowd import Crowd, Settled

EPOCHS = 9
#: Values on a coarse grid, so that many are equal; a curve is complete, or not, at any length.
CURVES = st.lists(
    st.tuples(st.lists(st.integers(0, 4).map(float), min_size=1, max_size=EPOCHS), st.booleans()), max_size=30
)


def curve(number: int, values: list[float], complete: bool = False) -> Curve:
    return Curve(number, dict(enumerate(values, 1)), complete=complete)


@settings(max_examples=60, deadline=None)
@given(CURVES, st.integers(0, 30), st.integers(0, 3), st.lists(st.integers(0, 4).map(float), min_size=1, max_size=8))
def test_a_crowd_is_judged_by_as_a_list_is(
    found: list[tuple[list[float], bool]], ended: int, later: int, values: list[float]
) -> None:
    curves = [curve(number, *each) for number, each in enumerate(found)]
    mine = curve(len(curves), values)
    settled = Settled()
    for place in range(0, len(curves) + 1, 5):
        for each in curves[max(place - 5, 0) : min(place, ended)]:
            settled.add(each)
        less = settled.curves[len(settled.curves) - min(later, len(settled.curves)) :]
        crowd = Crowd(settled, curves[min(place, ended) : place], less)
        listed = list(crowd)
        assert len(crowd) == len(listed) == len({each.number for each in listed})
        assert not {each.number for each in less} & {each.number for each in listed}
        for name in PRUNERS.names():
            for pruner in PRUNERS.load(name).examples():
                answers = [pruner.prunes(mine, others, EPOCHS, 3) for others in (crowd, listed)]
                assert answers[0] == answers[1], name
