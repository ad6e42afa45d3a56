"""The one door for real data: `fetch(name)` gives the path of a file, `read_zip` what is in it.

`fetch` looks into the folder named by the environment variable METALIB_DATA, then into the cache, and only then
downloads from where the authors publish, against the published checksum. A file in METALIB_DATA is your own: its
container may have been repacked, so its checksum is not asked for; the loaders check the contents instead.
"""
import csv
import gzip
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

AGAIN = "get it again from its publisher"           # what to do about every file that is not what it should be


class DataError(RuntimeError):
    """Real data that is missing, unreachable, or not what it should be; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """Where a file lives: its `path` below the METALIB_DATA folder and below the cache; the `url` where its authors publish it; the
    `checksum` of the published file, "md5:..." or "sha256:..."; what runs `instead`, without it; and its `licence`.
    """

    path: str
    url: str
    checksum: str
    instead: str = "ml.tasks.Glyphs() and ml.tasks.Digits() run without it"
    licence: str = ""


REGISTRY = {name: Source(**entry) for name, entry in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")).items()}


def fetch(name: str) -> Path:
    """The path of a registered file: from METALIB_DATA, else the cache, else a checked download with a progress bar.

    Raises:
        ValueError: for a name that is not in `REGISTRY`.
        DataError: where METALIB_DATA names no folder, or the download fails or does not match its checksum.
    """
    if name not in REGISTRY:
        raise ValueError(f"there is no data named {name!r}; known are {', '.join(REGISTRY)}.")
    source = REGISTRY[name]
    if folder := os.environ.get("METALIB_DATA"):
        own = Path(folder).expanduser() / source.path
        if not Path(folder).expanduser().is_dir():
            raise DataError(f"METALIB_DATA is {folder!r}, which is no folder; name one that holds {source.path}, or unset it.")
        if own.is_file():
            return own
    return _download(name, source)


def _download(name: str, source: Source) -> Path:
    """The cached copy, downloaded if there is none with the right checksum. Pooch renames it into place when it is whole."""
    import pooch

    target = Path(pooch.os_cache("metalib")) / source.path
    try:
        pooch.retrieve(source.url, source.checksum, fname=target.name, path=target.parent,
                       downloader=pooch.HTTPDownloader(progressbar=True, timeout=30))
    except (OSError, ValueError) as error:                              # network and disk; a checksum that differs
        why = type(error).__name__ if isinstance(error, OSError) else "not the published checksum"
        raise DataError(
            f"could not get {name} ({why}): download {source.url} yourself to {source.path} in a folder that METALIB_DATA "
            f"names, or to {target}; {source.instead}.") from None
    return target


def bounded(stream: IO[bytes], largest: int, name: str) -> bytes:
    """Everything in a stream, of which no more than `largest` bytes are ever unpacked; a DataError where there are more."""
    content = stream.read(largest + 1)
    if len(content) > largest:
        raise DataError(f"{name} unpacks to more than {largest:,} bytes; {AGAIN}.")
    return content


def read_text(path: Path, largest: int = 50_000_000) -> str:
    """A text file in UTF-8, or in UTF-16 with its mark; packed by gzip where its name ends so; at most `largest` bytes are unpacked.

    Raises DataError for a file that is missing, broken, too large, in another coding, or none: a pipe would wait for ever.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; name one.")
    try:
        with (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as stream:
            raw = bounded(stream, largest, str(path))
        if text := raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"):
            return text
        raise EOFError("it is empty")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8 (byte {error.start}); save it as \"CSV UTF-8\", or {AGAIN}.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no whole text file ({error}); {AGAIN}.") from error


def read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a table, and its rows by line number; fields stand between commas, semicolons or tabs, blanks around them go.

    Raises DataError as `read_text`; for a table with a column twice, or a row with more fields than there are columns.
    """
    text = read_text(Path(path))
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=max(",;\t", key=first.count), skipinitialspace=True)
    try:
        lines = [(reader.line_num, [field.strip() for field in line]) for line in reader if any(field.strip() for field in line)]
    except csv.Error as error:
        raise DataError(f"{path} is no table ({error}): line {reader.line_num} cannot be read; save it as CSV.") from error
    names = lines[0][1] if lines else []
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise DataError(f"{path} has the column {twice[0]!r} twice; rename one.")
    if long := [(number, line) for number, line in lines[1:] if any(line[len(names):])]:
        raise DataError(f"{path}, line {long[0][0]}, has {len(long[0][1])} fields for {len(names)} columns; put quotes around a field that "
                        "holds the separator.")
    return names, [(number, dict(zip(names, line + [""] * len(names)))) for number, line in lines[1:]]


def read_zip(path: Path, suffix: str | tuple[str, ...], count: int, largest: int) -> Iterator[tuple[str, bytes]]:
    """Every file in an archive as (name, content), in memory: nothing is unpacked, so nothing can land elsewhere.

    Arguments:
        suffix: how every file in it ends, such as ".png", or several endings. count: how many files it holds.
        largest: bytes that one file may have at most, unpacked; with `count`, the bound on memory.

    Raises DataError for a broken archive, absolute or `..` names, other files, too large files, or another count.
    """
    kind = suffix if isinstance(suffix, str) else " or ".join(suffix)
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [(PurePosixPath(m.filename.replace("\\", "/")), m) for m in archive.infolist() if not m.is_dir()]
            members = dict(listed)
            if len(members) < len(listed):
                again = next(name for name, m in listed if members[name] is not m)
                raise DataError(f"{path} holds {str(again)!r} twice; {AGAIN}.")
            for name, m in members.items():
                if name.is_absolute() or ".." in name.parts or ":" in m.filename:
                    raise DataError(f"{path} holds {m.filename!r}, which points outside the archive; {AGAIN}.")
                if not name.name.endswith(suffix):
                    raise DataError(f"{path} holds {m.filename!r}, which is no {kind} file; {AGAIN}.")
                if m.file_size > largest:
                    raise DataError(f"{path} holds {m.filename!r} of {m.file_size:,} bytes, where at most {largest:,} "
                                    f"are expected; {AGAIN}.")
            if len(members) != count:
                raise DataError(f"{path} holds {len(members):,} {kind} files, where {count:,} are expected; {AGAIN}.")
            for name, m in members.items():
                with archive.open(m) as stream:                            # its header may lie about the size
                    yield str(name), bounded(stream, largest, f"{path}: {m.filename!r}")
    except DataError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, NotImplementedError) as error:   # encrypted: RuntimeError
        raise DataError(f"{path} is no whole zip archive ({error}); {AGAIN}.") from error
