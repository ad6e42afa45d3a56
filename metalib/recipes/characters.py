"""Recipes on written characters: Omniglot, generated glyphs, digits as the far test."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from .. import learners, networks, tasks
from ..learners import Learner
from .recipe import RECIPES, Recipe, load


def images(about: str, learner: Callable[[], Learner], **training) -> Recipe:
    """A recipe for characters, 5-way 1-shot: two tasks in three from Omniglot's background alphabets, one of glyphs."""
    omniglot = lambda: tasks.Omniglot("background")
    five = dict(n_way=5, k_shot=1, n_query=15)
    return Recipe(
        about, learner, lambda: tasks.Mixture(omniglot(), omniglot(), tasks.Glyphs(seed=0, n_classes=4_000)),
        dict(meta_batch=16, lr=2e-3, schedule="cosine", n_way=5, k_shot=1, n_query=3) | training,
        {"Omniglot evaluation": (lambda: tasks.Omniglot("evaluation"), dict(episodes=600, together=True, **five)),
         "Omniglot evaluation, one at a time": (lambda: tasks.Omniglot("evaluation"), dict(episodes=200, **five)),
         "digits": (tasks.Digits, dict(episodes=600, together=True, **five)),
         "new glyphs": (lambda: tasks.Glyphs(seed=1), dict(episodes=600, together=True, **five))})


def omniglot(about: str, learner: Callable[[], Learner], shots: tuple[int, ...] = (1, 5), ways: tuple[int, ...] = (5,),
             changed: bool = False, digits: bool = True, asked: int = 15, episodes: int = 600, **training) -> Recipe:
    """A recipe for Omniglot alone: trained on the background alphabets with their rotations, judged on new alphabets.

    Arguments:
        shots, ways: numbers of examples per class, and of classes, to be judged with.
        digits: be judged on digits too, 5-way.
        asked, episodes: queries per class, and tasks, to be judged with.
        changed: train on mirror images as further classes too, and distort every drawing at every visit.
    """
    new = {("Omniglot evaluation" if n == 5 else f"Omniglot evaluation, {n}-way", n): lambda: tasks.Omniglot("evaluation")
           for n in ways}
    if digits:
        new["digits", 5] = tasks.Digits
    return Recipe(
        about, learner,
        lambda: tasks.Distorted(tasks.Omniglot("background", reflections=True)) if changed else tasks.Omniglot("background"),
        dict(schedule="cosine") | training,
        {f"{title}, K = {k}": (family, dict(episodes=episodes, together=True, n_way=n, k_shot=k, n_query=asked))
         for (title, n), family in new.items() for k in shots})


def vinyals(about: str, learner: Callable[[], Learner], k_shot: int, shots: tuple[int, ...] = (), **training) -> Recipe:
    """A recipe for Omniglot in the few-shot split that is named after Vinyals et al. 2016.

    Arguments:
        k_shot: examples per class in training.
        shots: numbers of examples per class to be judged with; default as in training.
    """
    return Recipe(
        about, learner, lambda: tasks.Omniglot("train"), dict(schedule="cosine", n_way=5, k_shot=k_shot, n_query=5) | training,
        {f"Omniglot test, K = {k}": (lambda: tasks.Omniglot("test"), dict(episodes=600, together=True, n_way=5, k_shot=k, n_query=15))
         for k in shots or (k_shot,)} |
        {"Omniglot test, one at a time": (lambda: tasks.Omniglot("test"),
                                          dict(episodes=50, n_way=5, k_shot=k_shot, n_query=5)),
         "new glyphs": (lambda: tasks.Glyphs(seed=1), dict(episodes=200, together=True, n_way=5, k_shot=k_shot, n_query=15))})


def omniglot_meta_lstm(first_order: bool = False) -> Learner:
    """The Meta-LSTM of the Omniglot recipes."""
    # The gates start where MAML's inner loop is, a rate of 0.4 and nearly no decay, and the start where MAML's ended.
    return learners.MetaLSTM(load("maml32-omniglot-5w1s").network, 3, first_order=first_order, forget_bias=(6.0, 7.0),
                             input_bias=(-0.5, -0.3))


def omniglot_maml() -> Learner:
    """MAML from the same start and with as many steps: what the Meta-LSTM is to be compared with."""
    return learners.MAML(load("maml32-omniglot-5w1s").network, inner_lr=0.4, inner_steps=3)


def going_on(about: str, learner: Callable[[], Learner], k_shot: int) -> Recipe:
    """A recipe that goes on from maml32-omniglot-5w1s for another 2,400 tasks: the budget of all rivals of chapter 4."""
    return vinyals(f"{about} on Omniglot, its start from maml32-omniglot-5w1s", learner, k_shot, iterations=600, meta_batch=4,
                   lr=1e-3, clip=1.0)


def beginning_with(name: str, learner: Learner, frozen: bool = False) -> Learner:
    """A learner whose embedding starts as that of shipped weights, and stays so if frozen."""
    learner.network.load_state_dict(load(name).network.state_dict())
    learner.network.requires_grad_(not frozen)
    return learner


def with_inner_loop(n_way: int) -> networks.Network:
    """The prototypical network's embedding under a head of zeros: where the recipes of the papers' table start their inner loops.

    Batch norm takes the statistics of the task at hand, as in MAML's network, and the features have one length.
    """
    network = networks.conv4(n_way, pool="max")
    kept = {name: p for name, p in load("protonet-omniglot-5w1s").network.state_dict().items() if name in network.state_dict()}
    network.load_state_dict(kept | {name: torch.zeros_like(p) for name, p in network.state_dict().items() if name not in kept})
    network.body.append(networks.Unit())
    return network


def row(name: str, learner: Callable[..., Learner], n_way: int = 5, shots: tuple[int, ...] = (1, 5), episodes: int = 200,
        **training) -> Recipe:
    """A recipe for a row of the papers' table: gradient-based, from the common start, sixty iterations.

    Arguments:
        learner: takes network, inner rate and steps, such as `learners.MAML`.
        n_way: classes in training and examination; the inner rate grows with it, so that the logits do not shrink.
    """
    return omniglot(f"{name} on Omniglot, {n_way}-way 1-shot, from the prototypical network's embedding",
                    lambda: learner(with_inner_loop(n_way), inner_lr=0.08 * n_way), shots, (n_way,), changed=True, digits=False,
                    episodes=episodes,
                    # The better of two rates: at ten times as much MAML and Reptile ended below where they began.
                    **dict(iterations=60, meta_batch=8 if n_way == 5 else 2, lr=3e-5, clip=1.0, n_way=n_way, k_shot=1,
                           n_query=5) | training)


RECIPES.update({
    "maml-images": images("MAML on characters, 5-way 1-shot",
                          lambda: learners.MAML(networks.conv4(5), inner_lr=0.4, eval_steps=3), iterations=12_000),
    "anil-images": images("ANIL on characters, 5-way 1-shot",
                          lambda: learners.ANIL(networks.conv4(5), inner_lr=0.4, inner_steps=3), iterations=6_000),
    "protonet-images": images("prototypical network on characters, trained 20-way 1-shot",
                              lambda: learners.ProtoNet(networks.conv4(1)), iterations=1_500, meta_batch=3, n_way=20),
    "maml32-omniglot-5w1s": vinyals("MAML with 32 filters on Omniglot, split of Vinyals et al.",
                                    lambda: learners.MAML(networks.conv4(5, channels=32), inner_lr=0.4, eval_steps=3), 1, (1, 5),
                                    iterations=2_000, meta_batch=16, lr=3e-3, n_query=3),
    "meta-lstm-omniglot-5w1s": going_on("Meta-LSTM", omniglot_meta_lstm, 1),
    "meta-lstm-omniglot-5w5s": going_on("Meta-LSTM", omniglot_meta_lstm, 5),
    "meta-lstm-fo-omniglot-5w5s": going_on("Meta-LSTM, first order as in the paper,",
                                           lambda: omniglot_meta_lstm(first_order=True), 5),
    "maml-rival-omniglot-5w1s": going_on("MAML", omniglot_maml, 1),
    "maml-rival-omniglot-5w5s": going_on("MAML", omniglot_maml, 5),
    # Snell et al. train on 20,000 episodes or more. Half as many suffice where every drawing takes its turn as the example, each
    # visit distorts it anew, and mirror images count as further characters.
    "protonet-omniglot-5w1s": omniglot("prototypical network on Omniglot, 60-way 1-shot, distorted, every drawing in turn",
                                       lambda: learners.ProtoNet(learners.embedder(brisk=True), in_turn=True),
                                       ways=(5, 20), changed=True,
                                       iterations=10_000, meta_batch=1, lr=2e-3, n_way=60, k_shot=1, n_query=3),
    "matching-omniglot-5w1s": omniglot("matching network (cosine) on Omniglot, from the prototypical network's embedding",
                                       lambda: beginning_with("protonet-omniglot-5w1s",
                                                              learners.MatchingNet(learners.embedder())),
                                       ways=(5, 20), changed=True,
                                       iterations=200, meta_batch=1, lr=5e-5, n_way=60, k_shot=1, n_query=3),
    "relation-omniglot-5w1s": omniglot("relation network on Omniglot, trained 5-way 1-shot",
                                       lambda: learners.RelationNet(learners.relation.maps()),
                                       iterations=600, meta_batch=16, lr=2e-3, n_way=5, k_shot=1, n_query=3),
    # From a random embedding, or one that moves, the decoder takes long to find out that drawings can be compared.
    "cnp-omniglot-5w1s": omniglot(
        "conditional neural process on Omniglot, 5-way 1-shot, on the prototypical network's embedding",
        lambda: beginning_with("protonet-omniglot-5w1s", learners.CNPClassifier(learners.embedder()), frozen=True),
        iterations=2_000, meta_batch=16, lr=2e-3, n_way=5, k_shot=1, n_query=3),
    # The rows of the papers' table. All start from one embedding, so that the table compares inner loops, not budgets.
    "maml-omniglot-5w1s": row("MAML", learners.MAML, episodes=400),
    "maml-omniglot-20w1s": row("MAML", learners.MAML, 20, episodes=100),
    "fomaml-omniglot-5w1s": row("first-order MAML", partial(learners.MAML, first_order=True)),
    "fomaml-omniglot-20w1s": row("first-order MAML", partial(learners.MAML, first_order=True), 20, episodes=100),
    # Asked after one step: three steps of the whole network at this rate already lose part of what the embedding knows.
    "reptile-omniglot-5w1s": row("Reptile", partial(learners.Reptile, inner_steps=3, eval_steps=1), optimizer="sgd", lr=0.01),
    "reptile-omniglot-20w1s": row("Reptile", partial(learners.Reptile, inner_steps=3, eval_steps=1), 20, episodes=100,
                                  optimizer="sgd", lr=0.01),
    "anil-omniglot-5w1s": row("ANIL", learners.ANIL),
    "anil-omniglot-20w1s": row("ANIL", learners.ANIL, 20, episodes=100),
    "meta-sgd-omniglot-5w1s": row("Meta-SGD", learners.MetaSGD),
})
