"""The lab of chapter 6d: it shows what was tested, and what a flip does. What all labs keep: test_labs_contract.py."""
import numpy as np
import pytest

from metalib.course.drug_discovery import lab_assay as assay
from metalib.tasks import ComputedAssays

STATE = dict(learner="ProtoNet", assay="greasy acid", n_labelled=10, flip=0)


@pytest.fixture(scope="module")
def lab():
    return assay()


def states():
    for name in assay.NAMES:
        yield STATE | {"learner": name}
    for name in assay.ASSAYS:
        yield STATE | {"assay": name, "n_labelled": 5, "flip": 5}
    for n in assay.SIZES:
        yield STATE | {"n_labelled": n}
    for flip in range(assay.SHOWN + 1):
        yield STATE | {"flip": flip}


def test_what_is_shown_is_what_was_tested():
    family = ComputedAssays("test")
    column = {name: family.tested[i] for i, name in enumerate(family.names)}
    for state in states():
        r, table = assay.compute(**state), family.table
        truth = {smiles: row[column[r.assay]] for smiles, row in zip(table.smiles, table.labels)}
        told = [truth[s] for s in r.tested]
        if r.flip:
            told[r.flip - 1] = 1 - told[r.flip - 1]
        assert r.labels == told and [truth[s] for s in r.ranked] == r.truth[:assay.SHOWN].tolist()
        assert not set(r.tested) & set(r.ranked)


def test_a_flip_changes_the_scores_and_none_does_not():
    assert np.array_equal(assay.compute(**STATE).auc, assay.compute(**STATE).before)
    flipped = assay.compute(**STATE | {"flip": 1, "n_labelled": 5})
    assert (flipped.auc != flipped.before).all() and flipped.labels[0] == 0
