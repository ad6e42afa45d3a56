"""The door for real data: where it looks, what it says when it finds nothing, and every archive it must refuse."""
import hashlib
import io
import json
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import torch

from metalib import data
from metalib.data import DataError, Source, fetch, read_zip
from metalib.tasks import Omniglot
from metalib.tasks.images import omniglot


@pytest.fixture(autouse=True)
def small_and_alone(tmp_path, monkeypatch):
    """No cache but an empty one, no environment, nothing remembered; and an Omniglot of three characters."""
    import pooch

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.delenv("METALIB_DATA", raising=False)
    monkeypatch.setattr(omniglot, "CHARACTERS", {"background": 2, "evaluation": 1, "train": 2, "validation": 1, "test": 1})
    monkeypatch.setattr(omniglot, "ALPHABETS", {"background": 1, "evaluation": 1})
    forget()
    yield
    forget()                                                            # later tests may have the real one


def forget():
    omniglot._split.cache_clear()
    omniglot._archive.cache_clear()


def png(size=(105, 105), mode="1", seed=0) -> bytes:
    from PIL import Image

    pixels = np.random.RandomState(seed).rand(*size[::-1]) < 0.9
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "PNG")
    return out.getvalue()


def pages(part="background", characters=2) -> dict[str, bytes]:
    return {f"images_{part}/Greek/character{c:02d}/{c:04d}_{d:02d}.png": png(seed=100 * c + d)
            for c in range(1, characters + 1) for d in range(1, 21)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A METALIB_DATA folder; call it to put an archive of the given files into it."""
    root = tmp_path / "mine"
    (root / "omniglot" / "vinyals-split").mkdir(parents=True)
    monkeypatch.setenv("METALIB_DATA", str(root))

    def put(files, part="background"):
        with zipfile.ZipFile(root / f"omniglot/images_{part}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return root / f"omniglot/images_{part}.zip"
    return put


# --- where it looks ---------------------------------------------------------------------------------------------------

def test_your_own_folder_comes_first_and_nothing_is_unpacked(folder, tmp_path):
    path = folder({"images_background/": b"", **pages()})
    assert fetch("omniglot-background") == path
    before = sorted(tmp_path.rglob("*"))
    tasks = Omniglot("background")
    assert tasks.images(0, np.arange(20)).shape == (20, 1, 28, 28) and tasks.class_name(7) == "Greek/character02/rot270"
    assert 0.05 < tasks.images(0, 0).mean() < 0.15                                          # a tenth of the pixels is ink
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_or_folder_that_does_not_exist(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="no data named 'omniglott'; known are omniglot-background"):
        fetch("omniglott")
    monkeypatch.setenv("METALIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere', which is no folder; name one that holds omniglot/images_background.zip"):
        fetch("omniglot-background")


def test_the_registry_is_official_and_names_no_place_of_ours():
    publishers = ("https://raw.githubusercontent.com/", "https://files.grouplens.org/", "https://deepchemdata.s3-us-west-1.amazonaws.com/",
                  "https://registry.npmjs.org/")
    for source in data.REGISTRY.values():
        assert source.url.startswith(publishers) and source.url.endswith(source.path.rsplit("/", 1)[-1])
        kind, digest = source.checksum.split(":")
        assert len(digest) == {"md5": 32, "sha256": 64}[kind]


# --- downloads, from a server on this machine -------------------------------------------------------------------------

@pytest.fixture
def server(monkeypatch):
    """A web server; call it to register a source "it" with the content it serves and the checksum it should have."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = contents.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args):
            pass

    contents = {}
    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def serve(content, published):
        contents["/it.txt"] = content
        checksum = f"sha256:{hashlib.sha256(published).hexdigest()}"
        monkeypatch.setitem(data.REGISTRY, "it", Source("some/it.txt", f"http://127.0.0.1:{httpd.server_port}/it.txt", checksum))
        return asked
    yield serve
    httpd.shutdown()
    httpd.server_close()


def test_a_download_is_checked_cached_and_not_repeated(server, tmp_path, capfd):
    asked = server(b"whole", published=b"whole")
    assert fetch("it") == tmp_path / "cache/some/it.txt" and fetch("it").read_bytes() == b"whole"
    assert asked == ["/it.txt"] and "100%" in capfd.readouterr().err                          # one download, with its bar
    fetch("it").write_bytes(b"rotten")
    assert fetch("it").read_bytes() == b"whole" and len(asked) == 2                           # a spoilt cache is replaced


def test_a_download_that_differs_leaves_nothing_behind(server, tmp_path):
    server(b"whole, and something else", published=b"whole")
    with pytest.raises(DataError, match=r"could not get it \(not the published checksum\)"):
        fetch("it")
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_failed_download_says_what_to_do_and_what_runs_without(server, tmp_path):
    server(None, published=b"whole")
    with pytest.raises(DataError) as caught:
        fetch("it")
    says = str(caught.value)
    for part in ("could not get it (HTTPError)", "download http://127.0.0.1", "METALIB_DATA", str(tmp_path / "cache/some/it.txt"),
                 "ml.tasks.Glyphs() and ml.tasks.Digits() run without it"):
        assert part in says
    assert "\n" not in says and caught.value.__cause__ is None and caught.value.__suppress_context__


# --- archives to refuse -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "images_background/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_a_name_that_points_outside_is_refused(folder, name):
    folder({**pages(), name: png()})
    with pytest.raises(DataError, match="points outside the archive"):
        Omniglot("background").images(0, 0)


def without(files, n):
    return dict(list(files.items())[n:])


@pytest.mark.parametrize("files, says", [
    (lambda: without(pages(), 1), "holds 39 .png files, where 40 are expected"),
    (lambda: pages(characters=3), "holds 60 .png files, where 40 are expected"),
    (lambda: {**pages(), "readme.txt": b"hello"}, "'readme.txt', which is no .png file"),
    (lambda: {**without(pages(), 1), "images_background/Latin/character01/0001_01.png": png()}, "3 characters of 2 alphabets"),
    (lambda: {**without(pages(), 1), "elsewhere.png": png()}, "2 characters of 1 alphabets, not 2 of 1 with 20 drawings each"),
    (lambda: {k.replace("/Greek", ""): v for k, v in pages().items()}, "0 characters of 0 alphabets"),
    (lambda: {**pages(), next(iter(pages())): b"not a picture"}, r"0001_01.png is no whole PNG image"),
    (lambda: {**pages(), next(iter(pages())): png()[:60]}, "is no whole PNG image"),
    (lambda: {**pages(), next(iter(pages())): png(size=(28, 28))}, r"has size \(28, 28\) and mode 1"),
    (lambda: {**pages(), next(iter(pages())): png(mode="L")}, "and mode L, not"),
    (lambda: {**pages(), next(iter(pages())): bytes(10**6)}, "of 1,000,000 bytes, where at most 4,096 are expected"),
])
def test_an_archive_that_is_not_omniglot_is_refused(folder, files, says):
    folder(files())
    with pytest.raises(DataError, match=says) as caught:
        Omniglot("background").images(0, 0)
    assert "get it again from its publisher" in str(caught.value)


@pytest.mark.parametrize("spoil", [lambda b: b[:-200], lambda b: b[:len(b) // 2], lambda b: b"", lambda b: b"<html>404</html>",
                                   lambda b: b[:300] + bytes(200) + b[500:]])
def test_a_truncated_or_spoilt_archive_is_refused(folder, spoil):
    path = folder(pages())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match="no whole zip archive .*; get it again"):
        Omniglot("background").images(0, 0)


def test_read_zip_gives_names_and_contents(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one/b.txt", b"2")
        archive.writestr("one/a.txt", b"1")
    assert dict(read_zip(tmp_path / "a.zip", ".txt", count=2, largest=1)) == {"one/a.txt": b"1", "one/b.txt": b"2"}


# --- the few-shot split -----------------------------------------------------------------------------------------------

def split_file(folder, name, content):
    path = folder(pages()).parent / "vinyals-split" / name
    folder(pages("evaluation", 1), "evaluation")
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_split_takes_its_characters_from_both_archives(folder):
    split_file(folder, "train.json", {"background": {"Greek": ["character02"]}, "evaluation": {"Greek": ["character01"]}})
    tasks = Omniglot("train", rotations=False)
    assert [tasks.class_name(i) for i in range(2)] == ["Greek/character02", "Greek/character01"]
    assert torch.equal(tasks.images(0, np.arange(20)), Omniglot("background").images(1, np.arange(20)))
    assert torch.equal(tasks.images(1, np.arange(20)), Omniglot("evaluation").images(0, np.arange(20)))


@pytest.mark.parametrize("content, says", [
    ("{", "does not list characters by part and alphabet"), ("[1]", "does not list"), ({"background": {}}, "does not list"),
    ({"background": {"Greek": ["character01"]}, "evaluation": {}}, "lists 1 characters, 0 of them again, not 2"),
    ({"background": {"Greek": ["character01", "character02", "character02"]}, "evaluation": {}}, "1 of them again"),
    ({"background": {"Greek": ["character01", "character09"]}, "evaluation": {}}, "character09, which the background .* lacks"),
])
def test_a_split_that_is_not_one_is_refused(folder, content, says):
    split_file(folder, "train.json", content)
    with pytest.raises(DataError, match=says):
        Omniglot("train").images(0, 0)


# ---- bounds that hold

def lying_zip(path, declared, content):
    """An archive whose directory and header say that its one file is smaller than it is."""
    import struct
    import zipfile
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", content)
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.index(mark) + offset
        raw[place:place + 4] = struct.pack("<I", declared)
    path.write_bytes(raw)


def test_an_archive_is_not_believed_about_its_size(tmp_path):
    lying_zip(tmp_path / "bomb.zip", 100, b"\0" * 50_000_000)
    with pytest.raises(data.DataError, match="bomb.zip"):
        list(data.read_zip(tmp_path / "bomb.zip", ".png", 1, largest=4096))


def test_a_name_that_comes_twice_is_refused(tmp_path):
    import warnings
    import zipfile
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.png", b"1")
        archive.writestr("a.png", b"2")
    with pytest.raises(data.DataError, match="holds 'a.png' twice"):
        list(data.read_zip(tmp_path / "twice.zip", ".png", 1, largest=4096))


def test_a_small_gzip_file_that_unpacks_to_much_is_refused(tmp_path):
    import gzip
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\0" * 5_000_000))
    with pytest.raises(data.DataError, match="unpacks to more than 1,000,000 bytes"):
        data.read_text(tmp_path / "a.gz", largest=1_000_000)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_says_its_coding(tmp_path, coding):
    (tmp_path / "a.csv").write_bytes("Löwe\n".encode(coding))
    assert data.read_text(tmp_path / "a.csv") == "Löwe\n"
    (tmp_path / "a.csv").write_bytes("Löwe\n".encode("latin-1"))
    with pytest.raises(DataError, match="not in UTF-8 .byte 1.; save it as"):
        data.read_text(tmp_path / "a.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_in_place_of_a_text_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    for path in (tmp_path / "a.csv", tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(DataError, match="is no file; name one"):
            data.read_text(path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"\x1f\x8b\x08\0" + b"x" * 40, b"plain"])
def test_a_damaged_gzip_file_is_one_sentence(tmp_path, content):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(data.DataError, match="is no whole text file"):
        data.read_text(tmp_path / "a.gz")
