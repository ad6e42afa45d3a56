"""Recipes for the papers' table: each method from its own random start, on the papers' characters, at a laptop's length.

The few-shot split of Vinyals et al. 2016, each quarter turn a class of its own on both sides: 1,028 characters to train on, 172 to
choose with, 423 to judge on. The papers train on the first two together, and longer: MAML takes 60,000 updates of 32 tasks.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .. import learners, networks, tasks
from ..learners import Learner
from .recipe import RECIPES, Recipe


def papers(about: str, learner: Callable[[], Learner], n_way: int = 5, k_shot: int = 1, transductive: bool = True,
           also: tuple[tuple[int, int], ...] = (), train_way: int | None = None, changed: bool = False, **training) -> Recipe:
    """A recipe for a row of the papers' table.

    Arguments:
        transductive: the queries share batch statistics, so their number matters. The paper's code asks as many queries of each class
            as there are examples, all together; judged too with fifteen together, and with each query alone.
        also: further (n_way, k_shot) to be judged with.
        changed: train on mirror images as further classes too, and distort every drawing at every visit.
        train_way: classes of a training task, where it has more than those it is judged with.
    """
    def test(n: int, k: int, queries: int, **how):
        return lambda: tasks.Omniglot("test", rotations=True), dict(n_way=n, k_shot=k, n_query=queries) | how

    title = f"Omniglot test, turned, {n_way}-way, K = {k_shot}"
    tests = {title: test(n_way, k_shot, k_shot, episodes=1_000, together=True),
             f"{title}, fifteen together": test(n_way, k_shot, 15, episodes=600, together=True),
             f"{title}, one at a time": test(n_way, k_shot, 1, episodes=600)} if transductive else {
             f"Omniglot test, turned, {n}-way, K = {k}": test(n, k, 15, episodes=600) for n, k in ((n_way, k_shot), *also)}
    return Recipe(f"{about}, from its random start, on the papers' characters", learner,
                  lambda: tasks.Distorted(tasks.Omniglot("train", reflections=True)) if changed else tasks.Omniglot("train"),
                  dict(schedule="cosine", lr=2e-3, n_way=train_way or n_way, k_shot=k_shot, validate_every=1_000) | training, tests,
                  lambda: tasks.Omniglot("validation", rotations=True))


def maml(n_way: int = 5, inner_lr: float = 0.4, eval_steps: int = 3, **options) -> Learner:
    """MAML as Finn et al. set it up for Omniglot: four strided blocks of 64 filters; 5-way: one step of 0.4, three when asked."""
    return learners.MAML(networks.conv4(n_way), inner_lr=inner_lr, eval_steps=eval_steps, **options)


first_order = partial(maml, first_order=True)
RECIPES.update({
    # Half of the paper's batch: in the same time 16 tasks at 2e-3 were a point ahead of 32 at 1e-3, on the validation characters. Three queries
    # of each class where the paper has one: they cost half as much again and make a steadier gradient.
    "maml-papers-omniglot-5w1s": papers("MAML", maml, iterations=8_000, meta_batch=16, n_query=3),
    "maml-papers-omniglot-5w5s": papers("MAML", maml, k_shot=5, iterations=4_000, meta_batch=8, n_query=5),
    # Two further tries: twice the rate; and twice as long, on mirror images too, with every drawing distorted at every visit.
    "maml-faster-papers-omniglot-5w5s": papers("MAML at twice the rate", maml, k_shot=5, iterations=4_000, meta_batch=8, lr=4e-3, n_query=5),
    "maml-distorted-papers-omniglot-5w5s": papers("MAML on distorted drawings", maml, k_shot=5, changed=True, iterations=8_000, meta_batch=8,
                                                  n_query=3),
    # The paper's five steps, a quarter of its tasks: five recorded steps on twenty classes are dear.
    "maml-papers-omniglot-20w1s": papers("MAML", partial(maml, 20, 0.1, 5, inner_steps=5), n_way=20, iterations=2_000, meta_batch=4, n_query=1),
    "fomaml-papers-omniglot-5w1s": papers("first-order MAML", first_order, iterations=8_000, meta_batch=16, n_query=3),
    "fomaml-papers-omniglot-5w5s": papers("first-order MAML", first_order, k_shot=5, iterations=4_000, meta_batch=8, n_query=5),
    # As protonet-omniglot-5w1s of `characters.py`, shorter. Snell et al. train on 20,000 episodes or more, without distortion.
    "protonet-papers-omniglot-5w1s": papers(
        "prototypical network, 60-way, distorted, every drawing in turn", lambda: learners.ProtoNet(learners.embedder(brisk=True), in_turn=True),
        transductive=False, also=((5, 5), (20, 1), (20, 5)), train_way=60, changed=True, iterations=4_000, meta_batch=1, n_query=3),
    # Trained as the prototypical network is, so that the two differ in their distance and in what a class is to them.
    "matching-papers-omniglot-5w1s": papers("matching network (cosine), 60-way", lambda: learners.MatchingNet(learners.embedder(brisk=True)),
                                            transductive=False, also=((5, 5), (20, 1), (20, 5)), train_way=60, changed=True,
                                            iterations=3_000, meta_batch=1, n_query=3),
})
