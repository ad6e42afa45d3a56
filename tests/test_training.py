"""train, evaluate, checkpoints, recipes: what they promise, and what they say when something is off."""
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import metalib as ml
from metalib import storage
from metalib.__main__ import main as front_door
from metalib import recipes
from metalib.storage import load_tensors, save_tensors, write_atomically


def learner(inner_lr=0.01):
    ml.setup(0)
    return ml.MAML(ml.mlp(1, 16, 1), inner_lr)


def train(model, **options):
    return ml.train(model, ml.tasks.Sinusoid(), **({"iterations": 20, "meta_batch": 4, "progress": False} | options))


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Cut(Exception):
    """Stands for a machine that is switched off."""


def cut_at(iteration):
    def watch(i, loss):
        if i + 1 == iteration:
            raise Cut
    return watch


def test_training_lowers_the_error_and_is_repeatable():
    first, second = learner(), learner()
    before = ml.evaluate(first, ml.tasks.Sinusoid(), 200, steps=1).mean
    losses = train(first, iterations=200, meta_batch=25, lr=5e-3)
    assert train(second, iterations=200, meta_batch=25, lr=5e-3) == losses
    assert torch.equal(weights(first), weights(second))
    assert ml.evaluate(first, ml.tasks.Sinusoid(), 200, steps=1).mean < 0.8 * before


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_resumed_run_ends_bit_equal_to_an_uncut_one(tmp_path, optimizer):
    whole, cut = learner(), learner()
    losses = train(whole, optimizer=optimizer, schedule="cosine")
    file = tmp_path / "run.safetensors"
    with pytest.raises(Cut):
        train(cut, optimizer=optimizer, schedule="cosine", checkpoint=file, every=8, watch=cut_at(13))
    again = learner()
    assert train(again, optimizer=optimizer, schedule="cosine", checkpoint=file, resume=True) == losses
    assert torch.equal(weights(whole), weights(again))


def test_a_checkpoint_of_other_settings_is_refused_and_kept(tmp_path):
    file = tmp_path / "run.safetensors"
    train(learner(), checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match="lr was 0.001, is 0.002"):
        train(learner(), lr=2e-3, checkpoint=file, resume=True)
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", [lambda data: data[:len(data) // 2], lambda data: b"not weights", lambda data: b""])
def test_a_damaged_checkpoint_gets_one_sentence(tmp_path, damage):
    file = tmp_path / "run.safetensors"
    train(learner(), checkpoint=file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match="does not hold weights saved by metalib"):
        train(learner(), checkpoint=file, resume=True)


def test_a_non_finite_loss_stops_and_keeps_the_last_good_weights():
    model = learner()
    with pytest.raises(ml.NonFiniteLoss, match=r"the loss became (nan|inf) at iteration \d+.*Lower lr"):
        train(model, lr=1e30, iterations=50)
    assert weights(model).isfinite().all()
    assert np.isfinite(ml.evaluate(model, ml.tasks.Sinusoid(), 10).mean)


@pytest.mark.parametrize("options, words", [
    ({"iterations": 0}, "iterations is 0"), ({"meta_batch": -1}, "meta_batch is -1"), ({"lr": float("nan")}, "lr is nan"),
    ({"lr": -1.0}, "lr is -1.0"), ({"clip": 0.0}, "clip is 0.0"), ({"optimizer": "lion"}, "use 'adam' or 'sgd'"),
    ({"schedule": "wavy"}, "schedule is 'wavy'"), ({"k_shot": 0}, "k_shot is 0"), ({"seed": -1}, "seed is"),
])
def test_bad_settings_get_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        train(learner(), **options)


def test_there_must_be_something_to_train():
    with pytest.raises(ValueError, match="no parameters to train"):
        train(ml.NearestCentroid())


def test_evaluate_gives_every_learner_the_same_tasks_and_a_correct_interval():
    a, b = (ml.evaluate(learner(), ml.tasks.Sinusoid(), 70, k_shot=5) for _ in range(2))
    assert np.array_equal(a.values, b.values) and len(a.values) == 70
    assert a.mean == pytest.approx(a.values.mean())
    assert a.ci95 == pytest.approx(1.9949 * a.values.std(ddof=1) / 70 ** 0.5, rel=1e-4)
    assert "70 episodes, seed 2, k_shot 5" in str(a) and not a.transductive


def test_batch_norm_is_reported_as_transductive_and_one_at_a_time_is_not():
    ml.setup(0)
    model, tasks = ml.MAML(ml.conv4(3, channels=4), 0.1), ml.tasks.Digits()
    size = dict(episodes=4, n_way=3, n_query=3)
    assert ml.evaluate(model, tasks, **size, together=True).transductive
    assert not ml.evaluate(model, tasks, **size).transductive
    assert not ml.evaluate(ml.NearestCentroid(), tasks, **size).transductive


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    file = tmp_path / "card.json"
    write_atomically(file, b"first")
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, b"second")
    assert file.read_bytes() == b"first" and list(tmp_path.iterdir()) == [file]


def test_saved_tensors_come_back(tmp_path):
    save_tensors(tmp_path / "a.safetensors", {"w": torch.arange(3.0)}, {"seed": 1})
    tensors, about = load_tensors(tmp_path / "a.safetensors")
    assert torch.equal(tensors["w"], torch.arange(3.0)) and about == {"seed": 1}


# ---- recipes and the command line

def command(*arguments, cwd, launcher=("-m", "metalib.train")):
    return subprocess.run([sys.executable, *launcher, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)


def test_the_command_lists_explains_and_refuses(tmp_path):
    assert "maml-sinusoid" in command("--list", cwd=tmp_path).stdout
    help = command("--help", cwd=tmp_path).stdout
    assert all(option in help for option in ("--list", "--resume", "--seed", "--device", "--out"))
    refused = command("maml-sinusoids", cwd=tmp_path)
    assert refused.returncode == 1 and "there is no recipe 'maml-sinusoids'; near are maml-sinusoid," in refused.stderr
    assert "Traceback" not in refused.stderr and not list(tmp_path.iterdir())


def test_the_command_trains_examines_and_writes_weights_with_a_card(tmp_path, monkeypatch):
    done = command("maml-sinusoid", "--iterations", "30", "--seed", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "loss=" in done.stderr and "it/s" in done.stderr                      # the bar, with loss and rate
    note = json.loads((tmp_path / "runs/maml-sinusoid.json").read_text())
    assert note["seed"] == 3 and note["training"]["iterations"] == 30 and note["versions"]["torch"] == torch.__version__
    assert set(note["scores"]) == set(recipes.RECIPES["maml-sinusoid"].tests)
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["maml-sinusoid.json", "maml-sinusoid.safetensors"]
    monkeypatch.setattr(recipes.recipe, "WEIGHTS", tmp_path / "runs")
    assert not ml.load("maml-sinusoid").training
    (tmp_path / "runs/maml-sinusoid.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="does not hold weights"):
        ml.load("maml-sinusoid")


def test_weights_are_examined_again_without_training(tmp_path):
    for kind in ("safetensors", "json"):
        (tmp_path / f"maml-sinusoid.{kind}").write_bytes((storage.WEIGHTS / f"maml-sinusoid.{kind}").read_bytes())
    weights, card = (tmp_path / "maml-sinusoid.safetensors").read_bytes(), tmp_path / "maml-sinusoid.json"
    note = json.loads(card.read_text())
    card.write_text(json.dumps(note | {"scores": {}}))
    front_door(["train", "maml-sinusoid", "--examine", "--out", str(tmp_path)])
    found = json.loads(card.read_text())
    assert {k: v for k, v in found.items() if k != "scores"} == {k: v for k, v in note.items() if k != "scores"}
    for title, score in note["scores"].items():
        assert found["scores"][title]["mean"] == pytest.approx(score["mean"], rel=0.02)
    assert (tmp_path / "maml-sinusoid.safetensors").read_bytes() == weights


def test_what_is_not_shipped_is_named():
    with pytest.raises(ValueError, match="there is no weights file 'maml-cats'; near are maml-.*, .*, "):
        ml.load("maml-cats")


@pytest.mark.parametrize("name", sorted(p.stem for p in storage.WEIGHTS.glob("*.safetensors")))
def test_shipped_weights_have_a_card_and_keep_its_word(name):
    note = ml.card(name)
    assert note["recipe"] == name and note["training"] == json.loads(json.dumps(recipes.RECIPES[name].training))
    model = ml.load(name)
    for title, (family, options) in recipes.RECIPES[name].tests.items():
        if any(name in title for name in ("Omniglot", "CLINC150", "MovieLens", "Tox21")):
            continue                                                             # real files: tests/test_results.py, test_intents.py
        claimed = note["scores"][title]
        score = ml.evaluate(model, family(), **(options | {"episodes": 100}))
        spread = math.hypot(score.ci95, claimed["ci95"]) / 1.96
        assert abs(score.mean - claimed["mean"]) < 4 * spread, (title, score.mean, claimed)


DISTRIBUTED = """
import os, sys, torch, metalib as ml
import torch.distributed as dist
if int(os.environ.get("WORLD_SIZE", 1)) > 1:
    dist.init_process_group("gloo")
ml.setup(0)
kind = sys.argv[1]
if kind == "channels last":                              # Adam, fused, pairs weights and gradients by how they lie in memory
    model = ml.ProtoNet(ml.conv4(3, 4, pool="max").to(memory_format=torch.channels_last)).double()
    family, settings = ml.tasks.Drawn(ml.tasks.Glyphs(), 10, 4), dict(n_way=3, k_shot=1, n_query=2)
else:
    model = {"maml": lambda n: ml.MAML(n, 0.05, 2), "reptile": lambda n: ml.Reptile(n, 0.05, 2)}[kind](ml.mlp(1, 16, 1)).double()
    family, settings = ml.tasks.Sinusoid(), dict(optimizer="sgd")
class Doubles:
    def sample(self, *a, **k): return family.sample(*a, **k).to(torch.float64)
losses = ml.train(model, Doubles(), iterations=5, meta_batch=5, lr=0.01, progress=False, **settings)
if not dist.is_initialized() or dist.get_rank() == 0:
    print("|".join(f"{v:.17g}" for v in losses + [p for q in model.parameters() for p in q.flatten().tolist()]))
if dist.is_initialized():
    dist.barrier()
    dist.destroy_process_group()
sys.stdout.flush()
os._exit(0)                     # the threads of gloo may abort while Python shuts down; what is tested has been printed
"""


@pytest.mark.parametrize("kind", ["maml", "reptile", "channels last"])
def test_two_processes_give_the_one_process_gradient(tmp_path, kind):
    script = tmp_path / "run.py"
    script.write_text(DISTRIBUTED)
    one = command(str(script), kind, cwd=tmp_path, launcher=())
    two = command("--nproc-per-node", "2", "--master-port", "0", str(script), kind, cwd=tmp_path,
                  launcher=("-m", "torch.distributed.run", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"))
    assert one.returncode == 0 and two.returncode == 0, one.stderr + two.stderr
    numbers = [np.array([float(v) for v in re.findall(r"[^|\s]+", run.stdout)]) for run in (one, two)]
    if kind == "channels last":                                   # losses: Adam blows up the rounding of biases that batch norm takes away
        numbers = [found[:5] for found in numbers]
    np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-9 if kind == "channels last" else 1e-12)
