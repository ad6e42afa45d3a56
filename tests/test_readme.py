"""What the README promises runs: its examples word for word, on data made here."""
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def block(word):
    [found] = [code for code in BLOCKS if word in code]
    return found


def test_your_own_learner_runs_and_is_really_meta_learning(capsys):
    code = block("class Vote")
    assert len([line for line in code.splitlines() if line.strip()]) <= 27
    scope = {}
    torch.manual_seed(0)
    exec(code, scope)
    said = capsys.readouterr().out
    assert scope["learner"].training is False and "NO" not in said
    score = scope["ml"].evaluate(scope["learner"], scope["new"], 100, **scope["shape"])
    assert score.mean > 0.6, score


def test_your_own_data_run(tmp_path, monkeypatch):
    pytest.importorskip("rdkit")
    monkeypatch.chdir(tmp_path)
    labels = np.repeat(["cat", "dog", "owl", "fox", "hen"], 8)
    for label in ("red", "blue"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (40, 40), label).save(tmp_path / "photos" / label / f"{i}.png")
    (tmp_path / "assays.csv").write_text("smiles,kills\n" + "".join(f"{'C' * n},{n % 2}\n" for n in range(1, 20)))
    order = np.random.RandomState(0).permutation(40)
    batch = torch.zeros(4, 2), torch.arange(4) % 2, torch.zeros(2, 2), torch.arange(2)
    x, y = np.random.RandomState(1).rand(40, 3)[order], labels[order]
    chosen = np.argsort(y, kind="stable")[[0, 8, 16, 24, 32, 1, 9, 17, 25]]               # each label of a query is in the support set
    scope = dict(x=x, y=y, sentences=[f"say {n} times {w}" for w in ("hello", "bye") for n in range(4)],
                 labels=["a"] * 4 + ["b"] * 4, dataloader=[batch], user=np.repeat(np.arange(20), 20), item=np.tile(np.arange(20), 20),
                 stars=np.random.RandomState(2).rand(400))
    code = block("ml.tasks.Arrays")
    *head, last = code.strip().splitlines()
    exec("\n".join(head), scope)
    numbers = np.unique(y, return_inverse=True)[1]
    exec(last, scope | {"x": x[chosen], "y": numbers[chosen]})
    for name, shape in (("train", dict(n_way=3, k_shot=1, n_query=2)), ("test", dict(n_way=2)), ("texts", dict(n_way=2, k_shot=2, n_query=2)),
                        ("photos", dict(n_way=2, k_shot=1, n_query=2)), ("assays", dict(n_labelled=4, n_query=4)),
                        ("users", dict(k_shot=2, n_query=2)), ("ready", {})):
        if name == "test":
            shape |= dict(k_shot=2, n_query=3)
        assert len(scope[name].sample(2, seed=1, **shape)) == 2, name


def test_the_one_idea_runs():
    code = block("ml.tasks.Sinusoid()").replace("iterations=3_000", "iterations=3")
    scope = {}
    exec(code, scope)
    assert scope["predict"](scope["episode"].query.x).shape == (1, 10, 1)


def test_every_file_and_folder_that_is_named_is_there():
    root = Path(__file__).parents[1]
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (root / path).exists(), path
    for path in re.findall(r"`(metalib/[\w/]*|notebooks/|tests/)`", README):
        assert (root / path).is_dir(), path
