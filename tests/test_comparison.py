"""What a comparison refuses, one clear error each."""

import pytest

from oligomdt.reconstructkm import Comparison, FollowUp, Landmark, StatedArm, from_statistics

TWO = {"control": StatedArm(20), "experimental": StatedArm(20)}

SHORT = Comparison(TWO, horizon=9)
MISSPELT = Comparison(TWO, horizon=9, hr="0.5", not_forced={"placebo": "a reason"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: StatedArm(0), "n is 0; give a whole number of at least 1"),
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
        (
            lambda: StatedArm(5, withdrawals=7),
            "withdrawals is 7, but n is 5; somebody must stay",
        ),
        (lambda: StatedArm(5, withdrawals=-1), "withdrawals is -1; give a whole number"),
        (lambda: StatedArm(10.5), "n is 10.5; give a whole number"),
        (lambda: StatedArm(20, median="-3"), "is -3; a number above 0"),
        (lambda: Landmark(12, "0.4", ("0.1", "0.3")), "do not contain the survival 0.4"),
        (lambda: Landmark(12, "0.4", ("30", "50")), "do not contain the survival 0.4"),
        (lambda: FollowUp(0, 30, median="<10"), "median is <10; give a number"),
        (lambda: FollowUp(0, 30, upper_quartile="30"), "must be finite, not negative and rise"),
        (lambda: Comparison(TWO, horizon=-12), "horizon is -12; give a positive time"),
        (lambda: Comparison(TWO, horizon=9, followup=FollowUp(0, 9)), "are both given"),
        (
            lambda: Comparison(TWO, followup={"control": FollowUp(0, 9)}),
            "followup by arm needs",
        ),
        (lambda: Comparison(TWO, horizon=9, visits=[(3, 2)]), "must start before it ends"),
        (lambda: Comparison(TWO, horizon=9, hr="1", hr_ci=("-0.2", "1.5")), "is -0.2; hazard"),
        (lambda: Comparison(TWO, horizon=9, hr="<<0.3"), "<<0.3' is not a printed number"),
        (lambda: from_statistics(MISSPELT), "not_forced names 'placebo', which is not stated"),
        (
            lambda: from_statistics(SHORT, attempts=4),
            "attempts is 4; 200 draws need at least 40",
        ),
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


def test_parts_have_names_of_their_own():
    parts = [
        Comparison(
            {"control": StatedArm(10), "experimental": StatedArm(10)}, name="A", horizon=9
        )
        for _ in range(2)
    ]
    with pytest.raises(ValueError, match="give each a name of its own"):
        Comparison(TWO, parts=parts)
