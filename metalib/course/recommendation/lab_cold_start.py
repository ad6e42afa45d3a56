"""Lab: cold start. A new user rates up to six films; the list and the taste by genre follow at once, as each recommender sees it.

What to look for: item mean does not listen. Biases hear how you rate, and not what: every film moves by the same. Whoever has
learned what films are like moves whole genres, and orders the list anew. Rated films never come back in the list.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import ipywidgets as widgets
import numpy as np
import torch

from ...episodes import Examples
from .measure import learners
from ...tasks.ratings.users import Ratings
from ..widgets.drawing import BLACK, BLUE, GREY, ORANGE, PALE, said
from ..widgets.shell import Lab, entry

METHODS = ("item mean", "biases", "factorisation", "neighbours", "CNP", "MeLU", "ridge head")
START = {"neighbours": {"start_only": True}, "ridge head": {"start_only": True}, "MeLU": {"steps": 0}}     # others: the promise
LISTED, ASKED = 6, 6                     # text is the dear part of a picture
DEFAULT = (4.5, 1.5, 0.0, 0.0, 0.0, 0.0)                 # stars; 0: not seen
MARKS = [("not seen", 0.0)] + [(f"{n / 2:g} star{'s' * (n > 2)}", n / 2) for n in range(1, 11)]


@dataclass(frozen=True)
class Result:
    """Arguments: titles, stars and promise (what the method gives without any rating) of the listed films, the best first;
    taste, the mean gain of each genre's films; names of the genres; rated, how many; method."""

    titles: list[str]
    stars: np.ndarray
    promise: np.ndarray
    taste: np.ndarray
    names: list[str]
    rated: int
    method: str


@cache
def catalogue(source: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Films that can be listed, the 300 best known with 10 training ratings or more; six to ask about, and the genre of each."""
    s = Ratings("training", source).split
    counts = np.bincount(s.table.film[(s.whose[s.table.user] == "training") & (s.kind == "known")], minlength=len(s.films))
    known = np.flatnonzero(counts >= 10)
    known = known[np.argsort(-counts[known], kind="stable")][:300]
    best: dict[int, int] = {}                            # genre -> its best known film, first of those with that genre alone
    for film in known[np.argsort(s.table.genres[known].sum(1), kind="stable")]:
        if new := [genre for genre in np.flatnonzero(s.table.genres[film]).tolist() if genre not in best]:
            best[new[0]] = int(film)
    return known, np.array(list(best.values())[:ASKED]), list(best)[:ASKED]


@torch.no_grad()
def compute(method: str, source: str = "population", **stars: float) -> Result:
    """Adapt to the films that have been rated, and answer for all others.

    Arguments:
        method: one of METHODS.
        source: "population" or "movielens".
        stars: film_1 to film_6, from 0.5 to 5; 0 for a film that has not been seen.

    Raises:
        ValueError: for a film that is none of the six.
    """
    s, (known, asked, _) = Ratings("training", source).split, catalogue(source)
    given = np.zeros(ASKED)
    for name, value in stars.items():
        if not (name.startswith("film_") and name[5:].isdigit() and 1 <= int(name[5:]) <= ASKED):
            raise ValueError(f"{name!r} is no film of this lab; they are film_1 to film_{ASKED}.")
        given[int(name[5:]) - 1] = value
    seen, others = asked[given > 0], np.setdiff1d(known, asked[given > 0])
    x, learner = torch.from_numpy(s.films[others])[None], learners(source)[method]
    anyone = Examples(x[:, :1], x[:, :1, :1])                                   # a rating that is not looked at
    promise = (learner.adapt(anyone, **START[method])(x)[0, :, 0].numpy() if method in START
               else s.films[others, 1 if method == "item mean" else 0])
    answers = promise
    if len(seen):
        y = torch.from_numpy(given[given > 0]).float()[None, :, None]
        answers = learner.adapt(Examples(torch.from_numpy(s.films[seen])[None], y))(x)[0, :, 0].numpy()
    genres = s.table.genres[others].astype(float)
    taste = (answers - promise) @ genres / genres.sum(0).clip(1)
    best = np.argsort(-answers, kind="stable")[:LISTED]
    titles = [s.table.titles[others[i]] for i in best]
    return Result(titles, answers[best], promise[best], taste, list(s.table.names), len(seen), method)


def picture(source: str):
    names = list(Ratings("training", source).split.table.names)

    def make(fig):
        left, right = fig.add_axes((0.135, 0.13, 0.27, 0.77)), fig.add_axes((0.7, 0.13, 0.27, 0.77))
        left.set(xlim=(-2.5, 2.5), ylim=(len(names) - 0.4, -0.6), xlabel="stars")
        left.set_yticks(range(len(names)), names, fontsize=9.5 if len(names) < 12 else 7.5)
        right.set(xlim=(0.5, 5.5), ylim=(LISTED - 0.4, -0.6), yticks=[], xlabel="stars")
        fig.text(0.01, 0.94, "Taste: what your ratings add, by genre", fontsize=11)
        fig.text(0.46, 0.94, "Your list (black: what it had before you rated)", fontsize=11)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x", color=PALE, lw=0.6)
        left.axvline(0, color=GREY, lw=1)
        tastes = left.barh(range(len(names)), [0] * len(names), 0.62)
        bars = right.barh(range(LISTED), [0] * LISTED, 0.62, color=BLUE)
        ticks, = right.plot([], [], "|", color=BLACK, ms=17, mew=2.5)
        labels = [right.text(0.42, i, "", ha="right", va="center", fontsize=9.5) for i in range(LISTED)]

        def change(r: Result) -> str:
            for bar, value in zip(tastes, r.taste):
                bar.set_width(np.clip(value, -2.5, 2.5))
                bar.set_facecolor(BLUE if value > 0 else ORANGE)
            for bar, label, title, value in zip(bars, labels, r.titles, r.stars):
                bar.set_width(np.clip(value, 0.5, 5.5))
                label.set_text(title if len(title) < 34 else title[:31] + "...")
                label.set_color(BLACK)
            ticks.set_data(r.promise, range(LISTED))
            first = r.titles[0].replace(". ", ".")
            if not r.rated:
                return f"You have rated nothing, so the list is what everybody gets; {first} comes first."
            count = f"From {r.rated} rating{'s' * (r.rated != 1)}"
            if r.method == "item mean":
                return f"{count} the item mean learns nothing: the same list for everybody, {first} first."
            if np.ptp(r.taste) < 1e-4:
                return (f"{count} the biases learn your mood: every film moves by {said(r.taste[0])} stars, the order stays, and "
                        f"{first} comes first.")
            most, least = int(r.taste.argmax()), int(r.taste.argmin())
            return (f"{count} {r.method} reads: most for {r.names[most]} ({said(r.taste[most])} stars), least for "
                    f"{r.names[least]} ({said(r.taste[least])}), and puts {first} first.")

        return [*tastes, *bars, ticks, *labels], change
    return make


@entry
def lab(source: str = "population") -> Lab:
    """Open the lab, on the invented population or on "movielens"."""
    s, (_, asked, genres) = Ratings("training", source).split, catalogue(source)
    controls = {"method": widgets.ToggleButtons(options=METHODS, value="ridge head", description="method")}
    for i, (film, genre, stars) in enumerate(zip(asked, genres, DEFAULT), start=1):
        title = s.table.titles[film].rsplit(" (", 1)[0]
        label = f"{title[:24]} ({s.table.names[genre]})"
        controls[f"film_{i}"] = widgets.SelectionSlider(options=MARKS, value=stars, description=label)
    opened = Lab(lambda **state: compute(source=source, **state), picture(source), controls,
                 unused=lambda state: {f"film_{i}" for i in range(1, ASKED + 1)} if state["method"] == "item mean" else set())
    for name, control in controls.items():
        if name != "method":                             # titles are longer than the names of other labs' controls
            control.style.description_width, control.layout.width = "240px", "432px"
    return opened
