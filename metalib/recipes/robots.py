"""Recipes on robots: one demonstration of a skill of Meta-World; ten pushes of a two-link arm; goals to be found by their reward."""
from __future__ import annotations

from .. import learners, networks, tasks
from ..tasks.robots.simulator import SKILLS
from .recipe import RECIPES, Recipe


def policy(width: int = 96) -> networks.Network:
    """What a robot sees (7 numbers) -> what it does (4 numbers)."""
    return networks.mlp(7, width, width, 4)


def demonstrated(about: str, learner, skill: str, **training) -> Recipe:
    """A recipe for one skill: trained on 50 goals with one demonstration, judged on 50 others."""
    test = lambda: tasks.Robots(skill)
    return Recipe(f"{about} for {skill}, from one demonstration", learner, lambda: tasks.Robots(skill, "train"),
                  dict(meta_batch=25, lr=2e-3, schedule="cosine", clip=10.0, k_shot=1, n_query=64) | training,
                  {f"held-out goals, K = {k}": (test, dict(episodes=200, k_shot=k, n_query=100)) for k in (1, 5)})


def pushed(about: str, learner, **training) -> Recipe:
    """A recipe for the arm: ten pushes of an arm that is new each time."""
    return Recipe(f"{about} for the two-link arm", learner, tasks.Arm,
                  dict(meta_batch=25, lr=2e-3, schedule="cosine", clip=10.0, k_shot=10, n_query=30) | training,
                  {f"new arms, K = {k}": (tasks.Arm, dict(episodes=600, k_shot=k, n_query=50)) for k in (5, 10, 20)})


def sought(about: str, spread: float = 0.5, **settings) -> Recipe:
    """A recipe for 2D navigation: 20 attempts to learn from in training, 40 afterwards, as in the paper.

    Of .4, .5 and .6 as `later`, of a third at the third step, and of the paper's, which halves once, .4 earns most over three steps on
    validation goals.
    """
    world = tasks.Navigation()
    return Recipe(f"{about} for 2D navigation, from rewards",
                  lambda: learners.PolicyGradient(learners.Gaussian(networks.mlp(2, 100, 100, 2), spread=spread), world, eval_steps=3, later=0.4,
                                                    **settings),
                  tasks.Navigation, dict(meta_batch=20, iterations=200, lr=5e-3, schedule="cosine", clip=10.0, k_shot=20, n_query=20),
                  {f"new goals, {steps} steps": (tasks.Navigation, dict(episodes=100, k_shot=40, n_query=20, steps=steps, metric=world.returns))
                   for steps in range(4)})


for skill in SKILLS:
    RECIPES.update({
        f"cnp-{skill}": demonstrated("conditional neural process", lambda: learners.CNP(7, 4, 96), skill, iterations=1_500),
        f"maml-{skill}": demonstrated("MAML", lambda: learners.MAML(policy(), inner_lr=0.1, inner_steps=5), skill,
                                      iterations=1_000),
        f"pretrained-{skill}": demonstrated("joint training", lambda: learners.Pretrained(policy(), inner_lr=0.01), skill,
                                            iterations=1_500),
    })
RECIPES.update({
    "maml-navigation": sought("MAML by policy gradient"),
    "pretrained-navigation": sought("joint training by policy gradient", inner_steps=0),
    "cnp-arm": pushed("conditional neural process", lambda: learners.CNP(8, 2, 96), iterations=3_000),
    "maml-arm": pushed("MAML", lambda: learners.MAML(networks.mlp(8, 64, 64, 2), inner_lr=0.1, inner_steps=3, eval_steps=10),
                       iterations=3_000),
    # With ten times MAML's steps, at the best of nine settings: a fair rival.
    "pretrained-arm": pushed("joint training", lambda: learners.Pretrained(networks.mlp(8, 64, 64, 2), inner_lr=0.05,
                                                                           eval_steps=100), iterations=3_000),
})
