"""Molecules and assays: features, scaffolds, episodes without leaks, the door to Tox21, and what the chapter claims of it."""
import gzip
import math

import numpy as np
import pytest
import torch

import metalib as ml
from metalib import recipes
from metalib.data import DataError
from metalib.course.drug_discovery import measure as bench
from metalib.storage import shipped
from metalib.course.drug_discovery import figures
from metalib.figures import to_png
from metalib.tasks import ComputedAssays, Tox21
from metalib.tasks.molecules import assays, computed, chemistry as molecules

NEW = ComputedAssays("test")


# --- molecules ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("smiles, why", [("C1CC", "cannot be parsed"), ("C(C)(C)(C)(C)C", "valence"),
                                         ("benzene!", "cannot be parsed"), ("", "no SMILES"),
                                         ("  ", "no SMILES"), (None, "no SMILES")])
def test_what_is_no_molecule_is_named_and_rdkit_stays_silent(smiles, why, capfd):
    with pytest.raises(ValueError, match=why) as caught:
        molecules.read(smiles)
    assert repr(smiles) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_features_are_of_the_molecule_not_of_the_way_it_is_written_or_its_company():
    alone = molecules.features(["OC(=O)c1ccccc1OC(C)=O"])
    together = molecules.features(["CCO", "CC(=O)Oc1ccccc1C(=O)O"])
    assert torch.equal(alone[0], together[1]) and alone.shape == (1, molecules.FEATURES)
    assert set(alone[0, :molecules.BITS].unique().tolist()) == {0.0, 1.0}
    assert alone[0, molecules.BITS:].abs().max() <= 4


def test_a_missing_rdkit_is_said_in_a_sentence(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(ImportError, match=r'need RDKit, which is not installed; get it: pip install "metalib\[molecules\]"'):
        molecules.read("CCO")


def test_importing_metalib_does_not_import_rdkit():
    import subprocess
    import sys
    done = subprocess.run([sys.executable, "-c", "import sys, metalib; sys.exit('rdkit' in sys.modules)"], timeout=60)
    assert done.returncode == 0


# --- episodes -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", [2, 5, 20])
def test_half_of_the_support_is_active_and_the_queries_keep_the_assay_s_share(n):
    episode = NEW.sample(12, n_labelled=n, n_query=50, seed=4)
    assert (episode.support.y.sum(1) == n // 2).all()
    for assay, y in zip(episode.about["assay"].tolist(), episode.query.y):
        active, inactive = NEW.pool(assay)
        assert y.sum() == max(1, round(50 * len(active) / (len(active) + len(inactive))))
    assert (NEW.sample(6, n, 50, seed=4, balanced=True).query.y.sum(1) == 25).all()


def test_labels_and_molecules_belong_together_and_no_query_is_a_support_molecule():
    episode = NEW.sample(6, n_labelled=10, n_query=40, seed=5)
    assert sorted(episode.about["assay"].tolist()) == list(range(6))
    for t, assay in enumerate(episode.about["assay"].tolist()):
        for part, examples in (("support", episode.support), ("query", episode.query)):
            rows = episode.about[part][t].numpy()
            assert (NEW.table.labels[rows, NEW.tested[assay]] == examples.y[t].numpy()).all()
            assert torch.equal(NEW.table.x[rows], examples.x[t])
        assert not set(episode.about["support"][t].tolist()) & set(episode.about["query"][t].tolist())


def test_the_same_seed_gives_the_same_episode_and_another_another():
    one, same, other = (NEW.sample(3, 10, 20, seed=s).about["query"] for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


@pytest.mark.parametrize("family", [ComputedAssays, Tox21])
def test_training_and_test_share_no_assay_no_molecule_and_no_scaffold(family, request):
    if family is Tox21:
        request.getfixturevalue("real_data")
    train, test = family("train"), family("test")
    assert not set(train.tested) & set(test.tested)
    seen, asked = (np.unique(np.concatenate([np.concatenate(f.pool(a)) for a in range(len(f.tested))])) for f in (train, test))
    assert len(seen) and len(asked) and not set(seen) & set(asked)
    assert not set(train.table.scaffold[seen]) & set(test.table.scaffold[asked])


def test_shared_molecules_are_shared():
    train, test = (ComputedAssays(split, "shared") for split in ("train", "test"))
    assert sum(map(len, train.pool(0))) == sum(map(len, test.pool(0))) == len(NEW.table.smiles)


def test_new_scaffolds_are_new(real_data):
    tasks = Tox21("test")
    episode = tasks.sample(6, n_labelled=20, n_query=60, seed=1, new_scaffolds=True)
    frames = tasks.table.scaffold
    assert not any(np.isin(frames[q], frames[s]).any() for s, q in zip(episode.about["support"], episode.about["query"]))
    plain = tasks.sample(6, n_labelled=20, n_query=60, seed=1)
    assert any(np.isin(frames[q], frames[s]).any() for s, q in zip(plain.about["support"], plain.about["query"]))


@pytest.mark.parametrize("call, says", [
    (lambda: ComputedAssays("validation"), "split is 'validation'; use 'train' or 'test'"),
    (lambda: ComputedAssays(molecules="mixed"), "use 'apart' or 'shared'"),
    (lambda: Tox21(fold=4), "fold is 4; use 0, 1, 2 or 3"),
    (lambda: NEW.sample(6, n_labelled=600), "molecules here, too few for 300 in the support set"),
    (lambda: NEW.sample(1, n_labelled=1), "n_labelled is 1; it must be a whole number of at least 2"),
])
def test_what_cannot_be_sampled_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_every_rule_has_active_and_inactive_molecules_on_both_sides():
    assert len(set(NEW.table.smiles)) == len(NEW.table.smiles) > 1_500
    assert all(len(active) > 20 and len(inactive) > 100 for f in (ComputedAssays("train"), NEW)
               for active, inactive in (f.pool(a) for a in range(len(f.tested))))
    assert NEW.names == list(computed.TEST) and not set(computed.TEST) & set(computed.TRAIN)


# --- the door -----------------------------------------------------------------------------------------------------------

HEAD = ",".join(assays.TOX21) + ",mol_id,smiles\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("METALIB_DATA", str(tmp_path))
    (tmp_path / "molecules").mkdir()
    yield lambda content: (tmp_path / "molecules/tox21.csv.gz").write_bytes(content)


@pytest.mark.parametrize("content, says", [
    (b"no gzip", "no gzipped table"), (gzip.compress(b"a,b\n1,2\n", mtime=0), "no gzipped table"),
    (gzip.compress((HEAD + "0," * 12 + "T1,CCO\n").encode()), "holds 1 rows, not 7,831"),
    (gzip.compress((HEAD + ("7," * 12 + "T1,CCO\n") * 7_831).encode()), "not 7,831 with labels 0, 1 or none"),
    (gzip.compress((HEAD + ("x," * 12 + "T1,CCO\n")).encode()), "no gzipped table"),
    (gzip.compress((HEAD + ("0," * 12 + "T1,C1CC\n") * 7_831).encode()), "7,831 molecules that RDKit cannot read, where 8"),
])
def test_a_file_that_is_not_tox21_is_refused(folder, content, says):
    folder(content)
    with pytest.raises(DataError, match=says):
        Tox21("test").table


def test_tox21_is_the_edition_it_says_it_is(real_data):
    table = Tox21().table
    assert table.labels.shape == (7_823, 12) and (table.labels == 1).sum(0).tolist()[-1] == 423
    assert Tox21("test").names == ["SR-HSE", "SR-MMP", "SR-p53"] and len(Tox21("train", fold=0).names) == 9


# --- what the chapter claims --------------------------------------------------------------------------------------------

def test_meta_learners_are_ahead_of_the_forest_on_tox21(real_data):
    new, shape = Tox21("test"), dict(metric=ml.metrics.roc_auc, n_labelled=20, n_query=128)
    forest = ml.evaluate(bench.forest(), new, 30, **shape)
    for name in ("maml-tox21", "protonet-tox21"):
        score = ml.evaluate(ml.load(name), new, 150, **shape)
        claimed = ml.card(name)["scores"]["Tox21, 20 labelled"]
        assert abs(score.mean - claimed["mean"]) < 4 * math.hypot(score.ci95, claimed["ci95"]) / 1.96
        assert score.mean > forest.mean and not score.transductive


def test_a_cell_of_the_shipped_curves_is_found_again():
    cell = shipped("assays-curves")["found"]["computed assays"]["roc_auc"]["logistic regression"][2]
    again = bench.judge(bench.logistic(), NEW, 20, episodes=100)
    assert abs(again[0] - cell[0]) < 4 * math.hypot(again[1], cell[1]) / 1.96


def test_a_learner_that_is_never_shown_a_label_answers_the_same_whatever_they_say():
    episode = NEW.sample(3, 10, 20, seed=1)
    other = ml.Examples(episode.support.x, 1 - episode.support.y)
    learner = bench.Unadapted(recipes.build("maml-tox21")).eval()
    assert torch.equal(learner.adapt(episode.support)(episode.query.x), learner.adapt(other)(episode.query.x))


def test_the_forest_s_answers_in_the_lab_are_the_forest_s():
    task = bench.lab_task(10, 2, 3)
    assert task.support.y[0, :5].tolist() == [1, 0, 0, 0, 0]               # active, inactive, *flipped*, inactive, inactive
    answer = bench.forest().adapt(task.support)(task.query.x)[0]
    stored = torch.tensor(shipped("assays-lab")["found"]["random forest"]["10"][2][3])
    torch.testing.assert_close(answer[:, 1] - answer[:, 0], stored, atol=2e-3, rtol=0)


# --- figures ------------------------------------------------------------------------------------------------------------

FIGURES = {
    "sheet": lambda: figures.sheet(["CCO", "c1ccccc1"], ["ethanol", "benzene"], "two", columns=2),
    "curves": lambda: figures.curves({"one": {"MAML": [[0.7, 0.1], [0.8, 0.1]]}, "two": {"ProtoNet": [[0.7, 0.1]]}}, (5, 10)),
    "by assay": lambda: figures.by_assay({"A maml": 0.7, "A forest": 0.6}, ("maml", "forest"), ("A",), "One assay"),
    "leak": lambda: figures.leak({"shared": [[0.7, 0.1]], "apart": [[0.6, 0.1]]}, (50,), 0.65),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_picture_with_words(name):
    figure = FIGURES[name]()
    assert len(to_png(figure)) > 4_000 and figure._repr_mimebundle_()[0]["text/plain"].startswith("Figure: ")


def test_a_structure_is_drawn_in_black_on_white():
    image = figures.structure("c1ccccc1O")
    assert image.shape == (110, 150, 3) and image.min() < 60 and (image == 255).mean() > 0.8


def test_nearly_half_of_the_androgen_receptor_s_actives_are_steroids(real_data):
    from rdkit import Chem

    steroid = Chem.MolFromSmarts("[#6]1~[#6]~[#6]~[#6]2~[#6](~[#6]1)~[#6]~[#6]~[#6]1~[#6]2~[#6]~[#6]~[#6]2~[#6]1~[#6]~[#6]~[#6]2")
    table = Tox21().table
    active, inactive = ([table.smiles[i] for i in np.flatnonzero(table.labels[:, 0] == y)] for y in (1, 0))
    share = [np.mean([molecules.read(text).HasSubstructMatch(steroid) for text in group]) for group in (active, inactive)]
    assert 0.4 < share[0] < 0.5 and share[1] < 0.01
