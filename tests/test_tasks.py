"""Task families: one image convention, one `sample`, the same episode everywhere; quadratics against their closed forms."""
import hashlib
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import metalib as ml
from metalib.course import quadratics
from metalib.data import DataError
from metalib.tasks import Digits, Glyphs, Omniglot, Quadratics
from metalib.tasks.waves.quadratics import linear, quadratic_episode
from metalib.tasks.images.glyphs import characters, hand
from metalib.tasks.images.ink import draw_strokes, resize_to_ink

torch.set_num_threads(1)


def source(name: str):
    if not name.startswith("omniglot"):
        return {"glyphs": Glyphs(), "digits": Digits()}[name]
    if "METALIB_DATA" not in os.environ:
        pytest.skip("METALIB_DATA is not set: no real Omniglot")
    tasks = Omniglot(name.removeprefix("omniglot-"))
    try:
        tasks.images(0, 0)
    except DataError as error:
        pytest.skip(str(error))
    return tasks


SPLITS = ["background", "evaluation", "train", "validation", "test"]
SOURCES = ["glyphs", "digits", *(f"omniglot-{split}" for split in SPLITS)]


# --- the convention, for every source ---------------------------------------------------------------------------------

@pytest.mark.parametrize("name", SOURCES)
def test_ink_on_paper(name):
    tasks = source(name)
    x = tasks.images(np.random.RandomState(0).randint(0, tasks.n_classes, 400), np.arange(400) % 20)
    assert x.shape == (400, 1, 28, 28) and x.dtype == torch.float32 and x.min() >= 0 and x.max() <= 1
    assert 0.05 < x.mean() < 0.16                                                             # little ink, much paper
    assert x.flatten(1).amax(1).min() > 0.5 and x.flatten(1).mean(1).max() < 0.3              # on every image
    border = torch.cat([x[..., 0, :], x[..., -1, :], x[..., :, 0], x[..., :, -1]], -1)
    assert border.mean() < 0.01                                                               # nothing is cut off


@pytest.mark.parametrize("name", SOURCES)
def test_sample_is_images_of_what_about_says(name):
    tasks = source(name)
    episode, again, other = (tasks.sample(3, n_way=4, k_shot=2, n_query=3, seed=s) for s in (5, 5, 6))
    assert episode.support.x.shape == (3, 8, 1, 28, 28) and episode.query.x.shape == (3, 12, 1, 28, 28)
    assert torch.equal(episode.support.x, again.support.x) and torch.equal(episode.query.y, again.query.y)
    assert not torch.equal(episode.query.x, other.query.x)
    pixels = torch.cat([episode.support.x, episode.query.x], 1).flatten(2)
    assert all(len(task.unique(dim=0)) == 20 for task in pixels)                              # no image twice
    if name != "glyphs":                                                                      # each is one of its class
        for x, y, classes in zip(episode.query.x, episode.query.y, episode.about["classes"]):
            for image, label in zip(x, y):
                c = int(classes[label])
                size = np.broadcast_to(tasks.per_class, tasks.n_classes)[c]
                assert (tasks.images(c, np.arange(size)) == image).all((1, 2, 3)).any()


@pytest.mark.parametrize("name", SOURCES)
def test_raw_pixels_help_but_do_not_solve(name):
    """A nearest centroid is well above chance (drawings of a class look alike), and far from done (not too alike)."""
    episode = source(name).sample(100, n_way=5, k_shot=1, n_query=5, seed=0)
    accuracy = ml.task_score(ml.NearestCentroid().adapt(episode.support)(episode.query.x), episode.query.y).mean()
    assert 0.35 < accuracy < 0.85                                                             # chance is 0.2


@pytest.mark.parametrize("name", ["glyphs", "digits", "omniglot-test"])
def test_numbers_out_of_range_are_refused(name):
    tasks = source(name)
    for classes, examples, says in (
            (tasks.n_classes, 0, f"class number is {tasks.n_classes}; there are {tasks.n_classes} classes"),
            ([-1, 3], 0, "class number is -1"), ([0, 3], [1, -2], "example number is -2; class 3 has"),
            (0.5, 0, "whole numbers")):
        with pytest.raises(ValueError, match=says):
            tasks.images(classes, examples)
    if name != "glyphs":
        with pytest.raises(ValueError, match="example number is 200; class 0 has"):
            tasks.images(0, 200)
    with pytest.raises(ValueError, match="ask for at most"):
        tasks.sample(1, n_way=tasks.n_classes + 1)


def test_digits_know_their_own_number():
    tasks = Digits()
    assert tasks.per_class.sum() == 1_797 and tasks.per_class.min() == 174
    with pytest.raises(ValueError, match=r"n_query is 184, but only 0 of 10 classes have as many examples; for 2 ways ask for at most 18\d"):
        tasks.sample(1, n_way=2, k_shot=1, n_query=183)
    assert (tasks.images(8, 173) >= 0).all()


def test_importing_metalib_loads_nothing_heavy():
    code = "import sys, metalib; print([m for m in ('sklearn', 'PIL', 'pooch', 'requests', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# --- the pen ----------------------------------------------------------------------------------------------------------

def test_a_line_has_the_ink_of_its_width_and_length():
    for width in (0.03, 0.05, 0.1):
        x = draw_strokes([[(0.2, 0.5), (0.8, 0.5)]], width=width)
        area = width * 0.6 + np.pi * width**2 / 4                                             # round ends
        assert x.mean().item() == pytest.approx(area, rel=0.1)
    assert draw_strokes([]).sum() == 0 and draw_strokes([[(0.5, 0.5)]]).sum() > 1             # blank paper; a dot


def test_x_is_right_and_y_is_down():
    x = draw_strokes([[(0.9, 0.1)]], width=0.1)[0, 0]
    assert x[:14, 14:].sum() == x.sum() > 0


def test_what_leaves_the_page_is_cut_off():
    inside, beyond = draw_strokes([[(0.5, 0.5), (1, 0.5)]]), draw_strokes([[(0.5, 0.5), (1.5, 0.5)], [(-3, -3), (-2, 9)]])
    assert torch.equal(inside, beyond)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5), min_size=1, max_size=6))
def test_many_drawings_at_once_are_the_drawings_one_by_one(strokes):
    image, width = np.arange(len(strokes)) // 2, 0.03 + 0.01 * np.arange((len(strokes) + 1) // 2)
    together = draw_strokes(strokes, image, width=width)
    alone = [draw_strokes([s for s, j in zip(strokes, image) if j == i], width=width[i]) for i in range(len(width))]
    assert torch.equal(together, torch.cat(alone)) and 0 <= together.min() and together.max() <= 1


@pytest.mark.parametrize("call, says", [
    (lambda: draw_strokes([[0.1, 0.2]]), r"a stroke has shape \[2\]; expected points \[n, 2\]"),
    (lambda: draw_strokes([np.zeros((0, 2))]), r"shape \[0, 2\]"),
    (lambda: draw_strokes([[(0, np.nan)]]), "NaN or infinity"),
    (lambda: draw_strokes([[(0, 0)]], image=[0, 1]), r"one image number per stroke: \[1\]"),
    (lambda: draw_strokes([[(0, 0)]], image=[2], n_images=2), "with n_images=2 use 0 to 1"),
    (lambda: draw_strokes([[(0, 0)]], width=0), "width is 0 to 0"),
    (lambda: draw_strokes([[(0, 0)]], width=0.5), "at most 0.2"),
    (lambda: resize_to_ink(np.zeros(4)), r"image has shape \[4\]"),
    (lambda: resize_to_ink(np.full((9, 9), 2.0)), "values 2.0 to 2.0; give bool, uint8"),
    (lambda: resize_to_ink(np.zeros((9, 9), np.int64)), "dtype int64"),
])
def test_the_pen_refuses_what_it_cannot_draw(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_any_picture_becomes_ink_on_paper():
    from PIL import Image

    page = np.full((60, 90, 3), 255, np.uint8)
    page[20:40, 30:60] = 0                                                                    # a dark block on a wide page
    photo = resize_to_ink(Image.fromarray(page))
    assert photo.shape == (1, 28, 28) and photo[0, 14, 14] == 1 and photo[0, :4].max() == 0
    assert torch.equal(photo, resize_to_ink(page[..., 0]))
    assert torch.equal(photo, resize_to_ink(255 - page[..., 0], dark_ink=False))
    assert photo.mean().item() == pytest.approx(20 * 30 / 90**2, rel=0.05)                    # padded to a square
    assert torch.equal(resize_to_ink(np.ones((2, 3, 28, 28), bool)), torch.zeros(2, 3, 1, 28, 28))
    assert resize_to_ink(np.zeros((8, 8))).min() == 1                                         # enlarging keeps ink black


# --- glyphs -----------------------------------------------------------------------------------------------------------

def test_glyphs_are_frozen():
    """Not only here: on every machine. Pages are one-bit, and the shrinking sums are exact in float32."""
    x = Glyphs(seed=3).images(np.arange(20)[:, None], [0, 1, 2**31 - 2])
    levels = (x.numpy().astype(np.float64) * 65536).astype("<i4")
    assert (levels == x.numpy() * 65536.0).all()
    assert hashlib.sha256(levels.tobytes()).hexdigest()[:16] == "e1ede4de5c86aedf"


def test_a_drawing_does_not_depend_on_its_company():
    tasks, classes, examples = Glyphs(seed=1), np.arange(300) % 70, np.arange(300)
    x = tasks.images(classes, examples)
    assert torch.equal(x[[7, 150, 299]], tasks.images(classes[[7, 150, 299]], examples[[7, 150, 299]]))
    assert torch.equal(x[150], tasks.images(classes[150], examples[150]))
    assert torch.equal(x[:60], Glyphs(seed=1, n_classes=70).images(classes[:60], examples[:60]))
    assert tasks.images(np.zeros((2, 0), int), np.zeros((2, 0), int)).shape == (2, 0, 1, 28, 28)


def test_families_are_disjoint_and_classes_distinct():
    shapes = [path.tobytes() for seed in range(3) for path in characters(seed, 2_000)[0]]
    assert len(set(shapes)) == 6_000
    x = torch.cat([Glyphs(seed=s).images(np.arange(400), 0) for s in (0, 1)]).flatten(1)
    assert (torch.cdist(x, x) + 99 * torch.eye(800)).min() > 1                                # nor do any two look the same


def test_the_hand_is_unsteady_by_the_right_amount():
    noise = hand(0, np.arange(4_000) % 40, np.arange(4_000) // 40, 39)
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 1) < 0.01 and abs(noise).max() < 3.5
    correlation = np.corrcoef(noise.T)
    assert abs(correlation - np.eye(39)).max() < 0.09                                         # 5 to 6 standard errors
    assert np.abs(np.corrcoef(noise[:40])[np.triu_indices(40, 1)]).max() < 0.7                # between drawings, 39 numbers each


def test_glyphs_come_at_3000_a_second():
    tasks = Glyphs()
    tasks.sample(1)                                                                           # the classes are made once
    start = time.process_time()
    episode = tasks.sample(32, n_way=5, k_shot=1, n_query=15, seed=1)
    rate = 32 * 80 / (time.process_time() - start)
    assert len(episode) == 32 and rate > 3_000, f"{rate:.0f} images/s"


@pytest.mark.parametrize("wrong, says", [
    (dict(n_classes=0), "n_classes is 0; .* at least 1"), (dict(seed=-1), "seed is -1; .* at least 0"),
    (dict(seed=2**32), "seed is 4294967296"), (dict(seed=(0, 1)), r"seed is \(0, 1\)")])
def test_glyphs_refuse(wrong, says):
    with pytest.raises(ValueError, match=says):
        Glyphs(**wrong)


# --- quadratics -------------------------------------------------------------------------------------------------------

def bowls(dim=3, n_tasks=6, seed=0):
    episode = Quadratics(dim, dtype=torch.float64).sample(n_tasks, seed=seed)
    theta = torch.from_numpy(np.random.RandomState(seed + 1).randn(dim))
    return episode, episode.about["A"], episode.about["c"], theta


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 1000))
def test_a_bowl_is_the_mean_squared_error_of_its_episode(dim, n_tasks, seed):
    episode, A, c, theta = bowls(dim, n_tasks, seed)
    network = linear(dim, theta, torch.float64)
    prediction = network(episode.support.x.flatten(0, 1)).view_as(episode.support.y)
    by_hand = torch.stack([0.5 * (theta - c_i) @ A_i @ (theta - c_i) for A_i, c_i in zip(A, c)])
    assert (ml.task_loss(prediction, episode.support.y) - by_hand).abs().max() < 1e-12
    assert (quadratics.loss(theta, A, c) - by_hand).abs().max() < 1e-12
    values = torch.linalg.eigvalsh(A)
    assert values.min() > 0.2 - 1e-9 and values.max() < 2 + 1e-9
    assert ((ml.task_loss(c[:, None] @ episode.query.x.mT, episode.query.y.mT)) < 1e-24).all()    # c_i is the minimum


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_every_closed_form_is_what_the_learner_does(steps):
    episode, A, c, theta = bowls()
    for first_order, gradient in ((False, quadratics.maml_gradient), (True, quadratics.first_order_gradient)):
        learner = ml.MAML(linear(3, theta, torch.float64), inner_lr=0.3, inner_steps=steps, first_order=first_order)
        moved = learner.adapt(episode.support).fast["head.weight"][:, 0]
        assert (moved - quadratics.adapted(theta, A, c, 0.3, steps)).abs().max() < 1e-12
        outer = learner.backward(episode)
        assert abs(outer - quadratics.loss(moved, A, c).mean()) < 1e-12
        assert (learner.network.head.weight.grad[0] - gradient(theta, A, c, 0.3, steps)).abs().max() < 1e-12


def test_the_optima_are_where_the_gradients_vanish():
    _, A, c, theta = bowls()
    joint = quadratics.joint_optimum(A, c)
    maml, first = (f(A, c, 0.4, 2) for f in (quadratics.maml_optimum, quadratics.first_order_optimum))
    assert quadratics.maml_gradient(maml, A, c, 0.4, 2).abs().max() < 1e-12
    assert quadratics.first_order_gradient(first, A, c, 0.4, 2).abs().max() < 1e-12
    assert quadratics.maml_gradient(joint, A, c, 0.4, 0).abs().max() < 1e-12                  # no step: joint training
    assert torch.allclose(quadratics.maml_optimum(A, c, 0.4, 0), joint)

    def after(start):
        return quadratics.loss(quadratics.adapted(start, A, c, 0.4, 2), A, c).mean()
    assert after(maml) < after(first) and after(maml) < after(joint)                          # three different places
    assert quadratics.loss(joint, A, c).mean() < quadratics.loss(maml, A, c).mean()


def test_closed_forms_take_a_grid_of_starts():
    _, A, c, _ = bowls(dim=2)
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-2, 2, 5, dtype=torch.float64)] * 2, indexing="ij"), -1)
    moved = quadratics.adapted(grid, A, c, 0.3, 2)
    assert moved.shape == (5, 5, 6, 2) and quadratics.loss(moved, A, c).shape == (5, 5, 6)
    assert torch.allclose(moved[1, 4], quadratics.adapted(grid[1, 4], A, c, 0.3, 2))
    slopes = quadratics.maml_gradient(grid, A, c, 0.3, 2)
    assert slopes.shape == (5, 5, 2) and torch.allclose(slopes[1, 4], quadratics.maml_gradient(grid[1, 4], A, c, 0.3, 2))


@pytest.mark.parametrize("call, says", [
    (lambda: Quadratics(dim=0), "dim is 0; .* at least 1"),
    (lambda: Quadratics(eigenvalues=(0, 1)), r"eigenvalues is \(0, 1\); .* 0 < low"),
    (lambda: Quadratics(eigenvalues=(1, float("nan"))), "eigenvalues is .*; give a finite range"),
    (lambda: Quadratics(spread=-1), "spread is -1; .* >= 0"),
    (lambda: Quadratics().sample(0), "n_tasks is 0"),
    (lambda: quadratic_episode(torch.eye(2), torch.zeros(1, 2)), r"A has shape \[2, 2\]"),
    (lambda: quadratic_episode(-torch.eye(2)[None], torch.zeros(1, 2)), "A.0. is .*not symmetric positive definite"),
    (lambda: quadratic_episode(torch.tensor([[[1.0, 0.5], [0, 1]]]), torch.zeros(1, 2)), "make it symmetric"),
])
def test_quadratics_refuse(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# --- Omniglot ---------------------------------------------------------------------------------------------------------

def test_omniglot_knows_its_sizes_before_it_loads():
    assert [Omniglot(split).n_classes for split in SPLITS] == [3856, 659, 4112, 172, 423]
    assert Omniglot("test", rotations=True).n_classes == 1692 and Omniglot("train", rotations=False).n_classes == 1028
    with pytest.raises(ValueError, match="split is 'valid'; use one of 'background', .*'validation'"):
        Omniglot("valid")


def test_a_turned_character_is_a_class_of_its_own():
    tasks = source("omniglot-test")
    turned = Omniglot("test", rotations=True)
    upright = tasks.images([5, 300], [3, 4])
    for t in range(4):
        assert torch.equal(turned.images([5 + 423 * t, 300 + 423 * t], [3, 4]), upright.rot90(t, (-2, -1)))
    assert turned.class_name(5 + 423) == tasks.class_name(5) + "/rot090"


def test_a_mirror_image_is_a_class_of_its_own_and_turns_as_well():
    plain = source("omniglot-test").images([5], [1])[0]
    both = Omniglot("test", rotations=True, reflections=True)
    found = both.images([5, 5 + 4 * 423, 5 + 5 * 423], [1, 1, 1])
    for image, expected in zip(found, (plain, plain.flip(-1), plain.flip(-1).rot90(1, (-2, -1)))):
        assert torch.equal(image, expected)
    assert both.n_classes == 8 * 423 and both.class_name(5 + 5 * 423) == both.class_name(5) + "/mirror/rot090"
    upright = Omniglot("test", reflections=True)
    assert upright.n_classes == 2 * 423 and upright.class_name(5 + 423) == both.class_name(5) + "/mirror"


def test_within_an_alphabet_all_classes_of_a_task_are_of_one_and_every_large_enough_alphabet_is_asked_about():
    source("omniglot-evaluation")
    for rotations in (False, True):
        tasks = Omniglot("evaluation", rotations=rotations, within_alphabet=True)
        classes = tasks.sample(200, n_way=20, k_shot=1, n_query=1, seed=3).about["classes"]
        asked = [{tasks.class_name(c).split("/")[0] for c in row.tolist()} for row in classes]
        assert {len(alphabets) for alphabets in asked} == {1} and len(set.union(*asked)) == 20
        assert all(len(set(row.tolist())) == 20 for row in classes)
    mixed = Omniglot("evaluation").sample(20, n_way=20, k_shot=1, n_query=1, seed=3).about["classes"]
    assert all(len({Omniglot("evaluation").class_name(c).split("/")[0] for c in row.tolist()}) > 5 for row in mixed)


def test_more_ways_than_an_alphabet_has_characters_are_refused():
    source("omniglot-evaluation")
    with pytest.raises(ValueError, match="n_way is 60, but the largest alphabet of evaluation has 47 classes; ask for at most 47 ways"):
        Omniglot("evaluation", within_alphabet=True).sample(1, n_way=60, n_query=1)


def test_the_splits_are_disjoint_and_complete():
    names = {}
    for split in SPLITS:
        source(f"omniglot-{split}")
        tasks = Omniglot(split, rotations=False)
        names[split] = {tasks.class_name(i) for i in range(tasks.n_classes)}
        assert len(names[split]) == tasks.n_classes
    alphabets = [{n.split("/")[0] for n in names[s]} for s in ("background", "evaluation")]
    assert not alphabets[0] & alphabets[1] and [len(a) for a in alphabets] == [30, 20]
    assert names["train"] | names["validation"] | names["test"] == names["background"] | names["evaluation"]
    assert not any(names[a] & names[b] for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")))


def test_omniglot_has_the_drawings_of_its_publisher():
    """A known quirk of the published images: drawers 03 and 19 of Braille/character01 are the same picture."""
    tasks = source("omniglot-background")
    assert tasks.class_name(0) == "Alphabet_of_the_Magi/character01"
    braille = next(i for i in range(964) if tasks.class_name(i) == "Braille/character01")
    assert torch.equal(tasks.images(braille, 2), tasks.images(braille, 18))
    assert len(tasks.images(braille, np.arange(20)).flatten(1).unique(dim=0)) == 19
