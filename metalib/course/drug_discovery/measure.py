"""What chapter 6d measures on assays: `python -m metalib measure assays-curves` and so on, up to four minutes each.

    curves    ROC-AUC and delta-AUPRC against the number of labelled molecules, and with labels that were dealt out at random
    leak      what it is worth to have met a test molecule in training, against the length of training
    lab       the forest's and logistic regression's answers in every state of the lab
"""
from __future__ import annotations

from functools import cache

from ...episodes import Episode, Examples
from ...learners import Classical, Learner, NearestCentroid
from ...learners.base import Predict
from ...metrics import TaskMetric, delta_auprc, roc_auc
from ...tasks import Shuffled
from ...recipes import RECIPES, build, load
from ...tasks import ComputedAssays, Tox21
from ...evaluation import evaluate
from ...training import train

SIZES = (5, 10, 20, 64, 200)                     # labelled molecules in all; the computed assays have too few for the last
MEETINGS = {"Tox21, new molecules": ("tox21", Tox21, "apart"), "Tox21, molecules shared": ("tox21", Tox21, "shared"),
            "computed assays": ("computed", ComputedAssays, "apart")}
META = ("MAML", "ANIL", "ProtoNet", "CNP")
LENGTHS = (50, 100, 200, 400, 800)


def forest(trees: int = 100) -> Learner:
    """The random forest of the chapter; on training assays a tenth of the features at each split was as good as any."""
    from sklearn.ensemble import RandomForestClassifier
    return Classical(RandomForestClassifier(trees, max_features=0.1, random_state=0))


def logistic() -> Learner:
    """Logistic regression; C = 0.1 was best of 0.01, 0.1 and 1 on training assays."""
    from sklearn.linear_model import LogisticRegression
    return Classical(LogisticRegression(C=0.1, max_iter=500))


class Unadapted(Learner):
    """A learner that is never shown a label: the network as meta-training left it. What it scores, no support set has earned."""

    def __init__(self, learner: Learner):
        super().__init__()
        self.learner = learner

    def adapt(self, support: Examples) -> Predict:
        return self.learner.adapt(support, steps=0)


def trained(name: str, family: type, **changes) -> Learner:
    """A learner by the recipe `name`-tox21, on another family or other assays; `changes` are to its training settings."""
    molecules = changes.pop("molecules", "apart")
    fold = {"fold": changes.pop("fold", 3)} if family is Tox21 else {}
    learner = build(f"{name.lower()}-tox21")
    train(learner, family("train", molecules, **fold), progress=False, **RECIPES[f"{name.lower()}-tox21"].training | changes)
    return learner


@cache
def rivals(meeting: str) -> dict[str, Learner]:
    """Name -> learner, for one of MEETINGS; the meta-learners are the shipped ones where the recipe is for it."""
    source, family, molecules = MEETINGS[meeting]
    shipped = meeting == "Tox21, new molecules"
    found = {name: load(f"{name.lower()}-tox21") if shipped else trained(name, family, molecules=molecules) for name in META}
    return found | {"MAML, no step": Unadapted(found["MAML"]), "random forest": forest(), "logistic regression": logistic(),
                    "nearest centroid": NearestCentroid()}


def judge(learner: Learner, tasks, n_labelled: int, metric: TaskMetric = roc_auc, episodes: int = 300, **more) -> list[float]:
    """Mean and 95 % half-width; the forest takes a third of the episodes, since it takes a hundred times as long."""
    slow = isinstance(learner, Classical) and "Forest" in type(learner.estimator).__name__
    score = evaluate(learner, tasks, episodes // 3 if slow else episodes, metric=metric, n_labelled=n_labelled, n_query=128,
                     **more)
    return [round(score.mean, 4), round(score.ci95, 4)]


def curves() -> dict:
    """Meeting -> what -> learner -> (mean, half-width) for each of SIZES; "shuffled" and "scaffolds" at 20 labelled alone."""
    found = {}
    for meeting, (_, family, molecules) in MEETINGS.items():
        new, table = family("test", molecules), {"roc_auc": {}, "delta_auprc": {}, "shuffled": {}, "scaffolds": {}}
        for name, learner in rivals(meeting).items():
            sizes = SIZES[:4] if family is ComputedAssays else SIZES
            table["roc_auc"][name] = [judge(learner, new, n) for n in sizes]
            if meeting != "Tox21, molecules shared":
                table["delta_auprc"][name] = [judge(learner, new, n, delta_auprc, 150) for n in sizes]
            if meeting == "Tox21, new molecules":
                table["shuffled"][name] = judge(learner, Shuffled(new), 20, episodes=150)
                table["scaffolds"][name] = judge(learner, new, 20, new_scaffolds=True)
            print(meeting, name, table["roc_auc"][name], flush=True)
        found[meeting] = table
    return found


def leak() -> dict:
    """Where trained -> one (mean, half-width) per entry of LENGTHS, at 20 labelled molecules: the same test tasks for both."""
    new, found = Tox21("test"), {}
    for molecules in ("apart", "shared"):
        learners = [trained("ProtoNet", Tox21, molecules=molecules, iterations=n) for n in LENGTHS]
        found[molecules] = [judge(learner, new, 20) for learner in learners]
        print(molecules, found[molecules], flush=True)
    return found


LAB_ASSAYS = tuple(ComputedAssays("test").names)
LAB_SIZES, LAB_SHOWN, LAB_QUERIES = SIZES[:4], 5, 60


@cache
def lab_tasks(n_labelled: int) -> Episode:
    """The tasks of the lab: every computed test assay once, with a support set that begins with an active molecule, then
    inactive, active, inactive, inactive."""
    drawn = ComputedAssays("test").sample(len(LAB_ASSAYS), n_labelled, LAB_QUERIES, seed=(15, n_labelled))
    rows, half = drawn.about["assay"].argsort()[:, None], n_labelled // 2
    first = [0, half, 1, half + 1, half + 2]
    order = drawn.support.y[rows[:, 0]].argsort(dim=1, descending=True, stable=True)             # actives first
    order = order[:, first + [i for i in range(n_labelled) if i not in first]]
    return Episode(Examples(drawn.support.x[rows, order], drawn.support.y[rows, order]),
                   Examples(drawn.query.x[rows[:, 0]], drawn.query.y[rows[:, 0]]),
                   {"support": drawn.about["support"][rows, order], "query": drawn.about["query"][rows[:, 0]]})


def lab_task(n_labelled: int, assay: int, flip: int) -> Episode:
    """One of them; `flip` from 1 to LAB_SHOWN turns that label of the support set round, 0 none."""
    task = lab_tasks(n_labelled)[assay:assay + 1]
    y = task.support.y.clone()
    if flip:
        y[0, flip - 1] = 1 - y[0, flip - 1]
    return Episode(Examples(task.support.x, y), task.query, task.about)


def lab() -> dict:
    """Rival -> labelled molecules -> assay -> flip -> how active each candidate looks to it."""
    def margin(rival: Learner, n: int, assay: int, flip: int) -> list[float]:
        task = lab_task(n, assay, flip)
        answer = rival.adapt(task.support)(task.query.x)[0]
        return [round(value, 4) for value in (answer[:, 1] - answer[:, 0]).tolist()]
    return {name: {str(n): [[margin(rival, n, a, f) for f in range(LAB_SHOWN + 1)] for a in range(len(LAB_ASSAYS))] for n in LAB_SIZES}
            for name, rival in (("random forest", forest()), ("logistic regression", logistic()))}


def measured(name: str) -> dict:
    """One of "curves", "leak" and "lab", with what it was measured on."""
    return {"edition": "Tox21, 7,831 rows", "seed": 0, "found": {"curves": curves, "leak": leak, "lab": lab}[name]()}
