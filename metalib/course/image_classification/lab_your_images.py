"""Lab: bring your own images. A folder with a subfolder for each class, or uploaded files, become one episode.

One image of each class is learned from, the others are asked about; the same is asked of the nearest colour histogram and of the nearest
pixels. What cannot be used is named: unreadable, tiny or loose files, classes with a single image, more classes than the learner has answers.
The interval of a share is Wilson's, 1927, https://doi.org/10.1080/01621459.1927.10502953.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import torch
from torch import Tensor

from ...data import DataError
from ...episodes import Examples
from ...learners import Learner
from ...tasks import Digits
from ...tasks.images.files import SUFFIXES, is_class, is_drawing, is_image, light_paper, page
from ...tasks.images.ink import SIDE, resize_to_ink
from ..claims import wilson
from ..tour.lab_draw_and_recognise import SHIPPED, grey, shipped
from ..widgets.drawing import BLACK, GREEN, GREY, RED, sheet
from ..widgets.shell import Lab, entry
from .photographs import histogram, pixels

ANSWERS = 5                     # of the shipped heads
ASKED, MOST = 10, 40            # queries shown; queries asked: each costs a pass through the network
LARGEST = 200                   # files read: a lab is no place for a data set
COLOUR = 32                     # side of the colour pictures that histograms and pixels are taken from
File = tuple[str, str, bytes]   # class, name, content


@dataclass(frozen=True)
class Result:
    """Arguments: names of the classes; support, query: images [n, 28, 28] and class numbers; answers [queries]; trouble:
    what could not be used, a phrase for each; own: they are the reader's; rivals: how many queries they answer right; strange: how many of
    all images are no drawings, and for whom that matters."""

    names: Sequence[str]
    support: Tensor
    query: Tensor
    truth: Tensor
    answers: Tensor
    trouble: Sequence[str]
    own: bool
    rivals: Mapping[str, int] = field(default_factory=dict)
    strange: str = ""


def in_folder(path: str) -> tuple[list[File], list[str]]:
    """The image files in the subfolders of a folder, and what is in the way."""
    root = Path(path).expanduser()
    if not root.is_dir():
        return [], [f"{path} is no folder"]
    classes = sorted(one for one in root.iterdir() if is_class(one))
    loose = sorted(one.name for one in root.iterdir() if is_image(one) and one.is_file())
    if not classes:
        return [], [f"{root.name} has no subfolders, and each class needs one"]
    found, trouble = [], []
    if loose:
        trouble.append(f"{len(loose)} loose file{'s' * (len(loose) > 1)}, such as {loose[0]}, in no folder of a class")
    for one in classes:
        files = sorted(file for file in one.iterdir() if is_image(file) and file.is_file())
        if not files:
            trouble.append(f"{one.name} holds no image")
        found += [(one.name, file) for file in files]
    files = []
    for name, file in spread(found, trouble):
        try:
            files.append((name, file.name, file.read_bytes()))
        except OSError as error:
            trouble.append(f"{file.name} cannot be opened ({error.strerror})")
    return files, trouble


def spread(found: list, trouble: list[str]) -> list:
    """At most LARGEST files (class, ...), as evenly from all classes as may be: the first of each, then the second; in the order of classes."""
    if len(found) <= LARGEST:
        return found
    trouble.append(f"only {LARGEST} of {len(found)} files are read, spread over the classes")
    by_class: dict[str, list] = {}
    for one in found:
        by_class.setdefault(one[0], []).append(one)
    kept = [one for row in zip_longest(*by_class.values()) for one in row if one is not None][:LARGEST]
    return sorted(kept, key=lambda one: list(by_class).index(one[0]))


def uploaded(files: Sequence[Mapping]) -> tuple[list[File], list[str]]:
    """Uploaded files, as ipywidgets gives them; the class stands before the last number in the name: cat_1.png is a cat."""
    found, trouble = [], []
    for file in files:
        match = re.fullmatch(r"(.*?)[ _\-(]*\d+\)?", Path(file["name"]).stem)
        if match is None or not match[1]:
            trouble.append(f"{file['name']} does not say its class, as cat_1.png would")
        else:
            found.append((match[1], file["name"], bytes(file["content"])))
    return spread(found, trouble), trouble


@dataclass(frozen=True)
class Seen:
    """Arguments: ink: as ink on paper, [28, 28]; colour: [3, 32, 32], the square in the middle; drawing: is it ink on paper?"""

    ink: Tensor
    colour: Tensor
    drawing: bool


@lru_cache(maxsize=512)
def read(content: bytes) -> Seen | str:
    """A file as it is seen here, or what is wrong with it."""
    from PIL import ImageOps
    try:
        picture = page(content, COLOUR)
        paper = np.asarray(picture.convert("L"))
    except DataError as error:
        return str(error).removesuffix(f" ({type(error.__cause__).__name__})")
    if min(paper.shape) < SIDE // 2:
        return f"is tiny ({paper.shape[1]} x {paper.shape[0]} pixels)"
    colour = torch.from_numpy(np.asarray(ImageOps.fit(picture, (COLOUR, COLOUR))).copy()).permute(2, 0, 1).float() / 255
    ink = resize_to_ink(paper, dark_ink=light_paper(paper))[0]                      # the border is paper, whatever its colour
    pale = (colour.amax(0) - colour.amin(0)).mean() < 0.15
    return Seen(ink, colour, bool(pale) and is_drawing(paper if light_paper(paper) else 255 - paper))


@dataclass(frozen=True)
class Task:
    """Arguments: names of the classes; support, query: one image of each, and the others, as ink; colours: the same in colour, [n, 3, 32, 32]
    each; drawings: how many of how many images are drawings."""

    names: Sequence[str]
    support: Examples
    query: Examples
    colours: tuple[Tensor, Tensor]
    drawings: tuple[int, int]


def episode(files: Sequence[File], seed: int) -> tuple[Task | None, list[str]]:
    """Files -> a task, if they are one, and what could not be used."""
    trouble, classes = [], {}
    for name, file, content in files:
        image = read(content)
        if isinstance(image, str):
            trouble.append(f"{file} {image}")
        else:
            classes.setdefault(name, []).append(image)
    for name in [name for name, images in classes.items() if len(images) < 2]:
        trouble.append(f"{name} has a single image, so nothing is left to ask")
        del classes[name]
    if len(classes) > ANSWERS:
        trouble.append(f"the learner has {ANSWERS} answers, so {', '.join(list(classes)[ANSWERS:])} are left out")
    names = list(classes)[:ANSWERS]
    if len(names) < 2:
        trouble.append("at least two classes with two images each are needed")
        return None, trouble
    rng = np.random.RandomState(seed)
    drawn = {name: [classes[name][i] for i in rng.rand(len(classes[name])).argsort(kind="stable")] for name in names}
    rest = [(k, image) for k, name in enumerate(names) for image in drawn[name][1:]]
    rest = [rest[i] for i in rng.rand(len(rest)).argsort(kind="stable")]
    if len(rest) > MOST:
        trouble.append(f"only {MOST} of {len(rest)} queries are asked")
        rest = rest[:MOST]
    learned, asked = [drawn[name][0] for name in names], [image for _, image in rest]
    support = Examples(torch.stack([one.ink for one in learned])[None, :, None], torch.arange(len(names))[None])
    query = Examples(torch.stack([one.ink for one in asked])[None, :, None], torch.tensor([[k for k, _ in rest]]))
    colours = tuple(torch.stack([one.colour for one in part]) for part in (learned, asked))
    return Task(names, support, query, colours, (sum(one.drawing for one in learned + asked), len(learned + asked))), trouble


def example(seed: int) -> Task:
    """Digits, while the reader has brought nothing."""
    one = Digits().sample(1, n_way=5, k_shot=1, n_query=2, seed=seed)
    order = one.support.y[0].argsort()
    names = [f"digit {int(c)}" for c in one.about["classes"][0]]
    support = Examples(one.support.x[:, order], one.support.y[:, order])
    colours = tuple(1 - part.x[0].expand(-1, 3, -1, -1) for part in (support, one.query))
    return Task(names, support, one.query, colours, (15, 15))


def nearest(colours: tuple[Tensor, Tensor], through) -> Tensor:
    """For each query the number of the learned picture that it is nearest to, by what `through` makes of both."""
    learned, asked = map(through, colours)
    return torch.cdist(asked, learned).argmin(1)


def share(right: int, n: int) -> str:
    """A share and its 95 % interval, Wilson's."""
    low, high = wilson(right / n, n)
    return f"{100 * right / n:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f}"


def compute(learner: str, seed: int, folder: str = "", files: Sequence[Mapping] = (),
            learners: Mapping[str, Learner] | None = None) -> Result:
    """Learn from one image of each class, answer for the others.

    Arguments:
        learner: "MAML", "ANIL" or "nearest centroid". seed: which image of each class is learned from.
        folder: a folder with a subfolder for each class. files: uploaded files; they go before the folder.
        learners: name -> learner, in place of the shipped ones.
    """
    own = bool(files or folder.strip())
    trouble: list[str] = []
    if own:
        found, trouble = uploaded(files) if files else in_folder(folder.strip())
        task, more = episode(found, seed)
        trouble = [*trouble, *more]
        if task is None:
            empty = torch.zeros(0, SIDE, SIDE)
            return Result([], empty, empty, torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), trouble, own)
    else:
        task = example(seed)
    names, support, query = task.names, task.support, task.query
    with torch.no_grad():
        predict = (learners[learner] if learners else shipped(learner)).adapt(support)
        answers = predict(query.x)[0, :, :len(names)].argmax(-1)
    rivals = {name: int((nearest(task.colours, through) == query.y[0]).sum())
              for name, through in (("nearest colour histogram", histogram), ("nearest pixels", pixels))}
    drawings, n = task.drawings
    strange = f"{n - drawings} of {n} images are no drawings, and {learner} was raised on characters: it is out of its domain" \
        if drawings < n / 2 and learner != "nearest centroid" else ""
    return Result(names, support.x[0, :, 0], query.x[0, :, 0], query.y[0], answers, trouble, own, rivals, strange)


def make(fig):
    above = [fig.add_axes((0.09 + 0.18 * i, 0.56, 0.15, 0.3)) for i in range(ANSWERS)]
    below = [fig.add_axes((0.09 + 0.09 * i, 0.17, 0.08, 0.17)) for i in range(ASKED)]
    blank = grey(torch.zeros(SIDE, SIDE))
    views, paints = zip(*[sheet(ax) for ax in (*above, *below)])
    for ax in (*above, *below):
        ax.axis("off")
    fig.text(0.012, 0.7, "learned\nfrom", color=GREY, fontsize=9.5, va="center")
    fig.text(0.012, 0.25, "asked", color=GREY, fontsize=9.5, va="center")
    titles = [fig.text(0.165 + 0.18 * i, 0.88, "", ha="center", color=BLACK) for i in range(ANSWERS)]
    marks = [fig.text(0.13 + 0.09 * i, 0.14, "", ha="center", va="top", fontsize=8.5) for i in range(ASKED)]

    def short(name: str) -> str:
        name = " ".join(name.split())
        return (name if len(name) <= 11 else name[:10] + "…").replace("$", r"\$")       # a dollar would open a formula

    def change(r: Result) -> str:
        for i, (paint, title) in enumerate(zip(paints, titles)):
            paint(grey(r.support[i]) if i < len(r.names) else blank)
            title.set_text(short(r.names[i]) if i < len(r.names) else "")
        for i, (paint, mark) in enumerate(zip(paints[ANSWERS:], marks)):
            there = i < len(r.query)
            right = there and bool(r.answers[i] == r.truth[i])
            paint(grey(r.query[i]) if there else blank)
            mark.set_text(f"{short(r.names[r.answers[i]])}\n{'right' if right else 'wrong'}" if there else "")
            mark.set_color(GREEN if right else RED)
        problems = f"; not used: {', '.join(r.trouble)}" if r.trouble else ""
        if not r.names:
            return f"There is no task yet{problems}."
        whose = "your images" if r.own else "digits, as an example"
        right = int((r.answers == r.truth).sum())
        beside = ", ".join(f"{name} {count}" for name, count in r.rivals.items())
        strange = f"; {r.strange}" if r.strange else ""
        return (f"Of {len(r.query)} queries ({whose}) {right} are answered right, each class seen once ({share(right, len(r.query))}; guessing "
                f"{100 / len(r.names):.0f} %); without any learning {beside}{strange}{problems}.")

    return [*views, *titles, *marks], change


@entry
def lab(learners: Mapping[str, Learner] | None = None) -> Lab:
    """Open the lab.

    Arguments:
        learners: name -> learner with at least five answers, in place of the shipped ones.
    """
    names = list(learners or [*SHIPPED, "nearest centroid"])
    return Lab(lambda **state: compute(**state, learners=learners), make, {
        "learner": widgets.ToggleButtons(options=names, description="learner"),
        "seed": widgets.IntSlider(0, min=0, max=20, description="which image"),
        "folder": widgets.Text("", description="folder", placeholder="a folder with a subfolder for each class",
                               continuous_update=False, layout=widgets.Layout(width="420px")),
        "files": widgets.FileUpload(description="files", multiple=True, accept=",".join(SUFFIXES)),
        "clear": widgets.Button(description="Back to the example", layout=widgets.Layout(width="auto")),
    }, actions={"clear": lambda state: {"files": (), "folder": ""}},
        unused=lambda state: set() if state["files"] or state["folder"] else {"clear"})
