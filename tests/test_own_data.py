"""Data of one's own: arrays, sentences, molecules, ready episodes, and image files that mean what they say."""
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import metalib as ml
from metalib.data import DataError
from metalib.episodes import Episode, Examples
from metalib.tasks import Arrays, Assays, Folder, Loaded, Texts
from metalib.tasks.images import files


# ---- arrays

def test_arrays_give_rows_of_their_own_class():
    rng = np.random.default_rng(0)
    y = np.repeat(["owl", "cat", "dog"], [30, 20, 9])
    x = np.stack([np.arange(59), *rng.normal(size=(2, 59))], 1)
    tasks = Arrays(x, y)
    assert tasks.names == ["cat", "dog", "owl"] and tasks.per_class.tolist() == [20, 9, 30] and isinstance(tasks, ml.Tasks)
    episode = tasks.sample(6, n_way=3, k_shot=2, n_query=4, seed=1)
    for part, rows in ((episode.support, episode.about["support"]), (episode.query, episode.about["query"])):
        for t in range(6):
            for i in range(part.x.shape[1]):
                name = tasks.class_name(int(episode.about["classes"][t, part.y[t, i]]))
                assert y[int(part.x[t, i, 0])] == name
                assert np.flatnonzero(y == name)[rows[t, i]] == int(part.x[t, i, 0])
        assert part.x.dtype == torch.float64
    told, asked = (set(part.x[0, :, 0].tolist()) for part in (episode.support, episode.query))
    assert not told & asked
    assert np.array_equal(Arrays(x, y, classes=["owl", "cat"]).names, ["owl", "cat"])
    ml.train(ml.ProtoNet(ml.Network(ml.mlp(3, 8, 4), torch.nn.Identity())), tasks, 2, 2, progress=False, n_way=2, k_shot=1, n_query=2)


@pytest.mark.parametrize("x, y, classes, words", [
    (np.zeros((4, 2)), [0, 0, 1], None, r"4 examples and labels of shape \[3\]"), (np.zeros(4), [0, 0, 1, 1], None, r"expected \[n, ...\]"),
    (np.full((2, 2), np.nan), [0, 1], None, "NaN or infinity; fill or drop"), (np.zeros((2, 2)), ["a", "b"], ["c"], "no example is labelled 'c'"),
    (np.array([["a"], ["b"]]), [0, 1], None, "not numbers"), (np.zeros((2, 2)), ["a", "b"], ["a", "a"], "name each label once"),
    (np.zeros((2, 2)), ["a", "b"], [], "at least one"),
])
def test_arrays_that_do_not_fit_are_one_sentence(x, y, classes, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Arrays(x, y, classes)


def test_small_classes_are_left_out_and_named_once():
    tasks = Arrays(np.zeros((25, 2)), np.repeat(["a", "b", "rare"], [11, 11, 3]))
    with pytest.warns(UserWarning, match=r"left out, with fewer than 4 examples: rare \(3\)"):
        episode = tasks.sample(20, n_way=2, k_shot=2, n_query=2, seed=1)
    assert set(episode.about["classes"].flatten().tolist()) == {0, 1}
    with pytest.raises(ValueError, match="only 2 of 3 classes have as many examples; for 3 ways ask for at most 3 in all"):
        tasks.sample(2, n_way=3, k_shot=2, n_query=2)


def test_shots_may_differ_per_class():
    family = ml.tasks.Classes()
    family.n_classes, family.draw = 7, lambda c, e: torch.from_numpy(np.broadcast_arrays(c, e)[0] * 1.0)[..., None]
    episode = family.sample(4, 3, [1, 2, 4], 2, 5)
    assert [torch.bincount(y).tolist() for y in episode.support.y] == [[1, 2, 4]] * 4
    predict = ml.NearestCentroid().adapt(episode.support)
    assert predict(episode.query.x).argmax(-1).equal(episode.query.y)
    with pytest.raises(ValueError, match="k_shot has 2 numbers for 3 ways"):
        ml.tasks.Glyphs().sample(1, n_way=3, k_shot=[1, 2])


def test_an_episode_from_four_arrays():
    x, y = np.arange(12.0).reshape(6, 2), np.array([7, 7, 9, 9, 30, 30])
    one = Episode.of(x, y, x[:3], y[[0, 2, 4]])
    assert one.support.y.tolist() == [[0, 0, 1, 1, 2, 2]] and one.query.y.tolist() == [[0, 1, 2]]
    many = Episode.of(np.stack([x, x]).astype("int64"), np.stack([y, y]), np.stack([x, x]), np.stack([y, y]))
    assert len(many) == 2 and many.support.x.dtype == torch.float32
    values = Episode.of(x, x[:, :1], x, x[:, :1])
    assert values.query.y.shape == (1, 6, 1)
    with pytest.raises(ValueError, match="task 0 asks for label 8, of which its support set has no example"):
        Episode.of(x, y, x[:1], [8])


def test_a_dataloader_of_episodes_is_a_family():
    batches = [(torch.randn(2, 10, 3), torch.arange(10).expand(2, 10) % 2, torch.randn(2, 4, 3), torch.arange(4).expand(2, 4) % 2) for _ in range(3)]
    tasks = Loaded(torch.utils.data.DataLoader(batches, batch_size=None))
    assert len(tasks.tasks) == 6
    assert torch.equal(tasks.sample(4, seed=1).support.x[2:], torch.stack([batches[0][0][0], batches[0][0][1]]))
    learner = ml.MAML(ml.mlp(3, 8, 2))
    assert len(ml.train(learner, tasks, 3, 4, progress=False)) == 3
    assert len(ml.evaluate(learner, tasks).values) == 6                                  # each once


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int16])
def test_small_whole_numbers_are_class_numbers(dtype):
    examples = Examples(torch.zeros(1, 2, 3), torch.tensor([[0, 1]], dtype=dtype))
    assert examples.y.dtype == torch.int64


def test_a_class_without_an_example_gets_no_chance():
    from sklearn.linear_model import LogisticRegression
    y, x = torch.tensor([[0, 0, 2, 2]]), torch.tensor([[[4.0, 0], [4, 1], [-4, 0], [-4, 1]]])
    for learner in (ml.Classical(LogisticRegression()), ml.NearestCentroid()):
        assert learner.adapt(Examples(x, y))(x).argmax(-1).equal(y)


# ---- sentences

TEXTS = ["wake me at seven", "set an alarm for 7:30", "play a song", "some music please", "louder music", "call mum", "ring the office", "phone home"]
LABELS = ["alarm"] * 2 + ["music"] * 3 + ["call"] * 3


def test_labelled_sentences_of_uneven_classes():
    tasks = Texts(TEXTS, LABELS)
    assert tasks.names == ["alarm", "call", "music"] and tasks.per_class.tolist() == [2, 3, 3]
    vectors = tasks.vectors([2, 0], [1, 1])
    torch.testing.assert_close(vectors, ml.tasks.text.features(["some music please", "set an alarm for 7:30"]))
    assert tasks.sample(2, n_way=3, k_shot=1, n_query=1, seed=3).query.x.shape == (2, 3, 2048)
    with pytest.raises(ValueError, match="sentence 1 is empty"):
        Texts(["a", " "], [0, 1])


def test_two_sources_of_one_class_are_not_taken_for_one_another():
    class Mine(ml.tasks.text.TextTasks):
        n_classes, per_class = 2, 2

        def __init__(self, word):
            self.word = word

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 1

        def sentences(self, number):
            return [f"{self.word} {number} {i}" for i in range(2)]
    assert not torch.equal(Mine("red").vectors(0, 0), Mine("blue").vectors(0, 0))


# ---- molecules

SMILES = ["C" * n for n in range(1, 9)] + ["c1ccccc1" + "C" * n for n in range(1, 9)]


def table(path, active):
    path.write_text("id,structure,kills\n" + "".join(f"{i},{s},{int(active(i))}\n" for i, s in enumerate(SMILES)))
    return path


def test_assays_from_a_table_and_two_of_them_apart(tmp_path):
    pytest.importorskip("rdkit")
    few, many = (Assays.from_csv(table(tmp_path / f"{k}.csv", lambda i, k=k: i % k == 0), "structure", ["kills"], molecules="shared") for k in (4, 2))
    assert [len(active) for family in (few, many) for active, _ in family.pools] == [4, 8]
    episode = many.sample(2, n_labelled=4, n_query=4, seed=1)
    assert episode.support.x.shape == (2, 4, 1034) and (episode.about["support"][episode.support.y == 1] % 2 == 0).all()
    for smiles, assays, words in (("smile", ["kills"], "no column 'smile'; its columns are id, structure, kills"),
                                  ("structure", ["id"], "holds the label '2'")):
        with pytest.raises(DataError, match=words):
            Assays.from_csv(tmp_path / "4.csv", smiles, assays)


def test_mirror_images_and_equal_features_share_a_framework(real_data):
    pytest.importorskip("rdkit")
    from metalib.tasks.molecules import chemistry
    pair = [chemistry.read(s) for s in ("O=C(N[C@H]1N=C(c2ccccc2F)c2cccc3c2N(CC3)C1=O)c1cc2ccccc2[nH]1",
                                        "O=C(N[C@@H]1N=C(c2ccccc2F)c2cccc3c2N(CC3)C1=O)c1cc2ccccc2[nH]1")]
    assert len(set(chemistry.scaffolds(pair).tolist())) == 1
    rows = ml.tasks.Tox21("train").table.x
    sides = [{rows[i].numpy().tobytes() for pool in ml.tasks.Tox21(split).pools for group in pool for i in group} for split in ("train", "test")]
    assert sides[0] and sides[1] and not sides[0] & sides[1]


# ---- image files

def folder(tmp_path, picture, classes=5, per_class=6, suffix="png"):
    for c in range(classes):
        (tmp_path / f"class{c}").mkdir()
        for e in range(per_class):
            picture(c, e).save(tmp_path / f"class{c}" / f"{e}.{suffix}")
    return tmp_path


def ink(c, e):
    return (255 * ml.tasks.Glyphs(seed=1).images(c, e)[0]).byte().numpy()


def transparent(c, e):
    blank = Image.new("L", (28, 28), 0)
    return Image.merge("LA", [blank, Image.fromarray(ink(c, e))]).convert("RGBA")


PICTURES = {"black on white": lambda c, e: Image.fromarray(255 - ink(c, e)), "white on black": lambda c, e: Image.fromarray(ink(c, e)),
            "transparent": transparent,
            "white on transparent": lambda c, e: Image.merge("LA", [Image.new("L", (28, 28), 255), Image.fromarray(ink(c, e))]),
            "16 bits": lambda c, e: Image.fromarray((255 - ink(c, e)).astype(np.uint16) * 257),
            "one bit": lambda c, e: Image.fromarray(255 - ink(c, e)).convert("1", dither=Image.Dither.NONE),
            "palette": lambda c, e: Image.fromarray(255 - ink(c, e)).convert("P")}


@pytest.mark.parametrize("kind", PICTURES)
def test_drawings_come_as_ink_however_they_were_saved(tmp_path, kind):
    tasks = Folder(folder(tmp_path, PICTURES[kind]), image_size=28, channels=1)
    wanted = torch.stack([torch.from_numpy(ink(c, 2) / np.float32(255)) for c in range(5)])
    tolerance = 0.6 if kind == "one bit" else 0.01
    assert (tasks.images(range(5), 2)[:, 0] - wanted).abs().max() < tolerance


def test_brightness_stays_where_it_is_asked_for_and_in_photographs(tmp_path):
    there = folder(tmp_path, PICTURES["black on white"])
    light, dark = (Folder(there, image_size=28, channels=1, dark_ink=choice).images(0, 0) for choice in (False, None))
    assert torch.allclose(light + dark, torch.ones(1))


def test_the_camera_says_which_way_is_up(tmp_path):
    (tmp_path / "a").mkdir()
    photo, tag = Image.new("L", (60, 60), 255), Image.Exif()
    photo.paste(0, (0, 0, 60, 20))
    tag[0x0112] = 6
    photo.save(tmp_path / "a" / "1.jpg", exif=tag)
    x = Folder(tmp_path, image_size=6, channels=1).images(0, 0)[0]
    assert x[:, -1].mean() < 0.2 < x[0].mean()


def test_a_replaced_file_is_read_again(tmp_path):
    tasks = Folder(folder(tmp_path, lambda c, e: Image.new("RGB", (9, 9), (255, 0, 0))), image_size=9)
    assert tasks.images(0, 0)[0].mean() == 1
    Image.new("RGB", (9, 9), (0, 0, 255)).save(tmp_path / "class0" / "0.png")
    assert tasks.images(0, 0)[0].mean() == 0 and tasks.images(0, 0)[2].mean() == 1


def test_what_a_system_left_is_passed_over_and_what_is_broken_is_named(tmp_path):
    folder(tmp_path, lambda c, e: Image.new("L", (20, 20), 20 * e))
    (tmp_path / "class0" / "._1.png").write_bytes(b"\0\5\26\7Mac OS X")
    (tmp_path / "class0" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Folder(tmp_path, image_size=8).per_class.tolist() == [6] * 5
    (tmp_path / "class1" / "9.png").write_bytes(b"no image at all")
    (tmp_path / "empty").mkdir()
    with pytest.warns(UserWarning, match="left out of .*9.png is no whole image.*empty holds no image"):
        tasks = Folder(tmp_path, image_size=8)
    assert tasks.per_class.tolist() == [6] * 5 and len(tasks.skipped) == 2
    whole = (tmp_path / "class2" / "3.png").read_bytes()
    (tmp_path / "class2" / "3.png").write_bytes(whole[:50])
    with pytest.warns(UserWarning, match="3.png is no whole image"):
        Folder(tmp_path, image_size=8).sample(20, n_way=5, k_shot=1, n_query=4, seed=1)


def test_one_rare_class_does_not_stop_the_others(tmp_path):
    folder(tmp_path, lambda c, e: Image.new("L", (20, 20), 6 * e), per_class=12)
    (tmp_path / "rare").mkdir()
    Image.new("L", (20, 20)).save(tmp_path / "rare" / "1.png")
    with pytest.warns(UserWarning, match=r"fewer than 10 examples: rare \(1\)"):
        Folder(tmp_path, image_size=8).sample(2, n_way=5, k_shot=5, n_query=5)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_saved_by_a_spreadsheet(tmp_path, coding):
    (tmp_path / "images").mkdir()
    Image.new("L", (9, 9)).save(tmp_path / "images" / "1.png")
    (tmp_path / "train.csv").write_bytes("filename,label\n1.png,Löwe\n".encode(coding))
    assert Folder(tmp_path, "train").names == ["Löwe"]
    (tmp_path / "train.csv").write_bytes("filename,label\n1.png,Löwe\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not in UTF-8 .*; save it as"):
        Folder(tmp_path, "train")


def test_size_is_read_from_the_header_before_anything_is_unpacked(monkeypatch):
    import io
    stream = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(stream, "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match="13,000 x 13,000 pixels, more than 50,000,000"):
        files.page(stream.getvalue())


@pytest.mark.skipif(not hasattr(__import__("os"), "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_never_opened(tmp_path):
    import os
    folder(tmp_path, lambda c, e: Image.new("L", (20, 20)))
    os.mkfifo(tmp_path / "class0" / "pipe.png")
    with pytest.warns(UserWarning, match="pipe.png is no regular file"):
        assert Folder(tmp_path, image_size=8).per_class[0] == 6


def test_a_table_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"smiles,kills\nCCO," + b"1" * 200_000)
    with pytest.raises(DataError, match="a.csv is no table .field larger"):
        Assays.from_csv(tmp_path / "a.csv", "smiles", ["kills"])
    with pytest.raises(DataError, match="is no file"):
        Assays.from_csv(tmp_path, "smiles", ["kills"])
