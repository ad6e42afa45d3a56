"""Is it really meta-learning? Five checks that any learner can be put through, in tests and in a chapter.

Each answers one way of fooling oneself: labels that leak through their order, test classes seen in training, a support set
that is not used, an outer gradient that is not the gradient, queries that help each other.
"""
import copy
from dataclasses import dataclass

import torch

from .episodes import Episode, Stream, Tasks, draw, generator
from .evaluation import Score, evaluate, random_streams_kept, t95
from .learners import Learner
from .tasks import Shuffled


@dataclass(frozen=True)
class Check:
    """One line of the panel: what was asked, whether it holds (None: does not apply), and what was measured."""

    question: str
    holds: bool | None
    measured: str


@dataclass(frozen=True)
class Proof:
    """What `proof` found; print it, or let a notebook draw it.

    Arguments:
        title: learner and family. checks: the five lines.
        scores: "before adapting", "shuffled labels", "after adapting" -> Score; the first only where there are steps.
        chance: accuracy of guessing, or None for tasks with values.
        slopes: outer slopes along random directions, (by autograd, by finite differences); empty where it does not apply.
    """

    title: str
    checks: tuple[Check, ...]
    scores: dict[str, Score]
    chance: float | None
    slopes: tuple[tuple[float, float], ...]

    @property
    def holds(self) -> bool:
        """No check failed."""
        return all(check.holds is not False for check in self.checks)

    def __str__(self) -> str:
        mark = {True: "yes", False: "NO ", None: " - "}
        return "\n".join([self.title] + [f"  {mark[c.holds]}  {c.question}: {c.measured}" for c in self.checks])

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The panel as a picture, and its lines as text."""
        from .figures import proof_panel
        faces, metadata = proof_panel(self)._repr_mimebundle_()
        return faces | {"text/plain": str(self)}, metadata


@torch.inference_mode(False)
@torch.enable_grad()
def proof(learner: Learner, tasks: Tasks, trained_on: Tasks | None = None, episodes: int = 200, seed: int = 7, *,
          together: bool = False, **shape) -> Proof:
    """Put a learner through the five checks on a task family.

    Arguments:
        learner, tasks: any learner, any family.
        trained_on: the family it was trained on, to check that no class of `tasks` is among its classes.
        episodes, seed: how many tasks each accuracy is measured on, and which.
        together: as for `evaluate`; True asks as the papers do.
        shape: n_way, k_shot, n_query, as the family's `sample` takes them.
    """
    with random_streams_kept():
        episode = draw(tasks, 2, Stream(seed, 0), **shape)
    classes = not episode.query.y.is_floating_point()
    chance = 1 / (int(episode.support.y.max()) + 1) if classes else None
    mode = {"together": together, **shape}
    scores = {"shuffled labels": evaluate(learner, Shuffled(tasks), episodes, seed, **mode),
              "after adapting": evaluate(learner, tasks, episodes, seed, **mode)}
    if learner.takes_steps and learner.starts_blank:
        scores = {"before adapting": evaluate(learner, tasks, episodes, seed, steps=0, **mode)} | scores
    slopes = outer_slopes(learner, episode)
    blank = "its first step starts from what the examples say" if learner.takes_steps else "this learner takes no steps"
    checks = (before(scores, chance, blank), disjoint(tasks, trained_on, classes), shuffled(scores, chance),
              gradient(learner, slopes), alone(learner, tasks, scores["after adapting"], seed, shape))
    return Proof(f"{type(learner).__name__} on {type(tasks).__name__}", checks, scores, chance, slopes)


def near(score: Score, chance: float) -> bool:
    """Within three standard errors of chance."""
    return abs(score.mean - chance) <= 3 / t95(len(score.values) - 1) * score.ci95 + 1e-9


def show(score: Score) -> str:
    return f"{100 * score.mean:.0f} %" if score.metric == "accuracy" else f"error {score.mean:.1f}"


def before(scores: dict[str, Score], chance: float | None, blank: str = "this learner takes no steps") -> Check:
    start, after = scores.get("before adapting"), scores["after adapting"]
    if start is None:
        return Check("Before adapting, it knows nothing of the task", None, blank)
    if chance is None:
        return Check("Before adapting, it knows nothing of the task", start.mean > after.mean + after.ci95,
                     f"{show(start)} before, {show(after)} after")
    return Check("Before adapting, it guesses", near(start, chance), f"{show(start)}, chance {100 * chance:.0f} %")


def disjoint(tasks, trained_on, classes: bool = True) -> Check:
    question = "No test class was seen in training"
    if not classes:
        return Check(question, None, "tasks have values, not classes")
    if trained_on is None:
        return Check(question, None, "give trained_on to check it")
    if not (hasattr(tasks, "class_name") and hasattr(trained_on, "class_name")):
        return Check(question, None, "cannot be checked: a family without class_name does not say which its classes are")
    seen = {trained_on.class_name(i) for i in range(trained_on.n_classes)}
    shared = seen & {tasks.class_name(i) for i in range(tasks.n_classes)}
    return Check(question, not shared, f"{len(shared)} of {tasks.n_classes} test classes among {len(seen)} training classes")


def shuffled(scores: dict[str, Score], chance: float | None) -> Check:
    mixed, after = scores["shuffled labels"], scores["after adapting"]
    if chance is None:
        return Check("Shuffled support labels teach nothing", mixed.mean > after.mean + after.ci95 + mixed.ci95,
                     f"{show(mixed)} shuffled, {show(after)} true")
    return Check("Shuffled support labels give chance", near(mixed, chance), f"{show(mixed)}, chance {100 * chance:.0f} %")


def outer_slopes(learner: Learner, episode: Episode, directions: int = 3, steps=(1e-5, 1e-6)) -> tuple[tuple[float, float], ...]:
    """Slopes of the outer loss along random directions, by autograd and by the nearest central difference, in float64: the long step may
    cross a kink, the short one rounds more; a wrong gradient agrees with neither."""
    if not any(p.requires_grad for p in learner.parameters()) or type(learner).backward is not Learner.backward:
        return ()
    learner = copy.deepcopy(learner).cpu().double().train()
    episode = episode.to("cpu", torch.float64)
    parameters = [p for p in learner.parameters() if p.requires_grad]

    def outer_loss():
        with random_streams_kept():
            torch.manual_seed(0)                                     # dropout leaves out the same units each time
            return learner.meta_loss(episode)
    grads = torch.autograd.grad(outer_loss(), parameters, allow_unused=True)
    rng, slopes = generator(5), []
    for _ in range(directions):
        v = [torch.from_numpy(rng.standard_normal(tuple(p.shape))) for p in parameters]
        norm = torch.cat([d.flatten() for d in v]).norm()
        def loss_at(t):
            with torch.no_grad():
                for p, d in zip(parameters, v):
                    p.add_(d / norm, alpha=t)
                loss = outer_loss().item()
                for p, d in zip(parameters, v):
                    p.sub_(d / norm, alpha=t)
            return loss
        slope = sum((g * d).sum().item() for g, d in zip(grads, v) if g is not None) / norm.item()
        slopes.append((slope, min(((loss_at(h) - loss_at(-h)) / (2 * h) for h in steps), key=lambda found: abs(found - slope))))
    return tuple(slopes)


def gradient(learner: Learner, slopes: tuple[tuple[float, float], ...]) -> Check:
    question = "The outer gradient is the gradient"
    if not slopes:
        return Check(question, None, "its update is not the gradient of a query loss")
    error = max(abs(a - b) for a, b in slopes) / max(max(abs(b) for _, b in slopes), 1e-12)
    if getattr(learner, "first_order", False):
        return Check(question, None, f"first order on purpose: {100 * error:.2g} % from finite differences")
    return Check(question, error < 1e-4, f"within {error:.0e} of finite differences" if error >= 1e-4 else "equals finite differences")


def alone(learner: Learner, tasks, after: Score, seed: int, shape: dict) -> Check:
    question = "A query is judged alone as it is in a batch"
    batch = evaluate(learner, tasks, len(after.values), seed, together=True, **shape)
    if not batch.transductive:
        return Check(question, True, "same answer")
    lone = evaluate(learner, tasks, len(after.values), seed, **shape) if after.transductive else after
    return Check(question, None, f"transductive: {show(batch)} together, {show(lone)} one at a time")
