"""Real tables: those that come inside scikit-learn, each cut at random into a support set and queries, many times.

One table is one problem: what differs from task to task is which rows are shown, and which number each class has. So these
tasks are for judging a learner that was made elsewhere, not for meta-training one.

Fisher 1936 (iris); Aeberhard, Forina 1992 (wine); Wolberg, Mangasarian, Street 1995 (breast cancer, Wisconsin); Alpaydin,
Kaynak 1998 (digits); Efron et al. 2004, https://arxiv.org/abs/math/0406456 (diabetes). The photographs are scikit-learn's
two sample images: a row is a patch of 8 x 8 pixels, the mean and the standard deviation of its red, green and blue.
"""
from collections.abc import Sequence

import numpy as np

from ...episodes import Episode
from ..arrays import Arrays

# name -> what the columns are, and what is to be told
TABLES = {
    "iris": "four lengths of a flower: which of three species",
    "wine": "thirteen chemical measurements: which of three growers",
    "cancer": "thirty measurements of cell nuclei: malignant or benign",
    "cancer-means": "the ten means among the thirty",
    "cancer-worst": "the ten largest among the thirty",
    "diabetes": "ten measurements of a patient: did the disease progress by more than the median in a year",
    "diabetes-sex": "the nine others of the ten measurements: which sex",
    "photographs": "six colour statistics of a patch: from the palace or from the flower",
    "digits": "sixty-four grey levels of a handwritten digit: which of ten",
    "digits-coarse": "the same at a quarter of the resolution, sixteen grey levels",
}


class RealTable(Arrays):
    """One real table as a family of tasks; no two tables are independent problems where one is a part of the other.

    Arguments:
        name: one of `TABLES`.

    Raises ValueError for another name.

    Example:
        >>> RealTable("wine").sample(20, k_shot=5, n_query=10, seed=1).support.x.shape
        torch.Size([20, 15, 13])
    """

    def __init__(self, name: str):
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}; use one of {', '.join(TABLES)}.")
        super().__init__(*read(name))

    def sample(self, n_tasks: int, n_way: int | None = None, k_shot: int | Sequence[int] = 5, n_query: int = 15,
               seed: int | Sequence[int] = 0) -> Episode:
        """Cut the table n_tasks times: k_shot rows of each class to learn from, n_query others of each to be judged on.

        Arguments:
            n_way: how many of its classes, drawn anew for each task; default: all.
        """
        return super().sample(n_tasks, self.n_classes if n_way is None else n_way, k_shot, n_query, seed)


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a table as they come, [n, n_features], and the class of each, [n]."""
    from sklearn import datasets

    if name == "photographs":
        return patches(datasets.load_sample_images().images)
    if name.startswith("diabetes"):
        x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
        x, y = (np.delete(x, 1, axis=1), x[:, 1] > 1.5) if name == "diabetes-sex" else (x, y > np.median(y))
        return x.astype(np.float32), y.astype(int)
    load = {"iris": datasets.load_iris, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer, "digits": datasets.load_digits}
    x, y = load[name.split("-")[0]](return_X_y=True)
    if name == "digits-coarse":
        x = x.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
    return x[:, {"cancer-means": slice(10), "cancer-worst": slice(20, 30)}.get(name, slice(None))].astype(np.float32), y


def patches(images: list[np.ndarray], side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Every third patch in both directions of each photograph, [n, 6], and which photograph it is from, [n]."""
    x, y = [], []
    for number, image in enumerate(images):
        height, width = (3 * side * (n // (3 * side)) for n in image.shape[:2])
        cut = image[:height, :width].reshape(height // side, side, width // side, side, 3)[::3, :, ::3].astype(float)
        x.append(np.concatenate([cut.mean((1, 3)), cut.std((1, 3))], -1).reshape(-1, 6))
        y.append(np.full(len(x[-1]), number))
    return np.concatenate(x).astype(np.float32), np.concatenate(y)
