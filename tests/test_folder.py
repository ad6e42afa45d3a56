"""A folder of one's own images, in both layouts: generated here, with the same layout as miniImageNet."""
import csv

import numpy as np
import pytest
import torch
from PIL import Image

import metalib as ml
from metalib.data import DataError
from metalib.tasks.images.folder import Folder

SPLITS = {"train": 6, "val": 2, "test": 3}


def page(label: int, number: int, size=(100, 90)) -> Image.Image:
    """A class is a hue and a stripe; an example moves the stripe."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[..., label % 3] = 60 + 15 * label
    pixels[5 * number:5 * number + 8] = 255
    return Image.fromarray(pixels)


@pytest.fixture
def ravi(tmp_path):
    """images/ and train.csv, val.csv, test.csv, as the authors of the split hand them out."""
    (tmp_path / "images").mkdir()
    first = 0
    for split, n in SPLITS.items():
        with open(tmp_path / f"{split}.csv", "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["filename", "label"])
            for label in range(first, first + n):
                for number in range(5):
                    name = f"n{label:08}{number:08}.jpg"
                    page(label, number).save(tmp_path / "images" / name)
                    rows.writerow([name, f"n{label:08}"])
        first += n
    return tmp_path


@pytest.fixture
def folders(tmp_path):
    for label in range(4):
        (tmp_path / "train" / f"class{label}").mkdir(parents=True)
        for number in range(3 + label):
            page(label, number).save(tmp_path / "train" / f"class{label}" / f"{number}.png")
    return tmp_path


def test_the_ravi_split_gives_episodes(ravi):
    train, test = Folder(ravi, "train"), Folder(ravi, "test")
    assert (train.n_classes, test.n_classes) == (6, 3)
    assert not {train.class_name(i) for i in range(6)} & {test.class_name(i) for i in range(3)}
    episode = train.sample(2, n_way=5, k_shot=1, n_query=4, seed=1)
    assert episode.support.x.shape == (2, 5, 3, 84, 84) and episode.query.x.shape == (2, 20, 3, 84, 84)
    assert 0 <= episode.query.x.min() and episode.query.x.max() <= 1
    assert torch.equal(train.sample(2, k_shot=1, n_query=4, seed=1).query.x, episode.query.x)


def test_a_learner_runs_on_it_with_disjoint_splits(ravi):
    ml.setup(0)
    learner = ml.MetaLSTM(ml.conv4(3, channels=4, pool="max", in_channels=3, image_size=20), inner_steps=2)
    shape = dict(n_way=3, k_shot=1, n_query=2)
    losses = ml.train(learner, Folder(ravi, "train", image_size=20), 2, 2, progress=False, **shape)
    panel = ml.proof(learner, Folder(ravi, "test", image_size=20), Folder(ravi, "train"), episodes=4, **shape)
    assert len(losses) == 2 and "0 of 3 test classes among 6" in str(panel)


def test_a_folder_per_class_with_and_without_split(folders):
    tasks = Folder(folders, "train", image_size=10, channels=1)
    assert tasks.names == [f"class{i}" for i in range(4)] and tasks.per_class.tolist() == [3, 4, 5, 6]
    assert tasks.images([0, 3], [2, 5]).shape == (2, 1, 10, 10)
    assert Folder(folders / "train").names == tasks.names


def test_images_are_read_right(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("RGB", (30, 30), (255, 0, 51)).save(tmp_path / "a" / "1.png")
    image = Folder(tmp_path, image_size=30).images(0, 0)
    torch.testing.assert_close(image, torch.tensor([1, 0, 0.2])[:, None, None].expand(3, 30, 30))


def broken(path, kind):
    if kind == "escape":
        (path / "train.csv").write_text("filename,label\n../secret.jpg,a\n")
    elif kind == "absolute":
        (path / "train.csv").write_text("filename,label\n/etc/passwd,a\n")
    elif kind == "no header":
        (path / "train.csv").write_text("a.jpg,a\n")
    elif kind == "nothing":
        (path / "train.csv").write_text("filename,label\n")
    elif kind == "missing":
        (path / "images" / "n0000000000000000.jpg").unlink()


@pytest.mark.parametrize("kind, words", [("escape", "line 2: '../secret.jpg'"), ("absolute", "line 2: '/etc/passwd'"),
                                         ("no header", "must be filename,label"), ("nothing", "lists no images"),
                                         ("missing", "names 1 files that are not there")])
def test_a_list_that_is_off_gets_one_sentence(ravi, kind, words):
    broken(ravi, kind)
    with pytest.raises(DataError, match=words):
        Folder(ravi, "train")


def test_what_is_missing_is_named(folders):
    with pytest.raises(DataError, match="is no folder; give the one"):
        Folder(folders / "nowhere")
    with pytest.raises(DataError, match="neither val.csv nor a folder val"):
        Folder(folders, "val")
    with pytest.raises(DataError, match="no folders in it"):
        Folder(folders / "train" / "class0")
    (folders / "train" / "class9").mkdir()
    with pytest.warns(UserWarning, match="class9 holds no image"):
        Folder(folders, "train")
    (folders / "none" / "class0").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no image that can be read"):
        Folder(folders / "none")
    with pytest.raises(ValueError, match="channels is 2"):
        Folder(folders, "train", channels=2)
    with pytest.raises(ValueError, match="image_size is 0"):
        Folder(folders, "train", image_size=0)


def test_a_damaged_image_gets_one_sentence(folders):
    file = folders / "train" / "class0" / "0.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match=r"0\.png is no whole image"):
        Folder(folders, "train").images(0, 0)


def test_more_ways_than_classes(folders):
    with pytest.raises(ValueError, match="n_way is 5, but there are 4 classes"):
        Folder(folders, "train").sample(1, n_way=5, k_shot=1, n_query=1)
