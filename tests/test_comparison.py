"""What a comparison refuses, one clear error each."""

import pytest

from oligomdt.reconstructkm import Comparison, FollowUp, Landmark, StatedArm, from_statistics

TWO = {"control": StatedArm(20), "experimental": StatedArm(20)}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: StatedArm(0), "n is 0; an arm has at least one patient"),
        (lambda: StatedArm(20, events=21), "events is 21, but n is 20"),
        (lambda: StatedArm(20, events=19, withdrawals=2), "with 2 withdrawn"),
        (lambda: StatedArm(20, events_at_least=21), "events_at_least is 21"),
        (lambda: StatedArm(20, median="4.0", level=95), "level is 95; give a proportion"),
        (lambda: StatedArm(20, median_ci=("9", "3")), "wrong order"),
        (lambda: StatedArm(20, median="4", median_ci=("5", "9")), "does not contain"),
        (lambda: Landmark(12, "43"), "survival is 43; give a proportion"),
        (lambda: Landmark(-1, "0.5"), "time must be a positive number"),
        (lambda: Landmark(12, "0.4", ("0.5", "0.3")), "wrong order"),
        (lambda: FollowUp(10, 5), "must be finite, not negative and rise"),
        (lambda: FollowUp(0, 30, median="40"), "must be finite, not negative and rise"),
        (lambda: Comparison({"control": StatedArm(5)}, horizon=9), "give control and exp"),
        (lambda: from_statistics(Comparison(TWO)), "neither horizon nor followup is given"),
        (lambda: Comparison(TWO, horizon=9, hr="-1"), "above 0"),
        (lambda: Comparison(TWO, horizon=9, hr="2", hr_ci=("0.1", "0.9")), "not contain"),
        (lambda: Comparison(TWO, horizon=9, hr_level=90), "hr_ci: level is 90"),
        (lambda: Comparison(TWO, horizon=9, p="1.2"), "p is 1.2; give a probability"),
        (lambda: Comparison(TWO, horizon=9, test="t"), "test 't' is not one of"),
        (lambda: Comparison(TWO, horizon=9, transform="plain"), "transform 'plain' is not"),
    ],
)
def test_a_contradiction_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_parts_must_split_the_whole():
    part = Comparison({"control": StatedArm(5), "experimental": StatedArm(20)}, horizon=9)
    with pytest.raises(ValueError, match="the parts have 5 control patients, the whole has 20"):
        Comparison(TWO, horizon=9, parts=[part])
