"""Exercise checkers of chapter 6d: solutions pass, stubs are not attempted, wrong answers get their own sentence."""
import numpy as np
import pytest
import torch

from metalib.course.drug_discovery import checks

RIGHT = dict(few="meta", many="forest", unlike="tie", no_label="above", record="tie")


def by_lots(scaffold, share, rng):
    return (rng.rand(scaffold.max() + 1) < share)[scaffold]


def test_the_worked_solutions_pass():
    for verdict in (checks.prediction(**RIGHT), checks.auc(checks.area), checks.training_molecules(by_lots)):
        assert verdict.passed and verdict.text.startswith("Right. "), verdict


@pytest.mark.parametrize("verdict", [lambda: checks.prediction(), lambda: checks.prediction(few="meta"), lambda: checks.auc(None),
                                     lambda: checks.auc(lambda s, t: ...), lambda: checks.training_molecules(lambda *a: None)])
def test_stubs_are_not_attempted(verdict):
    assert not verdict().attempted and verdict().text.startswith("Not attempted yet.")


@pytest.mark.parametrize("verdict, words", [
    (lambda: checks.prediction(**RIGHT | {"few": "forest"}), "few: yours = 'forest', but MAML scored"),
    (lambda: checks.prediction(**RIGHT | {"many": "meta"}), "Two hundred labels say more"),
    (lambda: checks.prediction(**RIGHT | {"record": "meta"}), "record: yours = 'meta', but MAML scored 0.774 and the record 0.780"),
    (lambda: checks.prediction(**RIGHT | {"unlike": "meta"}), "twenty labels of its own"),
    (lambda: checks.prediction(**RIGHT | {"few": "unsure"}), "none of 'meta', 'forest', 'tie'"),
    (lambda: checks.prediction(**RIGHT | {"no_label": "chance"}), "What poisons one cell"),
    (lambda: checks.prediction(**RIGHT | {"no_label": "high"}), "none of 'chance'"),
    (lambda: checks.auc(lambda s, t: (s[t == 1][:, None] > s[t == 0][None]).double().mean()), "nothing for a tie"),
    (lambda: checks.auc(lambda s, t: (s[t == 1][:, None] >= s[t == 0][None]).double().mean()), "a full point for a tie"),
    (lambda: checks.auc(lambda s, t: 1 - checks.area(s, t)), "Turn it round"),
    (lambda: checks.auc(lambda s, t: ((s > 0) == (t == 1)).double().mean()), "accuracy at the threshold 0"),
    (lambda: checks.auc(lambda s, t: checks.area(s, t) * (t == 1).double().mean() * (t == 0).double().mean()),
     "divide by all pairs"),
    (lambda: checks.auc(checks.ordered), "Ties must share"),
    (lambda: checks.auc(lambda s, t: 0.3), "Take every pair"),
    (lambda: checks.auc(lambda s, t: s), "expected one number"),
    (lambda: checks.auc(lambda s, t: s / []), "Your code stopped in line"),
    (lambda: checks.training_molecules(lambda s, p, r: r.rand(len(s)) < p), "scaffolds are on both sides"),
    (lambda: checks.training_molecules(lambda s, p, r: ~by_lots(s, p, r)), "the sides are exchanged"),
    (lambda: checks.training_molecules(lambda s, p, r: by_lots(s, 0.9, r)), "where 60 % were asked for."),
    (lambda: checks.training_molecules(lambda s, p, r: s < 1_000), "nothing is left to test on"),
    (lambda: checks.training_molecules(lambda s, p, r: s < 0), "nothing is left to train on"),
    (lambda: checks.training_molecules(lambda s, p, r: s < p * 200), "draw the lots from rng"),
    (lambda: checks.training_molecules(lambda s, p, r: by_lots(s, p, r).astype(int)), "True or False"),
    (lambda: checks.training_molecules(lambda s, p, r: np.ones(3, bool)), "one for each molecule"),
])
def test_wrong_answers_get_their_own_sentence(verdict, words):
    found = verdict()
    assert found.attempted and not found.passed and words in found.text, found.text


def test_a_tensor_of_booleans_is_as_good_as_an_array():
    assert checks.training_molecules(lambda *a: torch.from_numpy(by_lots(*a))).passed
