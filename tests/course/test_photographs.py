"""Photographs: generated pictures and their variants, packed images, histograms, and a folder from end to end."""
import numpy as np
import pytest
import torch
from PIL import Image

import metalib as ml
from metalib.course.image_classification import photographs
from metalib.course.image_classification.packed import Packed
from metalib.course.image_classification.pictures import Pictures, Variants
from metalib.data import DataError
from metalib.evaluation import mean_ci
from metalib.tasks import Arrays, Drawn


def test_pictures_are_the_same_every_time_and_classes_do_not_depend_on_their_number():
    few, many = Pictures(seed=3, n_classes=5), Pictures(seed=3, n_classes=50)
    x = few.draw([[1], [4]], [0, 7])
    assert x.shape == (2, 2, 3, 32, 32) and torch.equal(x, many.draw([[1], [4]], [0, 7])) and 0 <= x.min() and x.max() <= 1
    assert not torch.equal(x[0, 0], x[0, 1]) and not torch.equal(x, Pictures(seed=4).draw([[1], [4]], [0, 7]))
    with pytest.raises(ValueError, match="class number is 5"):
        few.draw(5, 0)


def test_the_dial_says_how_much_colour_tells():
    right = []
    for stray in (0.02, 0.5):
        family = Drawn(Pictures(1, 20, stray=stray), 20, 8)
        tasks = Arrays.of(family, photographs.histogram)
        right.append(ml.evaluate(ml.NearestCentroid(), tasks, 60, n_way=5, k_shot=1, n_query=3).mean)
    assert right[0] > 0.6 and right[1] < 0.3


def test_variants_are_further_classes_that_keep_what_tells_them_apart():
    family = Drawn(Pictures(1, 3), 3, 4)
    many, mirrored = Variants(family), Variants(family, mirrored=True)
    assert many.n_classes == 72 and torch.equal(many.draw([0, 1, 2], 3), family.draw([0, 1, 2], 3))
    turned = many.draw(1 + 3 * 6, 2)                                                       # one quarter turn, colours as they were
    assert torch.equal(turned, family.draw(1, 2).rot90(1, (-2, -1)))
    exchanged = many.draw(1 + 3, 2)
    assert torch.equal(exchanged, family.draw(1, 2)[[0, 2, 1]])
    assert torch.equal(mirrored.draw(2, 0), family.draw(2, 0).flip(-1))
    names = {many.class_name(c) for c in range(72)}
    assert len(names) == 72 and not names & {mirrored.class_name(c) for c in range(72)}


def test_hues_do_not_know_the_light_and_outlines_do_not_know_the_colour():
    x = torch.rand(4, 3, 32, 32, generator=torch.manual_seed(0))
    assert torch.allclose(photographs.hues(0.5 * x), photographs.hues(x), atol=1e-5)
    assert not torch.allclose(photographs.hues(x[:, [2, 0, 1]]), photographs.hues(x), atol=1e-2)
    assert torch.allclose(photographs.outlines(x[:, [2, 0, 1]]), photographs.outlines(x), atol=1e-5)
    assert torch.allclose(photographs.hues_and_outlines(x).norm(dim=1), torch.full((4,), 2**0.5), atol=1e-4)
    assert photographs.hues(torch.full((1, 3, 8, 8), 0.5)).isfinite().all()                 # grey has no hue


def test_a_histogram_counts_colours():
    x = torch.zeros(2, 3, 4, 4)
    x[1, 0, :2] = 1.0
    found = photographs.histogram(x, bins=2).square()
    torch.testing.assert_close(found, torch.tensor([[1.0, 0, 0, 0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0.5, 0, 0, 0]]))


def test_classes_are_dealt_out_and_none_twice():
    names = [f"{i}" for i in range(24)]
    parts = photographs.apart(names)
    assert [len(part) for part in parts] == [12, 6, 6] and sorted(sum(parts, [])) == sorted(names)
    assert photographs.apart(names) == parts and photographs.apart(names, seed=1) != parts
    assert [len(part) for part in photographs.apart(names[:6], (0.5, 0, 0.5))] == [3, 0, 3]


@pytest.fixture
def packed(tmp_path):
    rng = np.random.RandomState(0)
    for split, names in (("train", ("n01", "n02", "n03")), ("test", ("n04", "n05"))):
        np.savez(tmp_path / f"{split}.npz", images=rng.randint(0, 256, (4 * len(names), 8, 8, 3)).astype(np.uint8), labels=np.repeat(names, 4))
    return tmp_path


def test_images_packed_into_arrays_are_tasks_and_stay_bytes(packed):
    train, test = Packed.of(packed), Packed.of(packed, "test", classes=["n05", "n04"])
    assert train.x.dtype == torch.uint8 and train.names == ["n01", "n02", "n03"] and test.names == ["n05", "n04"]
    held = np.load(packed / "train.npz")["images"]
    torch.testing.assert_close(train.draw(1, 2), torch.from_numpy(held[6]).permute(2, 0, 1).float() / 255)
    assert train.sample(2, n_way=3, k_shot=1, n_query=2).query.x.shape == (2, 6, 3, 8, 8)


def test_a_pickle_is_not_opened_and_the_sentence_says_why(tmp_path):
    class Runs:
        def __reduce__(self):
            return (open, (str(tmp_path / "was_run"), "w"))
    import pickle
    (tmp_path / "CIFAR_FS_train.pickle").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(DataError, match="CIFAR_FS_train.pickle is a pickle, which runs code when it is opened"):
        Packed.of(tmp_path)
    np.savez(tmp_path / "train.npz", images=np.array([Runs()], object), labels=[0])
    with pytest.raises(DataError, match="does not hold the arrays"):
        Packed.of(tmp_path)
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize("held, words", [({"images": np.zeros((4, 8, 8, 3))}, "does not hold"),
                                         ({"images": np.zeros((4, 8, 8, 3)), "labels": [0] * 4}, "they are bytes"),
                                         ({"images": np.zeros((4, 3, 8, 8), np.uint8), "labels": [0] * 4}, "they are bytes")])
def test_arrays_of_another_kind_are_one_sentence(tmp_path, held, words):
    np.savez(tmp_path / "train.npz", **held)
    with pytest.raises(DataError, match=words):
        Packed.of(tmp_path)
    (tmp_path / "val.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="does not hold|no val.npz"):
        Packed.of(tmp_path, "val")


def test_every_head_stands_on_frozen_features_and_is_right_where_they_say_it():
    def family(seed):                                                                      # classes that a mean colour tells apart
        hues = np.random.RandomState(seed).rand(8, 1, 3, 1, 1)
        x = np.clip(hues + 0.02 * np.random.RandomState(seed + 1).randn(8, 6, 3, 4, 4), 0, 1).astype(np.float32)
        return Arrays(x.reshape(48, 3, 4, 4), np.repeat(range(8), 6))
    found = photographs.every_head(lambda x: x.mean((2, 3)) - 0.5, family(0), family(5), episodes=20, n_way=3, k_shot=1, n_query=2)
    assert len(found) == 6 and min(score.mean for score in found.values()) > 0.85, found
    said = photographs.accuracies(found, 1 / 3)
    assert "guessing" in said and "33 %" in said and "tie" in photographs.against(found, "prototypes", "prototypes")


def test_six_classes_of_twelve_in_every_format_are_read_trained_on_kept_and_asked(tmp_path):
    """The issue's folder, at the size for a test; `python -m metalib.course.image_classification.photographs` runs longer."""
    path = photographs.write(tmp_path / "mine", Pictures(seed=10), n_classes=6, per_class=12, dull=True)
    files = [file for folder in path.iterdir() for file in folder.iterdir()]
    kinds = {(image.format, image.mode) for image in map(Image.open, files)}
    assert len(files) == 72 and {"PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"} == {kind for kind, _ in kinds}
    assert {"RGB", "RGBA", "L", "P", "CMYK"} <= {mode for _, mode in kinds} and {"I;16"} & {mode for _, mode in kinds}
    assert len({Image.open(file).size for file in files}) > 20
    found, n_way = photographs.end_to_end(path, tmp_path / "mine.safetensors", iterations=120, episodes=60, progress=False)
    mean, half = mean_ci(found["the learner"].values - found["colour histograms, logistic regression"].values)
    assert n_way == 3 and mean > half, photographs.accuracies(found, 1 / n_way)
    predict = ml.load_adapted(tmp_path / "mine.safetensors", ml.ProtoNet(ml.embedder(16, 3, 32)))
    with torch.no_grad():
        chances = predict(photographs.opened(files[0]))[0, 0].softmax(0)
    assert chances.shape == (3,) and chances.sum().item() == pytest.approx(1, abs=1e-5)
