"""The labs of chapter 5: the bench that measures in slices, and the reader's own images."""
from __future__ import annotations

import asyncio
import io

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import metalib as ml
from metalib.evaluation import mean_ci
from metalib.course.image_classification import lab_few_shot_bench as few_shot_bench, lab_your_images as your_images


@pytest.fixture
def learners() -> dict[str, ml.Learner]:
    torch.manual_seed(0)
    return {"MAML": ml.MAML(ml.conv4(5, channels=4), inner_lr=0.4), "nearest centroid": ml.NearestCentroid()}


def check_sentence(text: str) -> None:
    assert text[0].isupper() and text.endswith(".") and "\n" not in text and "nan" not in text.lower().split()


# ---- the bench ---------------------------------------------------------------------------------------------------------------

def test_it_opens_with_something_measured_and_says_so(learners):
    bench = ml.labs.few_shot_bench(learners)
    check_sentence(bench.sentence)
    assert bench.sentence.startswith("MAML, 5w1s, glyphs:") and "after 40 of 300 tasks" in bench.sentence
    assert all(c.description for c in bench.controls.values())


def test_another_setting_costs_nothing_until_it_is_run(learners):
    bench = ml.labs.few_shot_bench(learners).set(learner="nearest centroid", n_way=3)
    assert bench.sentence == "Nothing has been measured yet of nearest centroid, 3w1s, glyphs: press Run."
    bench.controls["run"].click()                                       # no event loop here: to the end at once
    assert "after 300 of 300 tasks" in bench.sentence and bench.sentence.endswith("done.")
    assert [str(setting) for setting, _ in bench.state["board"]] == [
        "nearest centroid, 3w1s, glyphs", "nearest centroid, 5w1s, glyphs"]


def test_compute_agrees_with_evaluate_and_more_slices_narrow_the_interval(learners):
    setting = few_shot_bench.Setting("nearest centroid", 3, 1, "digits")
    some, more = (few_shot_bench.compute("nearest centroid", 3, 1, "digits", (setting, n), learners=learners).values
                  for n in (2, 20))
    assert len(some) == 10 and len(more) == 100 and np.array_equal(some, more[:10])
    by_hand = ml.evaluate(learners["nearest centroid"], ml.tasks.Digits(), 5, seed=100, n_way=3, k_shot=1, n_query=3)
    assert np.array_equal(some[:5], by_hand.values)
    assert mean_ci(more)[1] < mean_ci(some)[1]


@pytest.mark.parametrize("state, words", [
    (dict(learner="MAML", n_way=6), "five answers"), (dict(learner="nearest centroid", n_way=11, source="digits"), "ten digits")])
def test_impossible_settings_are_named_and_not_run(learners, state, words):
    bench = ml.labs.few_shot_bench(learners).set(**state)
    assert words in bench.sentence
    bench.controls["run"].click()
    assert words in bench.sentence and len(bench.state["board"]) == 1, "what it opened with, and nothing more"


def test_fewer_ways_than_answers_leave_the_others_unasked(learners):
    predict = few_shot_bench.FewerAnswers(learners["MAML"], 3)
    episode = ml.tasks.Digits().sample(2, n_way=3, k_shot=1, n_query=2, seed=1)
    assert predict.adapt(episode.support)(episode.query.x).shape == (2, 6, 3)


def test_it_runs_in_slices_and_stops(learners):
    bench = ml.labs.few_shot_bench(learners)

    async def scene():
        bench.set(learner="nearest centroid", n_way=2)
        bench.controls["run"].click()
        while bench.state["done"][0] != few_shot_bench.Setting("nearest centroid", 2, 1, "glyphs") or bench.state["done"][1] < 3:
            await asyncio.sleep(0.01)
        bench.controls["stop"].click()
        reached = bench.state["done"][1]
        await asyncio.sleep(0.3)
        return reached
    reached = asyncio.run(scene())
    assert 3 <= reached < few_shot_bench.MOST and bench.state["done"][1] == reached
    assert f"after {5 * reached} of 300 tasks" in bench.sentence


def test_a_change_of_setting_ends_the_run(learners):
    bench = ml.labs.few_shot_bench(learners)

    async def scene():
        bench.controls["run"].click()
        await asyncio.sleep(0.05)
        bench.set(learner="nearest centroid", n_way=4)
        await asyncio.sleep(0.3)
    asyncio.run(scene())
    assert bench.sentence.startswith("Nothing has been measured yet of nearest centroid, 4w1s")


# ---- your own images ---------------------------------------------------------------------------------------------------------

def drawn(shape: str, shift: int = 0, size: int = 60, ink: str = "black", paper: str = "white") -> bytes:
    page = Image.new("RGB", (size, size), paper)
    box = [12 + shift, 12, 45 + shift, 45]
    if shape == "ring":
        ImageDraw.Draw(page).ellipse(box, outline=ink, width=5)
    else:
        ImageDraw.Draw(page).line([box[0], box[1], box[0], box[3]], ink, 6)
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path):
    for shape in ("ring", "bar"):
        (tmp_path / shape).mkdir()
        for i in range(3):
            (tmp_path / shape / f"{i}.png").write_bytes(drawn(shape, 2 * i))
    return tmp_path


def test_a_folder_becomes_an_episode(learners, folder):
    result = your_images.compute("nearest centroid", 0, str(folder), learners=learners)
    assert list(result.names) == ["bar", "ring"] and not result.trouble and result.own
    assert result.support.shape == (2, 28, 28) and len(result.query) == 4 and torch.equal(result.answers, result.truth)
    lab = ml.labs.your_images(learners).set(folder=str(folder), learner="nearest centroid")
    assert lab.sentence == ("Of 4 queries (your images) 4 are answered right, each class seen once (100 %, 95 % interval 51 to 100; guessing 50 %); "
                            f"without any learning nearest colour histogram {result.rivals['nearest colour histogram']}, nearest pixels 4.")
    lab.controls["clear"].click()
    assert "digits, as an example" in lab.sentence and lab.controls["clear"].disabled


def test_what_cannot_be_used_is_named(learners, folder):
    (folder / "ring" / "broken.png").write_bytes(b"no image")
    (folder / "ring" / "small.png").write_bytes(drawn("ring", size=9))
    (folder / "alone").mkdir()
    (folder / "alone" / "one.png").write_bytes(drawn("bar"))
    (folder / "empty").mkdir()
    lab = ml.labs.your_images(learners).set(folder=str(folder))
    for words in ("broken.png is no whole image", "small.png is tiny (9 x 9 pixels)", "alone has a single image",
                  "empty holds no image"):
        assert words in lab.sentence
    assert lab.sentence.startswith("Of 4 queries")


@pytest.mark.parametrize("path, words", [("/no/such/folder", "is no folder"), ("{}", "at least two classes")])
def test_a_folder_that_is_none_is_named(learners, tmp_path, path, words):
    (tmp_path / "only").mkdir()
    lab = ml.labs.your_images(learners).set(folder=path.format(tmp_path))
    assert lab.sentence.startswith("There is no task yet") and words in lab.sentence


def upload(name: str, content: bytes) -> dict:
    return {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)}


def test_uploaded_files_carry_their_class_in_the_name(learners):
    files = [upload(f"{shape}_{i}.png", drawn(shape, i)) for shape in ("ring", "bar") for i in (1, 2)]
    files.append(upload("cat.png", drawn("bar")))
    result = your_images.compute("nearest centroid", 0, "", files, learners=learners)
    assert list(result.names) == ["ring", "bar"] and len(result.query) == 2
    assert list(result.trouble) == ["cat.png does not say its class, as cat_1.png would"]


def test_more_classes_than_answers_are_named(learners):
    files = [upload(f"{name}-{i}.png", drawn("ring", i)) for name in "abcdefg" for i in (1, 2)]
    result = your_images.compute("MAML", 0, "", files, learners=learners)
    assert list(result.names) == list("abcde") and "f, g are left out" in result.trouble[0]


def test_a_crowd_of_queries_is_cut_and_said_to_be(learners):
    files = [upload(f"{shape}_{i}.png", drawn(shape, i % 9)) for shape in ("ring", "bar") for i in range(30)]
    result = your_images.compute("nearest centroid", 0, "", files, learners=learners)
    assert len(result.query) == 40 and list(result.trouble) == ["only 40 of 58 queries are asked"]


def test_white_ink_on_black_paper_is_the_same_drawing():
    dark, light = (your_images.read(drawn("ring", ink=ink, paper=paper)).ink
                   for ink, paper in (("black", "white"), ("white", "black")))
    torch.testing.assert_close(dark, light, atol=0.02, rtol=0)


def test_it_opens_with_an_example(learners):
    lab = ml.labs.your_images(learners)
    check_sentence(lab.sentence)
    assert "digits, as an example" in lab.sentence and isinstance(lab.controls["files"], widgets.FileUpload)


def photograph(hue: tuple[int, int, int], seed: int, kind: str = "PNG") -> bytes:
    """A colour all over, with grain: no drawing."""
    grain = np.random.RandomState(seed).randint(-30, 30, (50, 60, 3))
    stream = io.BytesIO()
    Image.fromarray((np.array(hue) + grain).clip(0, 255).astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


def test_colours_that_a_learner_of_characters_cannot_see_are_said_beside_it(learners):
    files = [upload(f"{name}_{i}.tiff", photograph(hue, i, "TIFF")) for name, hue in (("sea", (40, 90, 160)), ("fire_truck", (190, 40, 40)))
             for i in (1, 2, 3)]
    result = your_images.compute("MAML", 0, "", files, learners=learners)
    assert list(result.names) == ["sea", "fire_truck"] and not result.trouble
    assert result.rivals["nearest colour histogram"] == 4 and "6 of 6 images are no drawings, and MAML was raised on characters" in result.strange
    lab = ml.labs.your_images(learners)
    said = lab._change(result)
    check_sentence(said)
    assert "guessing 50 %" in said and "nearest colour histogram 4" in said and "out of its domain" in said
    assert your_images.compute("nearest centroid", 0, "", files, learners=learners).strange == ""


def test_two_hundred_files_are_spread_over_the_classes(learners, tmp_path):
    few = {shape: [drawn(shape, i) for i in range(5)] for shape in ("ring", "bar")}
    for shape, n in (("ring", 150), ("bar", 90)):
        (tmp_path / shape).mkdir()
        for i in range(n):
            (tmp_path / shape / f"{i:03}.png").write_bytes(few[shape][i % 5])
    found, trouble = your_images.in_folder(str(tmp_path))
    assert len(found) == 200 and sum(name == "bar" for name, *_ in found) == 90 and "200 of 240 files" in trouble[0]
    files = [upload(f"{shape}_{i}.png", few[shape][i % 5]) for shape, n in (("ring", 250), ("bar", 100)) for i in range(n)]
    found, trouble = your_images.uploaded(files)
    assert [sum(one[0] == shape for one in found) for shape in ("ring", "bar")] == [100, 100] and "200 of 350 files" in trouble[0]


def test_loose_files_beside_the_classes_are_named(learners, folder):
    (folder / "scan.tif").write_bytes(photograph((10, 10, 10), 0, "TIFF"))
    assert list(your_images.compute("MAML", 0, str(folder), learners=learners).trouble) == ["1 loose file, such as scan.tif, in no folder of a class"]


@pytest.mark.parametrize("name, of", [("fire_truck_1.png", "fire_truck"), ("fire_truck (2).jpg", "fire_truck"),
                                      ("b2_10.tif", "b2"), ("cat-03.png", "cat")])
def test_a_name_with_an_underscore_keeps_its_class(name, of):
    assert your_images.uploaded([upload(name, b"")])[0] == [(of, name, b"")]


@pytest.mark.parametrize("right, n, words", [(0, 4, "0 %, 95 % interval 0 to 49"),
                                             (4, 4, "100 %, 95 % interval 51 to 100"), (30, 40, "75 %, 95 % interval 60 to 86")])
def test_the_interval_of_a_share_stays_within_bounds(right, n, words):
    assert your_images.share(right, n) == words
