"""Checkpoints, weights and cards: which run they belong to, and what a disk or a kill can do to them."""
import functools
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import metalib as ml
from metalib import recipes, storage, training
from metalib.identity import described, differences

RUN = sys.modules["metalib.recipes.run"]                      # the module; recipes.run is the function


class Scaled(nn.Module):
    """A module with a setting and a parameter that printing does not show."""

    def __init__(self, scale=1.0, size=3):
        super().__init__()
        self.scale, self.weight, self.layer = scale, nn.Parameter(torch.zeros(size)), nn.Linear(1, 1)

    def forward(self, x):
        return self.scale * self.layer(x)


def frozen(network):
    next(network.parameters()).requires_grad_(False)
    return network


def huber(delta):
    return lambda prediction, y: F.huber_loss(prediction, y, reduction="none", delta=delta)


def maml(network=None, **options):
    torch.manual_seed(0)
    return ml.MAML(network or ml.mlp(1, 20, 1), **options)


@pytest.mark.parametrize("one, other, words", [
    (lambda: maml(loss=nn.HuberLoss(delta=1.0)), lambda: maml(loss=nn.HuberLoss(delta=0.1)), "delta = 1.0"),
    (lambda: maml(loss=functools.partial(F.huber_loss, delta=1.0)), lambda: maml(loss=functools.partial(F.huber_loss, delta=0.1)), "0.1"),
    (lambda: maml(loss=huber(1.0)), lambda: maml(loss=huber(0.1)), "loss was"),
    (lambda: maml(loss=lambda p, y: (p - y) ** 2), lambda: maml(loss=lambda p, y: (p - y).abs()), "loss was"),
    (lambda: maml(Scaled(1.0)), lambda: maml(Scaled(2.0)), "'scale = 1.0', is 'scale = 2.0'"),
    (lambda: maml(Scaled(size=3)), lambda: maml(Scaled(size=4)), r"weight: \[3\] float32', is 'weight: \[4\] float32"),
    (lambda: maml(), lambda: maml(frozen(ml.mlp(1, 20, 1))), "frozen"),
    (lambda: maml(), lambda: maml().double(), "float64"),
    (lambda: ml.tasks.Arrays(np.zeros((8, 2)), [0, 0, 0, 0, 1, 1, 1, 1]),
     lambda: ml.tasks.Arrays(np.ones((8, 2)), [0, 0, 0, 0, 1, 1, 1, 1]), r"x was '\[8, 2\]"),
    (lambda: Path("here"), lambda: Path("there"), "was 'here', is 'there'"),
])
def test_what_makes_another_run_makes_another_description(one, other, words):
    told = "; ".join(differences(described(one()), described(other())))
    assert re.search(words, told), told
    assert described(one()) == described(one()) and "\n" not in told
    json.dumps(described(one()))


def test_a_description_does_not_change_with_use():
    tasks, learner = ml.tasks.Drawn(ml.tasks.Glyphs(), 30, 4), ml.ProtoNet(ml.embedder(4))
    before = described(tasks), described(learner)
    ml.train(learner, tasks, 2, 2, progress=False, n_way=3, k_shot=1, n_query=2)
    ml.evaluate(learner, tasks, 4, n_way=3, k_shot=1, n_query=2)
    assert (described(tasks), described(learner)) == before


def test_what_keeps_no_checkpoint_is_not_described(monkeypatch):
    def costly(thing):
        raise AssertionError("a large pool takes a while")
    monkeypatch.setattr(training, "described", costly)
    ml.train(maml(), ml.tasks.Sinusoid(), 1, 2, progress=False)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(1, 4), nn.Linear(1, 4), nn.Linear(4, 1)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.head(torch.tanh(self.a(x)) + torch.tanh(self.b(x)))


def test_tied_weights_are_kept_and_stay_tied(tmp_path):
    run = functools.partial(ml.train, tasks=ml.tasks.Sinusoid(), meta_batch=4, progress=False)

    def start():
        torch.manual_seed(0)
        return ml.MAML(Tied())
    uncut = run(start(), iterations=6)
    run(start(), iterations=4, checkpoint=tmp_path / "run.safetensors")
    learner = start()
    assert run(learner, iterations=6, checkpoint=tmp_path / "run.safetensors", resume=True) == uncut
    assert learner.network.a.weight is learner.network.b.weight


# ---- divergence and validation

class Leaping(ml.Learner):
    """Its gradient is not a number once: the loss of that step is still fine, its weights are not."""

    def __init__(self, at):
        super().__init__(nn.Linear(1, 1))
        self._calls, self._at = 0, at

    def adapt(self, support):
        return self.network

    def backward(self, episode, weight=1.0):
        loss = super().backward(episode, weight)
        self._calls += 1
        if self._calls == self._at:
            for p in self.parameters():
                p.grad.fill_(math.nan)
        return loss


@pytest.mark.parametrize("options", [{"every": 4}, {"validation": ml.tasks.Sinusoid(), "validate_every": 4}, {}], ids=["saving", "judging", "last"])
def test_weights_that_are_not_finite_are_never_kept(tmp_path, options):
    learner, file = Leaping(4), tmp_path / "run.safetensors"
    with pytest.raises(ml.NonFiniteLoss, match="weights that are not finite at iteration 3|loss became nan at iteration 4"):
        ml.train(learner, ml.tasks.Sinusoid(), 4 if not options else 9, 2, progress=False, checkpoint=file, **options)
    assert all(p.isfinite().all() for p in learner.parameters()) and not file.exists() and not learner.training


def test_a_loss_that_reaches_no_weight_is_one_sentence():
    class Constant(ml.Learner):
        def adapt(self, support):
            return lambda x: torch.zeros(*x.shape[:2], 1)
    with pytest.raises(ValueError, match="depends on no parameter that is trained"):
        ml.train(Constant(nn.Linear(1, 1)), ml.tasks.Sinusoid(), 1, 2, progress=False)


def test_a_score_that_is_no_number_is_never_the_best():
    class Late(Leaping):
        def adapt(self, support):
            return lambda x: self.network(x) * (math.nan if not self.training and self._calls < 3 else 1)
    history = ml.train(Late(-1), ml.tasks.Sinusoid(), 6, 4, progress=False, validation=ml.tasks.Sinusoid(), validate_every=2)
    assert math.isnan(history.validation[0][1]) and history.best > 2


def test_what_is_wrong_with_validation_is_said_before_the_first_iteration(tmp_path):
    seen = []
    with pytest.raises(TypeError, match="holds a int"):
        ml.train(maml(), ml.tasks.Sinusoid(), 3, 2, progress=False, validation=[1], watch=lambda i, loss: seen.append(i))
    assert not seen


def test_a_run_with_another_validation_is_another_run(tmp_path):
    run = functools.partial(ml.train, tasks=ml.tasks.Sinusoid(), meta_batch=2, progress=False, checkpoint=tmp_path / "run.safetensors")
    trials = [ml.tasks.Sinusoid().sample(3, seed=s) for s in (0, 1)]
    run(maml(), iterations=2, validation=trials[:1], validate_every=1)
    with pytest.raises(ValueError, match="belongs to another run"):
        run(maml(), iterations=4, validation=trials[1:], validate_every=1, resume=True)
    assert len(run(maml(), iterations=4, validation=trials[:1], validate_every=1, resume=True).validation) == 4


def test_an_interrupted_learner_is_ready_to_be_used():
    def stop(i, loss):
        raise KeyboardInterrupt
    learner = maml()
    with pytest.raises(KeyboardInterrupt):
        ml.train(learner, ml.tasks.Sinusoid(), 3, 2, progress=False, watch=stop)
    assert not learner.training


def test_weights_are_no_checkpoint(tmp_path):
    file = tmp_path / "run.safetensors"
    storage.save_tensors(file, maml().state_dict(), {"recipe": "maml-sinusoid"})
    with pytest.raises(ValueError, match="holds no checkpoint"):
        ml.train(maml(), ml.tasks.Sinusoid(), 2, 2, progress=False, checkpoint=file, resume=True)


# ---- the disk

def test_a_disk_without_room_is_noticed_before_training(tmp_path, monkeypatch):
    write = Path.write_bytes

    def small(self, data):
        write(self, data[:1_000])
        if len(data) > 1_000:
            raise OSError(28, "No space left on device")
        return len(data)
    monkeypatch.setattr(Path, "write_bytes", small)
    seen = []
    with pytest.raises(OSError, match="No space left on device.; free some space"):
        ml.train(maml(ml.mlp(1, 40, 40, 1)), ml.tasks.Sinusoid(), 3, 2, progress=False, checkpoint=tmp_path / "run.safetensors",
                 watch=lambda i, loss: seen.append(i))
    assert not seen and not list(tmp_path.iterdir())


@pytest.mark.parametrize("taken", ["maml-sinusoid.safetensors", "maml-sinusoid.json", "maml-sinusoid.checkpoint.safetensors"])
def test_a_folder_in_the_place_of_any_file_of_a_run_is_noticed_before_training(tmp_path, monkeypatch, taken):
    (tmp_path / taken).mkdir()
    monkeypatch.setattr(ml.tasks.Sinusoid, "sample", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(OSError, match=f"cannot write .*{taken} .it is a folder"):
        recipes.run("maml-sinusoid", out=tmp_path, iterations=2)
    assert [path.name for path in tmp_path.iterdir()] == [taken]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system"),
                                   OSError(122, "Disk quota exceeded")])
def test_what_the_disk_says_becomes_one_sentence(tmp_path, monkeypatch, error):
    def refused(self, data):
        raise error
    monkeypatch.setattr(Path, "write_bytes", refused)
    for call in (lambda: recipes.run("maml-sinusoid", out=tmp_path, iterations=2), lambda: storage.write_atomically(tmp_path / "a", b"")):
        with pytest.raises(storage.NotWritten, match=f"cannot write .*{error.strerror}"):
            call()
    assert not list(tmp_path.iterdir())


def test_a_rename_that_is_interrupted_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "card.json"
    storage.write_atomically(file, b"old")

    def interrupted(source, target):
        raise KeyboardInterrupt
    monkeypatch.setattr(storage.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.write_atomically(file, b"new")
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


def test_a_folder_belongs_to_one_run_from_start_to_card(tmp_path, monkeypatch):
    tried = []

    def second(*_, **__):
        with pytest.raises(ValueError, match="another run is writing to .*maml-sinusoid.safetensors"):
            recipes.run("maml-sinusoid", out=tmp_path, iterations=2)
        tried.append(True)
        return {}
    monkeypatch.setattr(RUN, "examine", second)
    recipes.run("maml-sinusoid", out=tmp_path, iterations=2)
    assert tried == [True] and sorted(p.name for p in tmp_path.iterdir()) == ["maml-sinusoid.json", "maml-sinusoid.safetensors"]


# ---- weights and cards

@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    state = torch.get_rng_state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RUN, "examine", lambda *_: {})
        recipes.run("maml-sinusoid", out=folder, iterations=2)
    assert torch.equal(state, torch.get_rng_state())
    return folder


def copy(finished, tmp_path):
    for file in finished.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "maml-sinusoid.safetensors", tmp_path / "maml-sinusoid.json"


def test_a_run_that_was_killed_between_weights_and_card_is_noticed(finished, tmp_path):
    weights, _ = copy(finished, tmp_path)
    assert isinstance(ml.load("maml-sinusoid", tmp_path), ml.MAML)
    tensors, note = storage.load_tensors(weights)
    storage.save_tensors(weights, {name: value + 1e-3 for name, value in tensors.items()}, note)         # the same recipe and seed, other weights
    with pytest.raises(ValueError, match="is not the file that its card describes; train it again"):
        ml.load("maml-sinusoid", tmp_path)
    weights.with_suffix(".json").unlink()
    assert isinstance(ml.load("maml-sinusoid", tmp_path), ml.MAML)


@pytest.mark.parametrize("content, words", [
    (b'{"seed": 0', "is no JSON"), ("{}".encode("utf-16"), "is no JSON"), (b"\xef\xbb\xbf{}", "is no JSON"), (b"[]", "holds no entries"),
    (b"null", "holds no entries"), (b"3", "holds no entries"), (b'{"seed": 1}', "its card says 1"),
])
def test_a_card_that_is_none_is_one_sentence(finished, tmp_path, content, words):
    _, card = copy(finished, tmp_path)
    card.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        ml.load("maml-sinusoid", tmp_path)


def test_weights_that_do_not_say_whose_they_are_are_refused(finished, tmp_path):
    weights, _ = copy(finished, tmp_path)
    storage.save_tensors(weights, storage.load_tensors(weights)[0], {})
    with pytest.raises(ValueError, match="holds weights of recipe None"):
        ml.load("maml-sinusoid", tmp_path)
