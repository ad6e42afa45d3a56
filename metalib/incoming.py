"""What comes in: arrays, tables, lists and labels of whatever kind, as the tensors and labels that they mean.

A missing label is no class, a missing number no number, and rows are paired as their index says.
"""
import warnings

import numpy as np
import torch
from torch import Tensor


def as_tensor(value, name: str = "x") -> Tensor:
    """Anything that holds numbers (array, tensor, list, table, sparse matrix) -> a tensor of its own, dense, in native order.

    Raises TypeError for what holds no real numbers, ValueError for rows of different length.
    """
    for dense in ("to_numpy", "toarray", "to_dense"):
        value = getattr(value, dense)() if hasattr(value, dense) else value
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ma.MaskedArray) and value.mask.any():
        value = value.astype(np.float64).filled(np.nan)
    try:
        array = np.array(value)
        if array.dtype.kind == "O" or array.dtype.kind == "f" and array.itemsize > 8:
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"rows of {name} differ in length; make them equally long.") from error
        raise TypeError(f"{name} holds {np.asarray(value).dtype}, not numbers; turn its columns into numbers first.") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds {array.dtype}, not numbers; turn its columns into numbers first.")
    if array.dtype.kind == "u" and array.itemsize > 1:
        array = array.astype(np.int64)                                # PyTorch computes little with unsigned ones
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))


def as_labels(labels, column: bool = False) -> np.ndarray:
    """Labels of any kind as an array. A single column of classes, [n, 1], is [n] unless `column` says that it is to stay."""
    labels = labels.detach().cpu() if isinstance(labels, Tensor) else labels
    labels = labels.to_numpy() if hasattr(labels, "to_numpy") else np.ma.asarray(labels) if np.ma.isMA(labels) else np.asarray(labels)
    alone = not column and labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind != "f"
    return labels[:, 0] if alone else labels


def labelled(labels: np.ndarray) -> np.ndarray:
    """The rows that have a label: not None, NaN, NA or masked. A warning counts the others."""
    if labels.dtype.kind == "O":
        gone = np.array([not isinstance(one, str) and str(one) in ("None", "nan", "NaN", "<NA>", "NaT", "--") for one in labels], bool)
    else:
        gone = np.ma.getmaskarray(labels) | np.asarray(labels != labels) if labels.dtype.kind in "fmMbiu" else np.zeros(len(labels), bool)
    if gone.any():
        warnings.warn(f"{gone.sum()} of {len(labels)} examples have no label and are left out", stacklevel=5)
    return np.flatnonzero(~gone)


def same_rows(x, y) -> None:
    """Raise a ValueError where two tables name their rows differently: they would be paired by position."""
    a, b = (getattr(table, "index", None) for table in (x, y))
    if hasattr(a, "equals") and hasattr(b, "equals") and not a.equals(b):
        raise ValueError("x and y (or two columns) name their rows differently (index); put one into the order of the other: y.loc[x.index].")
