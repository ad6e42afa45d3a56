"""Training that leaves nothing behind and loses nothing: callers, checkpoints, layouts, parts of a batch, divergence."""
import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import metalib as ml
from metalib import storage
from metalib.episodes import Episode, Examples

SHAPE = dict(n_way=3, k_shot=1, n_query=2)
RUN = dict(iterations=8, meta_batch=2, progress=False, **SHAPE)


def glyphs(seed=0):
    return ml.tasks.Drawn(ml.tasks.Glyphs(seed=seed), 30, 4)


def protonet(dropout=0.0):
    torch.manual_seed(0)
    network = ml.embedder(8)
    if dropout:
        network.body.append(nn.Dropout(dropout))
    return ml.ProtoNet(network)


def cut_at(iteration):
    def watch(i, loss):
        if i == iteration:
            raise KeyboardInterrupt
    return watch


# ---- callers

def test_validating_on_the_way_changes_nothing():
    def run(look):
        learner = protonet()
        return ml.train(learner, glyphs(), 20, 4, lr=3e-3, progress=False, **SHAPE,
                        watch=lambda i, loss: look and i % 5 == 0 and ml.evaluate(learner, glyphs(1), 4, **SHAPE))
    assert run(False) == run(True)


def test_evaluate_and_proof_leave_every_module_in_its_mode():
    learner = protonet()
    learner.train()
    learner.network.body[1].eval()
    before = [module.training for module in learner.modules()]
    ml.evaluate(learner, glyphs(), 4, **SHAPE)
    ml.proof(learner, glyphs(), episodes=4, **SHAPE)
    assert [module.training for module in learner.modules()] == before


def test_loading_leaves_every_random_stream_where_it_is():
    torch.manual_seed(5)
    np.random.seed(5)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    ml.load("maml-sinusoid")
    ml.load("meta-lstm-sinusoid")
    ml.card("maml-sinusoid")
    ml.evaluate(ml.load("maml-sinusoid"), ml.tasks.Sinusoid(), 4)
    assert torch.equal(states[0], torch.get_rng_state()) and np.array_equal(states[1], np.random.get_state()[1])


def test_the_seed_reaches_recipes_that_start_from_shipped_weights():
    one, other, again = (ml.recipes.build("meta-lstm-omniglot-5w1s", seed) for seed in (0, 1, 0))
    assert not torch.equal(one.b_F, other.b_F) and torch.equal(one.b_F, again.b_F)
    torch.testing.assert_close(dict(one.network.named_parameters()), dict(other.network.named_parameters()), rtol=0, atol=0)


# ---- checkpoints

@pytest.mark.parametrize("options", [{}, {"optimizer": "sgd"}], ids=["adam", "sgd"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_resumed_run_equals_an_uncut_one(tmp_path, dropout, options):
    file = tmp_path / "run.safetensors"
    settings = RUN | options
    uncut = ml.train(protonet(dropout), glyphs(), **settings)
    with pytest.raises(KeyboardInterrupt):
        ml.train(protonet(dropout), glyphs(), checkpoint=file, every=4, watch=cut_at(4), **settings)
    torch.rand(7)                                                 # another process has drawn other numbers by now
    assert ml.train(protonet(dropout), glyphs(), checkpoint=file, resume=True, **settings) == uncut
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("learner, tasks, words", [
    (lambda: ml.MAML(ml.mlp(1, 20, 1), 0.4), ml.tasks.Sinusoid(), "inner_lr was 0.01, is 0.4"),
    (lambda: ml.MAML(ml.mlp(1, 20, 1), inner_steps=5), ml.tasks.Sinusoid(), "inner_steps was 1, is 5"),
    (lambda: ml.MAML(ml.mlp(1, 20, 1), first_order=True), ml.tasks.Sinusoid(), "first_order was False, is True"),
    (lambda: ml.MAML(ml.mlp(1, 20, 1, activation=nn.Tanh)), ml.tasks.Sinusoid(), r"network was .*ReLU.*, is .*Tanh"),
    (lambda: ml.MAML(ml.mlp(1, 20, 1), loss=nn.HuberLoss()), ml.tasks.Sinusoid(), "loss was None, is .*Huber"),
    (lambda: ml.MAML(ml.mlp(1, 20, 1)), ml.tasks.Sinusoid(amplitude=(0.1, 0.2)), "amplitude was"),
    (lambda: ml.ANIL(ml.mlp(1, 20, 1)), ml.tasks.Sinusoid(), "kind was 'MAML', is 'ANIL'"),
])
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, learner, tasks, words):
    file = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        ml.train(ml.MAML(ml.mlp(1, 20, 1), 0.01), ml.tasks.Sinusoid(), 20, 4, progress=False, checkpoint=file, every=5, watch=cut_at(9))
    with pytest.raises(ValueError, match=words):
        ml.train(learner(), tasks, 20, 4, progress=False, checkpoint=file, resume=True)


def test_a_finished_run_goes_on(tmp_path):
    file, tasks = tmp_path / "run.safetensors", ml.tasks.Sinusoid()
    def start():
        torch.manual_seed(0)
        return ml.MAML(ml.mlp(1, 20, 1), 0.01)
    ml.train(start(), tasks, 10, 4, progress=False, checkpoint=file)
    longer = ml.train(start(), tasks, 16, 4, progress=False, checkpoint=file, resume=True)
    assert longer == ml.train(start(), tasks, 16, 4, progress=False)
    with pytest.raises(ValueError, match="iterations was 16, is 12"):
        ml.train(start(), tasks, 12, 4, progress=False, checkpoint=file, resume=True)


def test_the_best_weights_on_validation_are_kept(tmp_path):
    torch.manual_seed(0)
    learner, tasks = ml.MAML(ml.mlp(1, 20, 1), 0.01), ml.tasks.Sinusoid()
    trials = [tasks.sample(20, seed=9)]
    history = ml.train(learner, tasks, 60, 4, lr=0.1, progress=False, validation=trials, validate_every=10)
    scores = dict(history.validation)
    assert list(scores) == [10, 20, 30, 40, 50, 60] and scores[history.best] == min(scores.values())
    assert ml.evaluate(learner, trials).mean == pytest.approx(scores[history.best])


# ---- layouts and parts

def test_layouts_do_not_change_what_is_learned():
    losses = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        learner = ml.ProtoNet(ml.conv4(3, 8, pool="max").to(memory_format=layout))
        losses.append(list(ml.train(learner, glyphs(), 6, 4, lr=3e-3, progress=False, **SHAPE)))
    torch.testing.assert_close(torch.tensor(losses[0]), torch.tensor(losses[1]), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("make", [protonet, lambda: (torch.manual_seed(0), ml.MAML(ml.conv4(3, 8), 0.1))[1]], ids=["running statistics", "MAML"])
def test_task_chunk_bounds_memory_not_results(make):
    losses = []
    for chunk in (None, 2, 1):
        learner = make()
        learner.task_chunk = chunk
        losses.append(list(ml.train(learner, glyphs(), 4, 4, optimizer="sgd", progress=False, **SHAPE)))
    torch.testing.assert_close(torch.tensor(losses[0]), torch.tensor(losses[1]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.tensor(losses[0]), torch.tensor(losses[2]), rtol=1e-4, atol=1e-5)


# ---- divergence

@pytest.mark.parametrize("rate", [1e3, 1e12])
@pytest.mark.parametrize("network", [lambda: ml.embedder(8), lambda: ml.Network(nn.Sequential(nn.Flatten(), ml.mlp(784, 32, 16)), nn.Identity())],
                         ids=["conv", "mlp"])
def test_divergence_is_said_and_everything_good_is_put_back(network, rate):
    torch.manual_seed(0)
    learner = ml.ProtoNet(network())
    try:
        ml.train(learner, glyphs(), 10, 2, lr=rate, optimizer="sgd", progress=False, **SHAPE)
    except ml.NonFiniteLoss as error:
        assert "Lower lr" in str(error)
    assert all(value.isfinite().all() for value in learner.state_dict().values())


def test_divergence_is_not_blamed_on_the_data():
    torch.manual_seed(0)
    learner = ml.ProtoNet(ml.Network(nn.Sequential(nn.Flatten(), ml.mlp(784, 32, 16)), nn.Identity()))
    with pytest.raises(ml.NonFiniteLoss):
        ml.train(learner, glyphs(), 10, 2, lr=1e3, optimizer="sgd", progress=False, **SHAPE)


# ---- families and judges

class Lines:
    """A family by somebody else: NumPy's float64, and as many tasks as it likes."""

    def __init__(self, extra=0):
        self.extra = extra

    def sample(self, n_tasks, seed=0):
        x = torch.from_numpy(np.random.default_rng(seed).normal(size=(n_tasks + self.extra, 20, 1)))
        x = x + torch.randn(1, generator=torch.Generator().manual_seed(seed))
        return Episode(Examples(x[:, :10], 2 * x[:, :10]), Examples(x[:, 10:], 2 * x[:, 10:]))


def test_other_peoples_families_are_taken_and_counted():
    learner = ml.MAML(ml.mlp(1, 20, 1))
    assert len(ml.train(learner, Lines(), 2, 4, progress=False)) == 2
    assert isinstance(Lines(), ml.Tasks) and ml.evaluate(learner, Lines(), 4).mean > 0
    for call in (lambda: ml.train(learner, Lines(1), 1, 4, progress=False), lambda: ml.evaluate(learner, Lines(1), 4)):
        with pytest.raises(ValueError, match="asked for . tasks and returned .; return one entry"):
            call()


def test_fixed_trials_are_judged_as_they_are():
    learner, tasks = ml.load("maml-sinusoid"), ml.tasks.Sinusoid()
    trials = [tasks.sample(3, seed=1), tasks.sample(2, seed=2, k_shot=5)]
    score = ml.evaluate(learner, trials)
    alone = torch.cat([ml.task_score(learner.adapt(e.support)(e.query.x), e.query.y) for e in trials]).detach()
    np.testing.assert_allclose(score.values, alone, rtol=1e-5)
    assert "5 episodes" in str(score) and "seed" not in str(score)
    with pytest.raises(TypeError, match="the trials are fixed; leave out k_shot"):
        ml.evaluate(learner, trials, k_shot=5)


def test_large_tasks_are_drawn_a_few_at_a_time():
    class Large:
        most = 0

        def sample(self, n_tasks, seed=0):
            Large.most = max(Large.most, n_tasks)
            x = torch.zeros(n_tasks, 20, 3, 300, 300)
            return Episode(Examples(x[:, :5], torch.arange(5).expand(n_tasks, 5)), Examples(x[:, 5:], torch.arange(15).expand(n_tasks, 15) % 5))

    class Nothing(ml.Learner):
        def adapt(self, support):
            return lambda x: torch.zeros(*x.shape[:2], 5)
    score = ml.evaluate(Nothing(), Large(), 9)
    assert Large.most <= 3 and len(score.values) == 9


def test_the_interval_is_students():
    from scipy import stats
    values = np.random.default_rng(0).normal(size=7)
    mean, half = ml.evaluation.mean_ci(values)
    low, high = stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_a_loss_of_ones_own_judges_too():
    learner = ml.MAML(ml.mlp(1, 20, 1), loss=nn.HuberLoss())
    score = ml.evaluate(learner, ml.tasks.Sinusoid(), 4)
    assert score.metric == "HuberLoss" and score.mean < ml.evaluate(learner, ml.tasks.Sinusoid(), 4, metric=ml.task_score).mean


def test_a_device_that_is_not_there_is_one_sentence():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    for call in (lambda: ml.train(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 1, 2, device="cuda", progress=False),
                 lambda: ml.evaluate(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 2, device="cuda")):
        with pytest.raises(ValueError, match="device 'cuda' cannot be used here .*; use 'cpu'"):
            call()


# ---- files

def test_a_folder_that_cannot_be_written_is_noticed_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "taken").mkdir()
    seen = []
    for path in (tmp_path / "file" / "run.safetensors", tmp_path / "taken"):
        with pytest.raises(OSError, match="cannot write .*; free some space, or name a folder that can be written"):
            ml.train(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 3, 2, progress=False, checkpoint=path, watch=lambda i, loss: seen.append(i))
    assert not seen


def test_a_full_disk_keeps_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "a.bin"
    storage.write_atomically(file, b"old")
    def full(self, data):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(type(file), "write_bytes", full)
    with pytest.raises(storage.NotWritten, match="No space left on device"):
        storage.write_atomically(file, b"new")
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


def test_two_runs_do_not_write_to_one_file(tmp_path):
    file = tmp_path / "run.safetensors"
    with storage.writing(file):
        with pytest.raises(ValueError, match="another run is writing to"):
            ml.train(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 1, 2, progress=False, checkpoint=file)
    assert ml.train(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 1, 2, progress=False, checkpoint=file)


def test_what_a_kill_left_half_written_is_removed(tmp_path):
    (tmp_path / ".run.safetensors.123456").write_bytes(b"half")
    (tmp_path / ".run.safetensors.note").write_bytes(b"not ours")
    with storage.writing(tmp_path / "run.safetensors"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".run.safetensors.note"]


def shelf(tmp_path):
    for suffix in ("safetensors", "json"):
        (tmp_path / f"maml-sinusoid.{suffix}").write_bytes((storage.WEIGHTS / f"maml-sinusoid.{suffix}").read_bytes())
    return storage.load_tensors(tmp_path / "maml-sinusoid.safetensors")


@pytest.mark.parametrize("change, note, words", [
    (lambda t: t | {"network.head.bias": torch.full((1,), math.nan)}, {}, "NaN or infinity in network.head.bias"),
    (lambda t: {k: v.half() for k, v in t.items()}, {}, "torch.float16 in .*, the network torch.float32"),
    (lambda t: t, {"recipe": "anil-sinusoid"}, "holds weights of recipe 'anil-sinusoid'"),
    (lambda t: t, {"seed": 1}, "was trained with seed 1, its card says 0"),
    (lambda t: dict(list(t.items())[1:]), {}, "does not fit recipe 'maml-sinusoid'"),
])
def test_weights_are_the_ones_that_were_asked_for(tmp_path, change, note, words):
    tensors, about = shelf(tmp_path)
    storage.save_tensors(tmp_path / "maml-sinusoid.safetensors", change(tensors), about | note)
    with pytest.raises(ValueError, match=words):
        ml.load("maml-sinusoid", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_card_or_weights_file_is_a_sentence(tmp_path, content):
    shelf(tmp_path)
    (tmp_path / "maml-sinusoid.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="does not hold weights saved by metalib"):
        ml.load("maml-sinusoid", tmp_path)
    (tmp_path / "maml-sinusoid.json").write_bytes(content)
    with pytest.raises(ValueError, match="is no JSON"):
        ml.card("maml-sinusoid", tmp_path)


def test_a_misspelt_name_gets_the_nearest_three():
    for call in (ml.load, ml.card, ml.recipes.build):
        with pytest.raises(ValueError, match=r"'maml-sinusiod'; near are maml-sinusoid, .*, [a-z0-9-]*\.$") as found:
            call("maml-sinusiod")
        assert len(str(found.value)) < 120


def test_no_warning_on_the_way(recwarn):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ml.evaluate(ml.load("maml-sinusoid"), ml.tasks.Sinusoid(), 4)


@pytest.mark.parametrize("make, options", [(lambda: ml.MAML(ml.conv4(3, 8), 0.1), {"steps": 2}), (lambda: ml.ProtoNet(ml.embedder(8)), {}),
                                           (lambda: ml.ANIL(ml.conv4(3, 8), 0.1), {}), (lambda: ml.MetaLSTM(ml.conv4(3, 4)), {"steps": 1})])
def test_a_predictor_is_kept_and_used_on_one_picture(tmp_path, make, options):
    torch.manual_seed(0)
    learner, episode = make(), glyphs().sample(1, seed=3, **SHAPE)
    one = episode.query.x[:, :1]
    with torch.no_grad():
        before = learner.eval().adapt(episode.support, **options)(one)
    ml.save_adapted(tmp_path / "mine.safetensors", learner, episode.support, **options)
    torch.manual_seed(1)
    with torch.no_grad():
        torch.testing.assert_close(ml.load_adapted(tmp_path / "mine.safetensors", make())(one), before)
    with pytest.raises(ValueError, match="holds another learner"):
        ml.load_adapted(tmp_path / "mine.safetensors", ml.MAML(ml.mlp(1, 4, 1)))
