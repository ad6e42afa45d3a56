"""Static figures of chapters 1 and 2. The house style, and what is said there of colours, is that of figures.py."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import NullLocator
from torch import Tensor

from ...episodes import Episode
from ...evaluation import Score
from ...figures import BLACK, BLUE, GREEN, GREY, LINES, MARKERS, ORANGE, PURPLE, RED, SKY, new, plain

CURVES = (ORANGE, SKY, GREEN, BLUE, RED)
STARTS = {"random": (GREEN, ":", "^"), "one wave": (RED, "-.", "v"), "pretrained": (ORANGE, "--", "s"), "MAML": (BLUE, "-", "o")}
CLASSES = (BLUE, ORANGE, GREEN, PURPLE, SKY)

# the document's name, the field's name, colour, what adapt does, members by year
FAMILIES = (
    ("document:\nmetric-based", "metric-based", GREEN, "adapt: embed the support set,\ncompare with it",
     ("2016 Matching networks", "2017 Prototypical networks", "2018 Relation networks")),
    ("document:\nmodel-based", "optimisation-based:\nlearned initialisation", BLUE, "adapt: gradient steps\nfrom a learned start",
     ("2017 MAML", "2018 Reptile", "2020 ANIL")),
    ("document:\noptimisation-based", "optimisation-based:\nlearned optimiser", RED, "adapt: a network\ntakes the steps",
     ("2016 Learning to learn by\ngradient descent", "2017 Meta-LSTM")),
    ("not in the document", "model-based,\nor black-box", ORANGE, "adapt: one network\nreads the support set",
     ("2001 Hochreiter's LSTM", "2016 MANN,\n2018 Neural processes", "2022 Prior-fitted\nnetworks: in context")),
)
HISTORY = (
    (1987, "Schmidhuber's\ndiploma thesis: learning\nhow to learn"),
    (1990, "Bengio, Bengio, Cloutier:\nlearning a synaptic\nlearning rule"),
    (1998, "Thrun & Pratt:\nthe book Learning to Learn"), (2001, "Hochreiter, Younger,\nConwell: an LSTM\nthat learns"),
    (2011, "Lake et al.:\nOmniglot, one-shot"), (2016, "Matching nets, MANN,\nlearned optimisers"),
    (2017, "MAML, Meta-LSTM,\nProtoNet, Meta-SGD"),
    (2018, "Reptile, CNP,\nRelation nets"), (2020, "GPT-3: learning\nfrom the prompt"),
)


def family_tree() -> Figure:
    """The families: the document's name, the field's name, what `adapt` does, and members by year."""
    figure = new(9.4, 4.6, "four families of meta-learning, with the document's names and the field's")
    axes = figure.add_subplot()
    axes.set(xlim=(0, 12), ylim=(0.3, 6))
    axes.axis("off")

    def box(x, y, width, height, text, colour, **look):
        axes.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0.05", fc="white",
                                      ec=colour, lw=2))
        axes.text(x, y, text, ha="center", va="center", color=BLACK, **look)

    box(6, 5.6, 5.6, 0.5, "meta-learning: predict = learner.adapt(support)", BLACK, fontsize=11)
    for i, (document, field, colour, does, members) in enumerate(FAMILIES):
        x = 1.5 + 3 * i
        axes.plot([6, x], [5.3, 4.85], color=GREY, lw=1.4, zorder=0)
        box(x, 4.4, 2.65, 0.78, document, colour, fontsize=9.5, weight="bold")
        axes.text(x, 3.62, f"field: {field}", ha="center", va="center", fontsize=9, color=BLACK)
        axes.text(x, 2.98, does, ha="center", va="center", fontsize=8.5, style="italic", color="#444444")
        axes.plot([x - 1.15, x - 1.15], [0.35, 2.45], color=colour, lw=2, ls=LINES[i])
        for j, member in enumerate(members):
            axes.text(x - 1.02, 2.2 - 0.75 * j, member, ha="left", va="center", fontsize=9, color=BLACK)
    return figure


SPLITS = (("meta-train", BLUE, 4, "theta moves:\ndown the gradient of the query loss, over and over"),
          ("meta-validation", ORANGE, 2, "settings are chosen:\nrates, steps, when to stop"),
          ("meta-test", GREEN, 2, "judged once:\nnothing moves but what adapt moves"))


def splits(tasks, seed: int = 3) -> Figure:
    """p(T) and what is drawn from it: tasks to train on, to choose by, to be judged on, each with a support and a query set.

    Arguments:
        tasks: a family of waves, whose `about` tells amplitude and phase.
    """
    figure = new(9.4, 3.6, "tasks drawn from p(T), dealt to meta-train, meta-validation and meta-test; in each a support and a query set")
    episode = tasks.sample(sum(n for _, _, n, _ in SPLITS), k_shot=5, n_query=4, seed=seed)
    grid = figure.add_gridspec(3, len(episode), height_ratios=(0.5, 1, 0.62))
    x = torch.linspace(-5, 5, 101)
    top = figure.add_subplot(grid[0, :])
    top.set(xlim=(0, len(episode)), ylim=(0, 1))
    top.axis("off")
    top.text(len(episode) / 2, 0.95, "p(T): every task that there could be", ha="center", va="top", fontsize=11, weight="bold")
    first = 0
    for i, (name, colour, n, use) in enumerate(SPLITS):
        middle = first + n / 2
        top.annotate("", (middle, 0.12), (len(episode) / 2, 0.6), arrowprops=dict(arrowstyle="->", color=colour, lw=2, ls=LINES[i]))
        below = figure.add_subplot(grid[2, first:first + n])
        below.axis("off")
        below.text(0.5, 0.85, name, ha="center", va="top", fontsize=11, weight="bold", transform=below.transAxes)
        below.text(0.5, 0.5, use, ha="center", va="top", fontsize=9, transform=below.transAxes)
        for j in range(first, first + n):
            axes = figure.add_subplot(grid[1, j])
            axes.set(xticks=[], yticks=[], ylim=(-6, 6))
            for spine in axes.spines.values():
                spine.set(color=colour, lw=2, ls=LINES[i])
            axes.plot(x, episode.about["amplitude"][j] * torch.sin(x + episode.about["phase"][j]), color=GREY, lw=1.2)
            support, = axes.plot(episode.support.x[j], episode.support.y[j], "o", color=BLACK, ms=4.5, ls="", label="support set D")
            query, = axes.plot(episode.query.x[j], episode.query.y[j], "D", mfc="white", mec=RED, ms=4.5, ls="", label="query set D'")
        first += n
    figure.legend(handles=[support, query], loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def history() -> Figure:
    """Learning to learn, 1987 to 2020; equal spacing, not to scale."""
    figure = new(9.4, 2.9, f"a time line from {HISTORY[0][0]} to {HISTORY[-1][0]}")
    axes = figure.add_subplot()
    axes.set(xlim=(-0.6, len(HISTORY) - 0.4), ylim=(-2.1, 2.1))
    axes.axis("off")
    axes.axhline(0, color=GREY, lw=2)
    for i, (year, text) in enumerate(HISTORY):
        side = 1 if i % 2 == 0 else -1
        axes.plot([i, i], [0, 0.55 * side], color=GREY, lw=1)
        axes.plot([i], [0], MARKERS[0], color=BLUE, ms=8)
        axes.text(i, 0.65 * side, f"{year}\n{text}", ha="center", va="bottom" if side > 0 else "top", fontsize=8.5, color=BLACK)
    return figure


def hunger(curves: Mapping[str, Mapping[int, Score]], title: str = "", chance: float | None = None) -> Figure:
    """Accuracy against examples per class: title -> {examples: Score}, with 95 % intervals."""
    figure = new(8.6, 3.6)
    axes = plain(figure.add_subplot(), title, "examples of each class", "accuracy, %")
    for i, (name, scores) in enumerate(curves.items()):
        shots = np.array(list(scores))
        mean, half = (100 * np.array([getattr(s, part) for s in scores.values()]) for part in ("mean", "ci95"))
        axes.errorbar(shots * 1.02 ** (i - 1.5), mean, yerr=half, color=CURVES[i], ls=LINES[i % 4], marker=MARKERS[i], ms=5,
                      capsize=2, label=name)
    ticks = sorted({k for scores in curves.values() for k in scores})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 103)
    if chance is not None:
        axes.axhline(100 * chance, color=BLACK, ls="--", lw=1)
        axes.text(ticks[0], 100 * chance, "chance", fontsize=8, va="bottom", ha="left")
    axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.02 if chance is None else chance))
    return figure


def heads_and_features(numbers: Sequence[Mapping[str, float]]) -> Figure:
    """Accuracy against examples per class of two kinds of features under two heads, and of pixels: a mapping for each seed, as claim
    02.10 measures it, "glyphs_proto_mean_1" -> share of right answers."""
    figure = new(9.4, 3.3)
    rows = {"proto_mean": "prototypes, as trained", "proto_linear": "its features, logistic", "class_mean": "classifier's features, means",
            "class_linear": "classifier's features, logistic", "pixel_linear": "pixels, logistic"}
    looks = ((BLUE, "-", "o"), (BLUE, ":", "s"), (ORANGE, ":", "o"), (ORANGE, "--", "s"), (BLACK, "-.", "^"))
    for i, (axes, family) in enumerate(zip(figure.subplots(1, 2, sharey=True), ("glyphs", "digits"))):
        plain(axes, f"new {family}", "examples of each class", "accuracy, %" if i == 0 else "")
        for (row, label), (colour, style, marker) in zip(rows.items(), looks):
            at = [100 * np.mean([n[f"{family}_{row}_{k}"] for n in numbers]) for k in (1, 5, 20)]
            axes.plot((1, 5, 20), at, ls=style, color=colour, marker=marker, ms=5, label=label)
        axes.set(xscale="log", ylim=(40, 101))
        axes.set_xticks((1, 5, 20), ("1", "5", "20"))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(frameon=False, fontsize=8.5, loc="lower right")
    return figure


def rows_of_images(rows: Mapping[str, Tensor]) -> Figure:
    """Title -> images [n, 1, 28, 28], a row each."""
    figure = new(8.6, 0.2 + 0.78 * len(rows), f"drawings in rows: {', '.join(rows)}")
    figure.set_layout_engine("none")                              # it forgets the titles where pictures keep their shape
    room = dict(left=0.02 + 0.0105 * max(map(len, rows)), right=0.99, bottom=0.02, top=0.98, hspace=0.1)
    for axes, (title, images) in zip(np.atleast_1d(figure.subplots(len(rows), 1, gridspec_kw=room)), rows.items()):
        axes.imshow(1 - torch.cat(list(images[:, 0]), 1).numpy(), cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=10)
    return figure


def paths(panels: Mapping[str, Mapping[str, Sequence[float]]], at: Sequence[float], x: str) -> Figure:
    """Error against numbers of steps or points, from several starts: panel title -> {start: values}."""
    figure = new(8.6, 3.2)
    every = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for i, (axes, (title, curves)) in enumerate(zip(every, panels.items())):
        plain(axes, title, x, "mean squared error" if i == 0 else "")
        for name, values in curves.items():
            colour, style, marker = STARTS[name]
            axes.plot(at, values, style, color=colour, marker=marker, ms=4, label=name)
        low = -0.15 if min(at) == 0 else 0.85 * min(at)
        axes.set(yscale="log", xscale="symlog", xlim=(low, 1.15 * max(at)))
        axes.yaxis.set_major_formatter("{x:g}")
        ticks = at if min(at) > 0 else [t for t in (0, 1, 3, 10, 30, 100) if t <= max(at)]
        axes.set_xticks(ticks, [str(t) for t in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(frameon=False, fontsize=9)
    return figure


def average_wave(x: Tensor, pretrained: Tensor, formula: Tensor, waves: Tensor) -> Figure:
    """What joint training learns: some waves [n, m], their average by formula [m], and the pretrained network's answer [m]."""
    figure = new(8.6, 3.0)
    axes = plain(figure.add_subplot(), "The best answer to all tasks at once", "x", "y")
    axes.plot(x, waves.T, color=GREY, lw=0.8, alpha=0.5)
    axes.plot(x, pretrained, color=ORANGE, lw=5, label="the pretrained network, before any step")
    axes.plot(x, formula, "--", color=BLACK, lw=1.6, label="average of all waves, by formula")
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    return figure


def plane(z: Tensor) -> Tensor:
    """Points [n, d] in the plane of their two largest variances, [n, 2], scaled to a largest coordinate of 1."""
    z = z - z.mean(0)
    axes = torch.linalg.svd(z, full_matrices=False)[2][:2]
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    xy = z @ axes.T
    return xy / xy.abs().max()


def embeddings(views: Mapping[str, Tensor], y: Tensor) -> Figure:
    """The same drawings in several embeddings, title -> [n, d], each in its own plane; y [n] the class."""
    figure = new(8.6, 3.0)
    for axes, (title, z) in zip(figure.subplots(1, len(views)), views.items()):
        plain(axes, title).set(xticks=[], yticks=[])
        xy = plane(z.double())
        for k in range(int(y.max()) + 1):
            axes.plot(*xy[y == k].T, MARKERS[k], color=CLASSES[k], ms=6, mec="white", mew=0.5)
    return figure


@torch.no_grad()
def four_adapts(episode: Episode, learners: Mapping[str, object]) -> Figure:
    """One episode, four answers to "what has been learned?": prototypes, attention, moved weights, a code.

    Arguments:
        episode: one task of images, 5-way 1-shot. learners: "ProtoNet", "MatchingNet", "MAML", "CNP" -> learner.
    """
    figure = new(9.4, 2.9)
    axes = figure.subplots(1, 4)
    order, rank = episode.support.y[0].argsort(), episode.query.y[0].argsort()
    x, qx, qy = episode.support.x[:, order], episode.query.x[:, rank], episode.query.y[0, rank]
    net = learners["ProtoNet"]
    s, q = net.embed(x)[0], net.embed(qx)[0]
    xy = plane(torch.cat([s, q]).double())
    plain(axes[0], "ProtoNet: points").set(xticks=[], yticks=[])
    for k in range(len(s)):
        axes[0].plot(*xy[len(s):][qy == k].T, MARKERS[k], color=CLASSES[k], ms=4, alpha=0.6)
        axes[0].plot(*xy[k:k + 1].T, MARKERS[k], color=CLASSES[k], ms=12, mec=BLACK)
    net = learners["MatchingNet"]
    support = type(episode.support)(net.embed(x), episode.support.y[:, order])
    plain(axes[1], "MatchingNet: attention", "support example", "query")
    axes[1].imshow(net.compare(support).weights(net.embed(qx))[0].exp(), cmap="Blues", aspect="auto", vmin=0, vmax=1)
    net = learners["MAML"]
    fast, start = net.adapt(type(episode.support)(x, episode.support.y[:, order])).fast, dict(net.network.named_parameters())
    moved = {n: ((p[0] - start[n]).norm() / (start[n].norm() + 1e-12)).item() for n,
             p in fast.items() if n.endswith("weight") and p[0].ndim > 1}
    plain(axes[2], "MAML: moved weights", "", "change / size").bar(range(len(moved)), list(moved.values()), color=BLUE)
    axes[2].set_xticks(range(len(moved)), [f"conv {i + 1}" for i in range(len(moved) - 1)] + ["head"], rotation=40, fontsize=8)
    net = learners["CNP"]
    code = net.embed(x)[0]
    plain(axes[3], "CNP: a code", "feature", "class").imshow(code, cmap="PuOr", aspect="auto", vmin=-code.abs().max(),
                                                             vmax=code.abs().max())
    return figure


@torch.no_grad()
def read_points(learner, tasks, shots: Sequence[int], seed: int) -> Figure:
    """A conditional neural process on one wave, given more and more of its points: mean and two standard deviations."""
    figure = new(8.6, 2.9)
    x = torch.linspace(-5, 5, 201)[None, :, None]
    episode = tasks.sample(1, k_shot=max(shots), n_query=1, seed=seed)
    truth = episode.about["amplitude"] * torch.sin(x[0, :, 0] + episode.about["phase"])
    for i, (k, axes) in enumerate(zip(shots, figure.subplots(1, len(shots), sharey=True))):
        support = type(episode.support)(episode.support.x[:, :k], episode.support.y[:, :k])
        mean, spread = (part[0, :, 0] for part in learner.adapt(support).answer(x))
        plain(axes, f"{k} point{'s' * (k > 1)}", "x", "y" if i == 0 else "").set_ylim(-6.5, 6.5)
        axes.plot(x[0, :, 0], truth, color=GREY, lw=4, alpha=0.5, label="the wave")
        axes.fill_between(x[0, :, 0], mean - 2 * spread, mean + 2 * spread, color=SKY, alpha=0.35, lw=0,
                          label="two standard deviations")
        axes.plot(x[0, :, 0], mean, color=BLUE, label="its answer")
        axes.plot(support.x[0, :, 0], support.y[0, :, 0], "o", color=BLACK, ms=5)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure
