"""A folder of colour pictures from end to end: classes kept apart, a learner trained, held against what needs no training, its predictor kept.

    python -m metalib.course.image_classification.photographs FOLDER --iterations 2000 --filters 64 --side 64 --out mine.safetensors

Colour histograms: Swain, Ballard 1991, "Color Indexing", https://doi.org/10.1007/BF00130487. Orientations of edges: Dalal, Triggs 2005,
"Histograms of Oriented Gradients for Human Detection", https://doi.org/10.1109/CVPR.2005.177. Heads on features that stay as they are: Chen et
al. 2019, "A Closer Look at Few-shot Classification", https://arxiv.org/abs/1904.04232.
"""
from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import metalib as ml

from ...episodes import generator
from ...evaluation import Score, evaluate, mean_ci
from ...figures import Picture, new
from ...networks import Network
from ...tasks import Arrays, Classes
from .pictures import Pictures, Variants

GRID = (0.1, 1.0, 10.0, 100.0)             # strengths (inverse penalties, rates) that a validation split chooses from
FORMATS = (("png", "RGB"), ("jpg", "RGB"), ("gif", "P"), ("webp", "RGBA"), ("tif", "RGB"), ("bmp", "RGB"), ("png", "RGBA"), ("jpg", "CMYK"),
           ("tif", "RGBA"), ("png", "P"), ("jpeg", "RGB"), ("png", "RGB"))


# A folder ---------------------------------------------------------------------------------------------------------------------

def write(folder: str | Path, family: Pictures, n_classes: int, per_class: int = 12, dull: bool = False) -> Path:
    """Pictures as files, a folder for each class, in many formats, modes and sizes.

    Arguments:
        dull: of each class write one in grey (L) and one in grey of 16 bits, which have no colour.
    """
    from PIL import Image
    sizes = generator(7)
    for number in range(n_classes):
        (one := Path(folder) / f"kind_{number:02d}").mkdir(parents=True, exist_ok=True)
        for example, x in enumerate((255 * family.draw(number, np.arange(per_class))).byte().permute(0, 2, 3, 1).numpy()):
            suffix, mode = FORMATS[example % len(FORMATS)]
            wide, high = sizes.randint(60, 200, 2)
            picture = Image.fromarray(x).resize((int(min(wide, 1.3 * high)), int(min(high, 1.3 * wide))), Image.Resampling.BICUBIC)
            picture = picture.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else picture.convert(mode)
            if dull and example in (0, 1):
                suffix, picture = "png", picture.convert("L")
                if example:
                    picture = Image.fromarray(257 * np.asarray(picture).astype(np.uint16))
            picture.save(one / f"{example:02d}.{suffix}")
    return Path(folder)


def example_folder(n_classes: int = 24, per_class: int = 12) -> Path:
    """A folder of generated pictures, written anew: what a reader without photographs takes."""
    return write(tempfile.mkdtemp(prefix="pictures-"), Pictures(seed=3), n_classes, per_class)


def apart(names: Sequence[str], shares: Sequence[float] = (0.5, 0.25, 0.25), seed: int = 0) -> list[list[str]]:
    """The classes dealt out at random: to learn from, to choose by, to be judged on. No class is in two parts."""
    order = [names[i] for i in generator(seed).permutation(len(names))]
    ends = np.round(np.cumsum(shares) * len(names)).astype(int)
    return [sorted(order[first:last]) for first, last in zip([0, *ends], ends)]


# What needs no training -------------------------------------------------------------------------------------------------------

def histogram(x: Tensor, bins: int = 4) -> Tensor:
    """Colour pictures [n, 3, h, w] -> how much of each holds which of bins^3 colours, [n, bins^3]; roots, so that a product is an overlap."""
    level = (x * bins).long().clamp(0, bins - 1)
    cell = ((level[:, 0] * bins + level[:, 1]) * bins + level[:, 2]).flatten(1)
    return torch.zeros(len(x), bins**3).scatter_add_(1, cell, torch.ones(cell.shape)).div(cell.shape[1]).sqrt()


def pixels(x: Tensor, side: int = 12) -> Tensor:
    """Colour pictures [n, 3, h, w] -> their pixels at side x side, [n, 3 * side^2]: small pictures forgive a shift."""
    return nn.functional.adaptive_avg_pool2d(x, side).flatten(1)


def hues(x: Tensor, bins: int = 24) -> Tensor:
    """Colour pictures [n, 3, h, w] -> how much of each hue, [n, bins]; roots. Neighbouring hues share, grey says nothing, and light does not count:
    a picture half as bright has the same hues, where `histogram` puts it into other bins."""
    most, chroma = x.amax(1), x.amax(1) - x.amin(1)
    (r, g, b), safe = x.unbind(1), chroma.clamp(min=1e-6)
    hue = torch.where(most == r, (g - b) / safe % 6, torch.where(most == g, (b - r) / safe + 2, (r - g) / safe + 4)) / 6
    apart = (hue.flatten(1)[:, :, None] - torch.arange(bins) / bins + 0.5) % 1 - 0.5                     # [n, h * w, bins], in turns
    share = (-0.5 * (apart * bins / 1.5).square()).softmax(-1)
    total = (share * (chroma / most.clamp(min=1e-6)).flatten(1)[:, :, None]).sum(1)
    return (total / total.sum(1, keepdim=True).clamp(min=1e-6)).sqrt()


def outlines(x: Tensor, cell: int = 8, bins: int = 9) -> Tensor:
    """Pictures [n, c, h, w] -> which way edges run in overlapping cells, colour left out; of length 1."""
    grey = nn.functional.pad(x.mean(1, keepdim=True), (1, 1, 1, 1), "replicate")[:, 0]
    dx, dy = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    size, way = torch.hypot(dx, dy), torch.atan2(dy, dx) % torch.pi / torch.pi * bins
    below = way.floor().long() % bins
    edges = torch.zeros(len(x), bins, *grey[0, 1:-1, 1:-1].shape)
    edges.scatter_add_(1, below[:, None], (size * (1 - way % 1))[:, None]).scatter_add_(1, ((below + 1) % bins)[:, None], (size * (way % 1))[:, None])
    cells = nn.functional.avg_pool2d(edges, cell, cell // 2)
    return nn.functional.normalize((cells / (cells.norm(dim=1, keepdim=True) + 0.02)).flatten(1), dim=-1)


def hues_and_outlines(x: Tensor) -> Tensor:
    """Both in one row, each of length 1."""
    return torch.cat([hues(x), outlines(x)], 1)


def logistic(C: float) -> ml.Classical:
    from sklearn.linear_model import LogisticRegression
    return ml.Classical(LogisticRegression(C=C, tol=1e-3, max_iter=2_000))


def best(make: Callable[[float], ml.Learner], validation: Classes, episodes: int = 20, **shape) -> ml.Learner:
    """Of `make(value)` for each value of GRID the learner that does best on the validation classes."""
    return make(max(GRID, key=lambda value: evaluate(make(value), validation, episodes, seed=1, **shape).mean))


def rivals(validation: Classes, test: Classes, episodes: int = 100, seed: int = 2, **shape) -> dict[str, Score]:
    """Logistic regression on colour histograms, pixels, hues, and hues with outlines, and nearest means on the first two, on the tasks that a
    learner gets from the same seed.

    Arguments:
        validation: chooses the penalty of logistic regression. test: judges. Both finite: every class with so many examples.
    """
    found = {}
    for name, through in (("colour histograms", histogram), ("pixels", pixels)):
        chosen_by, judged_by = (Arrays.of(family, through) for family in (validation, test))
        found[f"{name}, logistic regression"] = evaluate(best(logistic, chosen_by, **shape), judged_by, episodes, seed, **shape)
        found[f"{name}, nearest mean"] = evaluate(ml.NearestCentroid(), judged_by, episodes, seed, **shape)
    for name, through in (("hues", hues), ("hues and outlines", hues_and_outlines)):
        chosen_by, judged_by = (Arrays.of(family, through) for family in (validation, test))
        found[f"{name}, logistic regression"] = evaluate(best(logistic, chosen_by, **shape), judged_by, episodes, seed, **shape)
    return found


def against(found: dict[str, Score], name: str, rival: str) -> str:
    """A paired difference on the same tasks, in words."""
    mean, half = mean_ci(100 * (found[name].values - found[rival].values))
    said = "ahead" if mean > half else "behind" if mean < -half else "a tie"
    return f"{name} less {rival}: {mean:+.0f} ± {half:.0f} points on the same tasks: {said}"


def accuracies(found: dict[str, Score], chance: float) -> str:
    """A line for each learner: accuracy, interval, and what guessing gives."""
    return "\n".join([*(f"{name:40} {100 * score.mean:3.0f} ± {100 * score.ci95:.0f} %" for name, score in found.items()),
                      f"{'guessing':40} {100 * chance:3.0f} %"])


# Training ---------------------------------------------------------------------------------------------------------------------

def trained(learn: Classes, choose: Classes, iterations: int = 150, filters: int = 16, side: int = 32, seed: int = 0, progress: bool = True,
            make: Callable[[Network], ml.Learner] = ml.ProtoNet) -> tuple[ml.Learner, ml.training.History]:
    """A prototypical network on few classes of pictures made many by `Variants`; validation keeps the best weights.

    Arguments:
        learn, choose: families of colour pictures [3, side, side], finite; the second validates. iterations, filters: how long, how wide.
        make: another learner on the same layers; it gets them with a head, and with batch statistics.
    """
    torch.manual_seed(seed)
    learner = make(ml.embedder(filters, 3, side) if make is ml.ProtoNet else ml.conv4(1, filters, "max", 3, side))
    size = int(min(np.min(learn.per_class), np.min(choose.per_class)))
    shape = dict(n_way=min(5, choose.n_classes), k_shot=1, n_query=min(2, size - 1))
    history = ml.train(learner, Arrays.of(Variants(learn)), iterations, 6, lr=3e-3, schedule="cosine", seed=seed, progress=progress,
                       validation=Arrays.of(choose), validate_every=max(1, iterations // 3), validation_episodes=60, **shape)
    return learner, history


def opened(file: str | Path, side: int = 32) -> Tensor:
    """One photograph as a query: [1, 1, 3, side, side]."""
    from ...tasks.images.folder import read, stamp
    return torch.tensor(read(Path(file), stamp(Path(file)), side, 3)).permute(2, 0, 1).float()[None, None] / 255


def end_to_end(path: str | Path, out: str | Path, iterations: int = 150, filters: int = 16, side: int = 32, k_shot: int = 1,
               episodes: int = 100, progress: bool = True) -> tuple[dict[str, Score], int]:
    """A folder read, its classes dealt out, a learner trained, judged beside its rivals, and its predictor kept in `out`: scores, and ways.

    With fewer than nine classes none is left to choose by; mirror images of the training classes, which are classes of their own, take their place.
    """
    few = ml.tasks.Folder(path, image_size=side)
    names = apart(few.names, (0.5, 0, 0.5) if few.n_classes < 9 else (0.5, 0.25, 0.25))
    learn, judge = (ml.tasks.Folder(path, image_size=side, classes=names[part]) for part in (0, 2))
    choose = Variants(learn, mirrored=True) if not names[1] else ml.tasks.Folder(path, image_size=side, classes=names[1])
    learner, _ = trained(learn, choose, iterations, filters, side, progress=progress)
    shape = dict(n_way=min(5, judge.n_classes), k_shot=k_shot, n_query=min(5, int(judge.per_class.min()) - k_shot))
    found = {"the learner": evaluate(learner, judge, episodes, seed=2, **shape)} | rivals(choose, judge, episodes, **shape)
    everything = judge.sample(1, n_way=judge.n_classes, k_shot=int(judge.per_class.min()) - 1, n_query=1, seed=0)
    ml.save_adapted(out, learner, everything.support)
    return found, shape["n_way"]


# A frozen extractor under every head ------------------------------------------------------------------------------------------

def on_sphere(extract: Callable) -> Callable:
    """The same features, all of length 1: heads and rates then mean the same whatever the extractor's scale."""
    return lambda x: nn.functional.normalize(torch.as_tensor(extract(x)).float(), dim=-1)


def linear(n_features: int, n_way: int) -> Network:
    """No body, and a linear head that starts at zero."""
    head = nn.Linear(n_features, n_way)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return Network(nn.Identity(), head)


def heads(n_features: int, n_way: int) -> dict[str, Callable[[float], ml.Learner]]:
    """Every head of the course on features [n_features], each with the one number that a validation split has to choose."""
    bare = Network(nn.Identity(), nn.Identity())
    steps = dict(inner_steps=20, first_order=True)
    return {"prototypes": lambda _: ml.ProtoNet(bare), "matching": lambda value: ml.MatchingNet(bare, scale=value),
            "ridge (R2-D2)": lambda value: ml.R2D2(bare, strength=value),
            "steps on a head (MAML, ANIL)": lambda value: ml.ANIL(linear(n_features, n_way), value, **steps),
            "steps from prototypes (ProtoMAML)": lambda value: ml.ProtoMAML(linear(n_features, n_way), value, **steps),
            "logistic regression": logistic}


def every_head(extract: Callable, validation: Classes, test: Classes, episodes: int = 100, seed: int = 2,
               names: Iterable[str] | None = None, **shape) -> dict[str, Score]:
    """Each head on the features of one frozen extractor; its number is chosen on the validation classes."""
    chosen_by, judged_by = (Arrays.of(family, on_sphere(extract)) for family in (validation, test))
    made = heads(judged_by.x.shape[1], shape["n_way"])
    return {name: evaluate(best(made[name], chosen_by, **shape), judged_by, episodes, seed, **shape) for name in names or made}


def show(tasks: Classes, parts: dict[str, Sequence[str]], per_row: int = 6) -> Picture:
    """One picture of each class, by the part that its class belongs to."""
    figure = new(8.6, 0.95 * len(parts) + 0.4, "; ".join(f"{part}: {len(names)} classes" for part, names in parts.items()))
    grid = figure.subplots(len(parts), per_row, squeeze=False)
    for row, (part, names) in zip(grid, parts.items()):
        for axes, name in zip(row, [*names[:per_row], *[None] * per_row]):
            axes.axis("off")
            if name is not None:
                axes.imshow(tasks.draw(tasks.names.index(name), 0).permute(1, 2, 0).numpy())
        row[0].set_title(part, loc="left", fontsize=10)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """The command of the first lines."""
    import argparse
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder")
    parser.add_argument("--out", default="mine.safetensors")
    for name, value in (("iterations", 150), ("filters", 16), ("side", 32), ("k-shot", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args(arguments)
    found, n_way = end_to_end(options.folder, options.out, options.iterations, options.filters, options.side, options.k_shot)
    print(accuracies(found, 1 / n_way))
    for name in list(found)[1:]:
        print(against(found, "the learner", name))


if __name__ == "__main__":
    main()
