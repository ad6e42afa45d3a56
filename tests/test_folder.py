"""A folder of one's own images, in both layouts: generated here, with the same layout as miniImageNet."""
import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image

import metalib as ml
from metalib.data import DataError
from metalib.tasks.images import files
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


@pytest.mark.parametrize("what, list_", [
    ("cannot be read", b"filename,label\n0.jpg," + b"a" * 200_000), ("no file of the folder", b"filename,label\n" + b"x" * 300 + b"/0.jpg,a"),
    ("no file of the folder", b'filename,label\n"0.jpg,a\n1.jpg,b'), ("not in UTF-8", "filename,label\n".encode("utf-16")[:-1]),
    ("is empty", b""), ("begins with", "filename,label\n".encode("utf-16-le")), ("are not there", b"filename,label\n0.jpg\0,a\n"),
])
def test_a_damaged_list_is_one_sentence(ravi, what, list_):
    (ravi / "train.csv").write_bytes(list_)
    with pytest.raises(DataError, match=what):
        Folder(ravi, "train")


def test_a_list_beyond_all_bounds_is_not_read_to_its_end(ravi):
    with (ravi / "train.csv").open("wb") as file:
        file.truncate(50_000_001)
    with pytest.raises(DataError, match="more than 50,000,000 bytes"):
        Folder(ravi, "train")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
def test_every_orientation_in_every_format_by_path_and_by_content(tmp_path, kind, turn):
    shown = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose, 6: lambda a: np.rot90(a, -1),
             7: lambda a: np.rot90(a.T, 2), 8: np.rot90}
    paper, tag = np.full((60, 40), 255, np.uint8), Image.Exif()
    paper[:20], paper[:, :10] = 0, 120
    tag[0x0112] = turn
    Image.fromarray(paper).save(tmp_path / "it", kind, exif=tag)
    for source in (tmp_path / "it", (tmp_path / "it").read_bytes()):
        found, wanted = np.asarray(files.page(source).convert("L")).astype(int), shown[turn](paper)
        assert found.shape == wanted.shape and np.abs(found - wanted).mean() < 4                       # JPEG and WebP blur


def test_sixteen_bits_are_sixteen_bits_however_dark():
    for most in (200, 1_023, 30_000, 65_535):
        out = io.BytesIO()
        Image.fromarray(np.full((9, 9), most, np.uint16)).save(out, "PNG")
        assert abs(np.asarray(files.page(out.getvalue()))[0, 0, 0] - most / 257) < 1


@pytest.mark.parametrize("name", ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".ipynb_checkpoints"])
def test_folders_of_a_system_are_no_classes(folders, name):
    (folders / "train" / name).mkdir()
    Image.new("L", (9, 9)).save(folders / "train" / name / "0.png")
    assert Folder(folders, "train").n_classes == 4


@pytest.mark.filterwarnings("ignore")                                     # Pillow warns of what it then refuses
@pytest.mark.parametrize("kind, settings", [("png", {}), ("jpeg", {}), ("gif", {}), ("bmp", {}), ("webp", {}), ("tiff", {}),
                                            ("tiff", {"compression": "tiff_lzw"}), ("jpeg", {"progressive": True})])
def test_a_damaged_picture_is_read_or_is_one_sentence(tmp_path, kind, settings, capfd):
    rng, out, refused = np.random.RandomState(0), io.BytesIO(), 0
    Image.fromarray(rng.randint(0, 255, (40, 50, 3)).astype(np.uint8)).save(out, kind, **settings)
    for i in range(60):
        damaged = bytearray(out.getvalue())
        if i % 2:
            damaged = damaged[:rng.randint(len(damaged))]
        else:
            for place in rng.randint(0, min(len(damaged), 200), 5):
                damaged[place] = rng.randint(256)
        try:
            assert files.page(bytes(damaged), 20).mode == "RGB"
        except DataError:
            refused += 1
    assert refused > 10                                                     # half of them are cut short


def test_more_ways_than_classes(folders):
    with pytest.raises(ValueError, match="n_way is 5, but there are 4 classes"):
        Folder(folders, "train").sample(1, n_way=5, k_shot=1, n_query=1)


# ---- other layouts, and a part of the classes ------------------------------------------------------------------------------------

def test_classes_are_taken_by_name_and_one_that_is_not_there_is_named(folders):
    some = Folder(folders, "train", classes=["class3", "class1"])
    assert some.names == ["class1", "class3"] and some.per_class.tolist() == [4, 6]
    with pytest.raises(DataError, match="asks for the class 'class9'; there are class0, class1"):
        Folder(folders, "train", classes=["class9"])


@pytest.mark.parametrize("place", [".", "splits", "splits/bertinetto"])
def test_cifar_fs_as_it_is_handed_out(tmp_path, place):
    for label, name in enumerate(("apple", "fire_truck", "sea lion")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(3):
            page(label, number, (32, 32)).save(tmp_path / "data" / name / f"{number}.png")
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / place / "train.txt").write_text("sea lion\nfire_truck\n\n")
    (tmp_path / place / "test.txt").write_text("apple\n")
    assert Folder(tmp_path, "train").names == ["fire_truck", "sea lion"] and Folder(tmp_path, "test").names == ["apple"]
    assert Folder(tmp_path, "train", image_size=32).sample(1, n_way=2, k_shot=1, n_query=2).query.x.shape == (1, 4, 3, 32, 32)
    with pytest.raises(DataError, match="neither val.csv nor a folder val"):
        Folder(tmp_path, "val")
    (tmp_path / place / "val.txt").write_text("pear\n")
    with pytest.raises(DataError, match="asks for the class 'pear'"):
        Folder(tmp_path, "val")


def test_a_finite_family_is_seen_once_through_a_function_of_ones_own_and_its_tasks_stay_the_same(folders):
    seen, tasks = [], Folder(folders, "train", image_size=10)

    def extract(x):
        seen.append(len(x))
        return x.mean((2, 3)).numpy().astype(np.float64)
    features, shape = ml.tasks.Arrays.of(tasks, extract), dict(n_way=3, k_shot=1, n_query=2, seed=3)
    assert sum(seen) == 18 and features.class_name(2) == "class2" and features.per_class.tolist() == [3, 4, 5, 6]
    ours, theirs = features.sample(4, **shape), tasks.sample(4, **shape)
    torch.testing.assert_close(ours.query.x, theirs.query.x.mean((-2, -1)))
    assert torch.equal(ours.query.y, theirs.query.y) and sum(seen) == 18
    with pytest.raises(ValueError, match="NaN or infinity"):
        ml.tasks.Arrays.of(tasks, lambda x: x.mean((2, 3)) / 0)


def test_bytes_stay_bytes_until_they_are_drawn():
    x = np.arange(24, dtype=np.uint8).reshape(6, 4)
    tasks = ml.tasks.Arrays(x, [0, 0, 0, 1, 1, 1])
    assert tasks.x.dtype == torch.uint8 and tasks.draw(1, 2).tolist() == [20.0, 21.0, 22.0, 23.0]
