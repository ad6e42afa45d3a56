"""What newcomers bring: networks, losses, tables and habits that nobody here thought of. Right, or one sentence at the door."""
import copy
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

import metalib as ml
from metalib.data import DataError, read_table
from metalib.episodes import Episode, Examples
from metalib.identity import described, differences
from metalib.incoming import as_tensor
from metalib.tasks import Arrays, Assays, Folder, Loaded, Ratings, Texts


def task(width=4, n_way=3, tasks=3):
    x = torch.from_numpy(np.random.RandomState(1).standard_normal((tasks, 4 * n_way, width)))
    y = torch.arange(n_way).repeat(4).expand(tasks, -1)
    return Episode(Examples(x[:, ::2], y[:, ::2]), Examples(x[:, 1::2], y[:, 1::2]))


def assert_equals_a_literal_loop(network, episode, rate=0.1, steps=2):
    learner = ml.MAML(network, rate, steps).train()
    start, total = {name: p for name, p in network.named_parameters() if p.requires_grad}, 0.0
    for t in range(len(episode)):
        weights = start
        for _ in range(steps):
            loss = F.cross_entropy(functional_call(network, weights, (episode.support.x[t],)), episode.support.y[t])
            weights = {name: p - rate * g for (name, p), g in
                       zip(weights.items(), torch.autograd.grad(loss, list(weights.values()), create_graph=True))}
        total = total + F.cross_entropy(functional_call(network, weights, (episode.query.x[t],)), episode.query.y[t]) / len(episode)
    found = torch.autograd.grad(learner.meta_loss(episode), list(start.values()))
    torch.testing.assert_close(found, torch.autograd.grad(total, list(start.values())), rtol=1e-10, atol=1e-12)


# ---- networks

class Words(nn.Module):
    """An embedding whose first row stands for padding: it has no gradient."""

    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(6, 5, padding_idx=0), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.words((2 * x.abs()).long().clamp(max=5)).mean(1))


def another_head():
    network = ml.mlp(4, 5, 7)
    network.head = nn.Linear(5, 3)
    return network


def frozen_bias():
    network = ml.mlp(4, 5, 3)
    network.head.bias.requires_grad_(False)
    return network


@pytest.mark.parametrize("make", [Words, another_head, frozen_bias, lambda: ml.mlp(4, 5, 3, activation=lambda: nn.LayerNorm(5)),
                                  lambda: ml.mlp(4, 5, 3, activation=nn.PReLU),
                                  lambda: nn.Sequential(ml.networks.Linear(4, 5, bias=False), nn.Tanh(), ml.networks.Linear(5, 3)),
                                  lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 3))],
                         ids=["padding row", "another head", "frozen bias", "layer norm", "PReLU", "no bias", "weight norm"])
def test_the_outer_gradient_is_that_of_a_loop(make):
    torch.manual_seed(0)
    assert_equals_a_literal_loop(make().double(), task())


def test_threads_do_not_meet_in_one_network():
    torch.manual_seed(0)
    learner, episode = ml.ANIL(ml.mlp(4, 30, 3), 0.1).double().eval(), task()
    before, wanted = copy.deepcopy(learner.state_dict()), learner.adapt(episode.support, 5)(episode.query.x)
    parts = [episode[i:i + 1] for i in range(3)]
    alone = [learner.adapt(part.support, 5)(part.query.x) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for found, part in zip(pool.map(lambda i: learner.adapt(parts[i % 3].support, 5)(parts[i % 3].query.x), range(60)), alone * 20):
            torch.testing.assert_close(found, part, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(learner.state_dict(), before, rtol=0, atol=0)
    torch.testing.assert_close(torch.cat(alone), wanted, rtol=1e-10, atol=1e-12)


class Says(nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.layer, self.answer = nn.Linear(4, 3), answer

    def forward(self, x):
        return self.answer(self.layer(x))


@pytest.mark.parametrize("answer, error, words", [
    (lambda h: (h, None), TypeError, "Says returned a tuple; its forward has to return one tensor"),
    (lambda h: {"logits": h}, TypeError, "returned a dict"),
    (lambda h: h.detach(), ValueError, "depends on no parameter that adapts; take detach"),
])
def test_a_network_that_cannot_be_adapted_is_one_sentence(answer, error, words):
    for kind in (ml.MAML, ml.SGD):
        with pytest.raises(error, match=words):
            kind(Says(answer).double()).adapt(task().support)


@pytest.mark.parametrize("loss, words", [("mse", "loss is 'mse'; give a function"), (nn.HuberLoss, "loss is <class .*HuberLoss"),
                                         (lambda p, y: p.argmax(-1) != y, "the loss gave torch.bool"), (lambda p, y: 1.0, "the loss gave float")])
def test_a_loss_that_is_none_is_one_sentence(loss, words):
    with pytest.raises(TypeError, match=words):
        ml.MAML(ml.mlp(4, 5, 3).double(), loss=loss).adapt(task().support)


def test_pictures_for_a_perceptron_are_flattened_or_refused():
    network, pictures = ml.mlp(4, 5, 3).double(), task()
    as_pictures = Examples(pictures.support.x.unflatten(2, (2, 2)), pictures.support.y)
    with pytest.raises(ValueError, match=r"this layer takes 4 numbers in the last axis"):
        ml.MAML(network).adapt(as_pictures)
    with pytest.raises(ValueError, match=r"take \[tasks, n, 4\]: flatten first"):
        ml.MAML(network).adapt(Examples(pictures.support.x[:, :, None], pictures.support.y))
    plain = ml.MAML(network, 0.1).adapt(pictures.support)(pictures.query.x)
    network.body.insert(0, nn.Flatten(2))                         # takes the axis of tasks along
    found = ml.MAML(network, 0.1).adapt(as_pictures)(pictures.query.x.unflatten(2, (2, 2)))
    torch.testing.assert_close(found, plain, rtol=1e-12, atol=1e-12)


def test_a_width_that_does_not_fit_names_both():
    with pytest.raises(ValueError, match=r"x has shape \[3, 6, 4\]; this layer takes 2 numbers in the last axis"):
        ml.MAML(ml.mlp(2, 5, 3).double()).adapt(task().support)


@pytest.mark.parametrize("make", [lambda: ml.MAML(ml.conv4(3, 4), 0.1), lambda: ml.ProtoNet(ml.conv4(3, 4))])
def test_queries_are_those_of_the_tasks_that_were_learned(make):
    episode = ml.tasks.Glyphs().sample(2, n_way=3, k_shot=1, n_query=1, seed=1)
    predict = make().eval().adapt(episode.support)
    for answer in (predict, predict.together):
        assert answer(episode.query.x[:, :0]).shape == (2, 0, 3)
    for wrong in (episode.query.x[:1], episode.query.x[0], (255 * episode.query.x).byte(), episode.query.x[..., :20]):
        with pytest.raises(ValueError, match="only the second number may differ"):
            predict(wrong)
    with pytest.raises(ValueError, match=r"x has shape \[1, 6, 4\], but 3 tasks were learned"):
        ml.MAML(nn.Linear(4, 3).double()).adapt(task().support)(task().query.x[:1])


def test_images_too_small_to_stand_alone_are_judged():
    class Small:
        def sample(self, n_tasks, seed=0, **shape):
            e = ml.tasks.Glyphs().sample(n_tasks, seed=seed, **shape)
            return Episode(*(Examples(F.interpolate(p.x.flatten(0, 1), 16).unflatten(0, p.x.shape[:2]), p.y) for p in (e.support, e.query)))
    torch.manual_seed(0)
    learner = ml.MAML(ml.conv4(5, 8, image_size=16), 0.1)
    score = ml.evaluate(learner, Small(), 4, n_way=5, k_shot=1, n_query=2)
    assert np.isfinite(score.values).all() and not score.transductive


def test_what_is_frozen_later_stays_too():
    learner = ml.MetaLSTM(ml.mlp(4, 5, 3)).double()
    learner.network.body.requires_grad_(False)
    assert sorted(learner.adapt(task().support).fast) == ["head.bias", "head.weight"]
    learner.network.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to move"):
        learner.adapt(task().support)


# ---- callers

def test_a_missing_gpu_is_one_line_of_the_command(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    told = subprocess.run([sys.executable, "-m", "metalib", "train", "maml-sinusoid", "--device", "cuda", "--iterations", "3", "--out",
                           str(tmp_path)], capture_output=True, text=True)
    assert told.returncode and "Traceback" not in told.stderr and "device 'cuda' cannot be used here" in told.stderr


@pytest.mark.parametrize("call, words", [
    (lambda: ml.train(nn.Linear(1, 1), ml.tasks.Sinusoid(), 1), "Linear is no learner; give a metalib.Learner"),
    (lambda: ml.evaluate(ml.MAML, ml.tasks.Sinusoid(), 2), "MAML is no learner"),
    (lambda: ml.train(ml.tasks.Sinusoid(), None, 1), "Sinusoid is no learner"),
    (lambda: ml.train(ml.MAML(ml.mlp(1, 1)), ml.tasks.Sinusoid, 1), "Sinusoid is no family of tasks"),
    (lambda: ml.evaluate(ml.MAML(nn.LazyLinear(1)), ml.tasks.Sinusoid(), 2), "network.weight holds no numbers yet"),
    (lambda: ml.train(ml.MAML(ml.mlp(1, 1)), ml.tasks.Sinusoid(), 1, seed=-1), "seed is -1; use whole"),
    (lambda: ml.train(ml.MAML(ml.mlp(1, 1)), ml.tasks.Sinusoid(), 1, lr="fast"), "lr is 'fast'"),
    (lambda: ml.train(ml.MAML(ml.mlp(1, 1)), ml.tasks.Sinusoid(), 1, validation=[]), "the list of trials is empty"),
])
def test_what_is_no_learner_family_or_setting_is_one_sentence(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_without_tasks_is_refused(chunk):
    learner = ml.MAML(ml.mlp(1, 4, 1))
    learner.task_chunk = chunk
    with pytest.raises(ValueError, match=f"task_chunk is {chunk}"):
        ml.train(learner, ml.tasks.Sinusoid(), 1, 2, progress=False)


def test_a_device_file_is_not_replaced_by_a_checkpoint(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is no regular file"):
        ml.train(ml.MAML(ml.mlp(1, 4, 1)), ml.tasks.Sinusoid(), 1, 2, progress=False, checkpoint=tmp_path / "pipe")
    assert not (tmp_path / "pipe").is_file()


def test_a_predictor_that_could_not_be_loaded_is_not_kept(tmp_path):
    learner = ml.MAML(ml.mlp(1, 4, 1))
    with pytest.raises(TypeError, match="stepz"):
        ml.save_adapted(tmp_path / "p", learner, ml.tasks.Sinusoid().sample(1).support, stepz=2)
    assert not (tmp_path / "p").exists()
    ml.storage.save_tensors(tmp_path / "w", learner.state_dict(), {"recipe": "mine"})
    with pytest.raises(ValueError, match="holds no adapted predictor"):
        ml.load_adapted(tmp_path / "w", learner)


def test_private_settings_and_tables_belong_to_a_run():
    class Own:
        def __init__(self, tasks, scale):
            self._tasks, self._scale, self._cache = tasks, scale, np.random.rand(3)
    one, same, other = (described(Own(ml.tasks.Sinusoid(), scale)) for scale in (1.0, 1.0, 2.0))
    assert one == same and differences(one, other) == ["_scale was 1.0, is 2.0"]
    assert described(Own(ml.tasks.Sinusoid(amplitude=(1, 2)), 1.0)) != one
    assert described(range(3)) != described(range(4)) and described({"b", "a"}) == described({"a", "b"})
    x = np.random.rand(4, 2)
    assert described(Arrays(x, Table([0, 1, 0, 1]))) != described(Arrays(x, Table([0, 1, 1, 0])))


@pytest.mark.parametrize("judge", [ml.metrics.mae, ml.metrics.ndcg(1)])
def test_metrics_compare_shapes(judge):
    with pytest.raises(ValueError, match="must be the same"):
        judge(torch.zeros(2, 3), torch.zeros(2, 3, 1))


def test_ranking_knows_two_classes():
    with pytest.raises(ValueError, match="class number 2 has no place among 2"):
        ml.metrics.roc_auc(torch.randn(1, 4, 2), torch.tensor([[0, 1, 2, 1]]))


# ---- tables

class Index(list):
    def equals(self, other):
        return self == other


class Table:
    """What the library needs to know of a data frame's column, and no more: it is read by position and has names for its rows."""

    def __init__(self, values, index=None):
        self.values = np.asarray(values)
        self.index, self.ndim, self.shape = Index(index or range(len(self.values))), self.values.ndim, self.values.shape

    def to_numpy(self):
        return self.values

    def __getitem__(self, name):                                  # by the row's name, as a data frame does
        return self.values[self.index.index(name)]

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)


X = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize("x", [X[::-1][::-1], X.astype(">f8"), X.astype(np.longdouble), X.astype(object), X.astype("uint16"), X.tolist(), Table(X),
                               [torch.from_numpy(row) for row in X], torch.from_numpy(X).to_sparse(), np.ma.masked_greater(X, 99)],
                         ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')}")
def test_numbers_of_every_kind_are_those_numbers(x):
    assert np.array_equal(as_tensor(x).numpy(), X)
    assert Arrays(x, [0, 1] * 3).x.tolist() == X.tolist()


@pytest.mark.parametrize("x, words", [(X * 1j, "holds complex128, not numbers"), ([[1, 2], [3]], "rows of x differ in length"),
                                      (X.astype("datetime64[ns]"), "not numbers"), (np.ma.masked_greater(X, 3), "NaN or infinity")])
def test_what_are_no_numbers_is_refused(x, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Arrays(x, [0] * len(x))


def test_a_source_that_changes_later_changes_no_task():
    x, texts = torch.from_numpy(X.copy()), ["red", "green", "blue", "cyan"]
    tasks, words = Arrays(x, [0, 0, 0, 1, 1, 1]), Texts(texts, [0, 0, 1, 1])
    draws = [t.sample(1, n_way=2, n_query=1, seed=1).support.x for t in (tasks, words)]
    x.zero_()
    texts.reverse()
    for t, before in zip((tasks, words), draws):
        assert t.sample(1, n_way=2, n_query=1, seed=1).support.x.equal(before)


@pytest.mark.parametrize("y", [np.array(["a", "a", "b", None, "b", "a"], object), [0.0, 0, 1, np.nan, 1, 0],
                               np.ma.masked_array([0, 0, 1, 7, 1, 0], [0, 0, 0, 1, 0, 0])], ids=["None", "NaN", "masked"])
def test_rows_without_a_label_are_left_out_and_counted(y):
    with pytest.warns(UserWarning, match="1 of 6 examples have no label and are left out"):
        tasks = Arrays(X, y)
    assert [m.tolist() for m in tasks.members] == [[0, 1, 5], [2, 4]]


def test_labels_in_a_column_and_labels_of_two_kinds():
    assert Arrays(X, np.array([[0], [0], [1], [1], [2], [2]])).names == ["0", "1", "2"]
    with pytest.raises(TypeError, match=r"cannot be sorted together \(int, str\); make all of them strings"):
        Arrays(X, np.array([0, 0, 1, "1", "1", 0], object))
    with pytest.raises(ValueError, match=r"labelled '0' \(str\); labels are 0, 1 \(int\)"):
        Arrays(X, [0, 1] * 3, classes=["0"])


def test_tables_are_read_by_position_and_paired_by_index():
    texts, labels = ["wake me", "set an alarm", "play", "music"], ["a", "a", "m", "m"]
    tasks = Texts(Table(texts, [3, 2, 1, 0]), Table(labels, [3, 2, 1, 0]))
    assert [tasks.sentences(i) for i in (0, 1)] == [texts[:2], texts[2:]]
    for make in (lambda: Texts(Table(texts), Table(labels, [3, 2, 1, 0])), lambda: Arrays(Table(X), Table([0, 1] * 3, range(1, 7)))):
        with pytest.raises(ValueError, match="name their rows differently"):
            make()


def test_an_episode_of_anything():
    told, asked = np.array([7, 7, 9, 9]), np.array([9, 7])
    for y in ((told, asked), (told[:, None], asked[:, None]), (Table(told), Table(asked)), (["b", "b", "c", "c"], ["c", "b"]), (told > 8, asked > 8)):
        episode = Episode.of(X[:4], y[0], X[4:], y[1])
        assert episode.support.y.tolist() == [[0, 0, 1, 1]] and episode.query.y.tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="support x and y have 2 and 3 tasks"):
        Episode.of(np.zeros((2, 4, 2)), np.tile([0, 0, 1, 1], (3, 1)), np.zeros((2, 1, 2)), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match=r"y has shape \[4\] and dtype float64; give classes as whole numbers or words"):
        Episode.of(X[:4], X[:4, 0], X[4:], X[4:, 0])


def test_a_loader_of_episodes_and_of_anything_else():
    one = ml.tasks.Sinusoid().sample(2, seed=1)
    assert Loaded([one]).sample(2).support.x.equal(one.support.x)
    with pytest.raises(TypeError, match=r"a batch is a dict of 1; give \(x_support"):
        Loaded([{"train": 1}])
    with pytest.raises(ValueError, match="episodes of 2 shapes.*ask for one task at a time"):
        Loaded([one, ml.tasks.Sinusoid().sample(1, k_shot=3)]).sample(3)


# ---- files

@pytest.mark.parametrize("text", ["a,b\n1,x\n2,y\n", "a;b\n1;x\n2;y", "a\tb\r\n1\tx\r\n2\ty\r\n", "a, b\r1, x\r2, y\r", "a,b\n\n1,x,\n,\n2,y\n"])
def test_a_table_however_it_was_saved(tmp_path, text):
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "t.csv").write_bytes(text.encode(coding))
        names, rows = read_table(tmp_path / "t.csv")
        assert names == ["a", "b"] and [row for _, row in rows] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def test_a_table_that_contradicts_itself_is_refused(tmp_path):
    (tmp_path / "train.csv").write_text("filename,label\n1.png,a\n1.png,b\n")
    with pytest.raises(DataError, match="line 3: 1.png is labelled 'b' here and 'a' above"):
        Folder(tmp_path, "train")
    for text, words in (("a,a\n1,2\n", "has the column 'a' twice"), ("a,b\n1,2,3\n", "line 2, has 3 fields for 2 columns")):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(DataError, match=words):
            read_table(tmp_path / "t.csv")


def test_a_molecule_in_several_rows_keeps_all_its_labels(tmp_path):
    pytest.importorskip("rdkit")
    (tmp_path / "t.csv").write_text("s;a;b\nCC;1;\nCC;nan;True\nCCC;0;0.0\n")
    with pytest.warns(UserWarning, match="1 molecules in .* repeat another's features"):
        tasks = Assays.from_csv(tmp_path / "t.csv", "s", ["a", "b"], molecules="shared")
    assert tasks.table.labels.tolist() == [[1, 1], [0, 0]]
    assert Assays.from_csv(tmp_path / "t.csv", "s", "b", molecules="shared").names == ["b"]


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    from PIL import Image
    (tmp_path / "a").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.HEIC").write_bytes(b"what a telephone writes")
    (tmp_path / "a" / "notes.txt").write_text("not a picture")
    with pytest.warns(UserWarning, match="2.HEIC is no whole image"):
        assert Folder(tmp_path, image_size=8).per_class.tolist() == [1]


def test_a_mixture_is_of_classes():
    for families in ((ml.tasks.Sinusoid(),), ([ml.tasks.Glyphs()],)):
        with pytest.raises(TypeError, match="has no classes to number on"):
            ml.tasks.Mixture(*families)


# ---- ratings

def test_ratings_of_ones_own_are_users_as_tasks():
    rng = np.random.RandomState(0)
    user, item = np.repeat([f"u{i:02}" for i in range(40)], 30), np.concatenate([rng.permutation(60)[:30] for _ in range(40)])
    known, new = (Ratings.of(user, item, 10.0 * np.arange(len(user)), situation) for situation in ("training", "user-cold"))
    episode = new.sample(5, k_shot=3, n_query=4, seed=1)
    stars = torch.cat([episode.support.y, episode.query.y], 1)[..., 0]
    for u, films, own in zip(episode.about["user"], episode.about["film"], stars):             # each task is one user's own ratings
        for film, value in zip(films, own):
            row = int(value) // 10
            assert user[row] == f"u{int(u):02}" and str(item[row]) == new.split.table.titles[int(film)]
    assert not set(known.rows()) & set(new.rows())
    ml.train(ml.MAML(ml.mlp(len(known.columns), 8, 1)), known, 2, 2, progress=False, k_shot=3, n_query=4)


def test_ratings_that_are_none_are_one_sentence():
    with pytest.warns(UserWarning, match="1 ratings are of a user and an item that are rated again"):
        assert Ratings.of([1, 1, 2], [5, 5, 5], [1.0, 4.0, 3.0]).source.stars.tolist() == [4.0, 3.0]
    for call, words in ((lambda: Ratings.of([1], [1, 2], [1.0]), "1 users, 2 items and 1 ratings"),
                        (lambda: Ratings.of([1], [1], [np.nan]), "NaN or infinity"),
                        (lambda: Ratings.of([1], [1], [3.0]).columns and Ratings.of([1], [1], [3.0]).split, "has rated a known item")):
        with pytest.raises(ValueError, match=words):
            call()
