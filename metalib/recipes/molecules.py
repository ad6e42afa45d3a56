"""Recipes on assays: nine of Tox21's to train on, three to test, and the computed ones that need no download."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .. import learners, networks, tasks
from ..learners import Learner
from ..metrics import delta_auprc, roc_auc
from ..tasks.molecules.chemistry import FEATURES
from .recipe import RECIPES, Recipe


class Beside(nn.Module):
    """What a body makes of a molecule, and beside it the molecule's own features, times a learned weight.

    With nine training assays the body soon knows them too well; the features themselves carry what it never had to look at.
    """

    def __init__(self, body: nn.Module, weight: float = 0.3):
        super().__init__()
        self.body, self.weight = body, nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.body(x), self.weight * x], -1)


def molecule_body(width: int = 64) -> nn.Sequential:
    """Features [n, FEATURES] -> `width` numbers. Dropout and running statistics: molecules are few, none may judge another."""
    return nn.Sequential(nn.Linear(FEATURES, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, width))


def prototypes() -> Learner:
    return learners.ProtoNet(networks.Network(Beside(molecule_body()), nn.Identity()))


def process() -> Learner:
    return learners.CNPClassifier(networks.Network(molecule_body(48), nn.Identity()), n_features=48, n_way=2, width=48)


def maml() -> Learner:
    return learners.MAML(networks.mlp(FEATURES, 64, 2), inner_lr=0.1, inner_steps=3, eval_steps=5)


def anil() -> Learner:
    return learners.ANIL(networks.mlp(FEATURES, 64, 64, 2), inner_lr=0.1, inner_steps=5)


SIZES = (5, 10, 20, 64)                                       # labelled molecules in all
JUDGED = dict(episodes=300, n_query=128, metric=roc_auc)


def assays(about: str, learner: Callable[[], Learner], family: type = tasks.Tox21, molecules: str = "apart",
           **training) -> Recipe:
    """A recipe for assays: trained with 10 + 10 labelled molecules, judged on the test assays by ROC-AUC at each of SIZES."""
    title = {tasks.Tox21: "Tox21", tasks.ComputedAssays: "computed assays"}[family]
    new = lambda: family("test", molecules)
    tests = {f"{title}, {n} labelled": (new, JUDGED | dict(n_labelled=n)) for n in SIZES}
    if family is tasks.Tox21:                                 # the computed molecules share fifteen frames: too few
        tests[f"{title}, 20 labelled, new scaffolds"] = new, JUDGED | dict(n_labelled=20, new_scaffolds=True)
    tests[f"{title}, 20 labelled, delta-AUPRC"] = new, JUDGED | dict(n_labelled=20, metric=delta_auprc)
    return Recipe(about, learner, lambda: family("train", molecules),
                  dict(iterations=200, meta_batch=9, lr=1e-3, schedule="cosine", n_labelled=20, n_query=40, balanced=True)
                  | training, tests)


RECIPES.update({
    "protonet-tox21": assays("prototypical network on Tox21, new assays and new molecules", prototypes),
    "cnp-tox21": assays("conditional neural process on Tox21, new assays and new molecules", process),
    "maml-tox21": assays("MAML on Tox21, new assays and new molecules", maml),
    "anil-tox21": assays("ANIL on Tox21, new assays and new molecules", anil),
    "protonet-tox21-shared": assays("prototypical network on Tox21, new assays on molecules met in training, as in most papers",
                                    prototypes, molecules="shared", iterations=600),
    "protonet-computed": assays("prototypical network on computed assays", prototypes, tasks.ComputedAssays),
})
