"""One network, many tasks: how a forward pass with weights of each task's own is run. One result, whichever way.

    carries tasks    every layer takes weights with a leading task axis (`networks.mlp`): one batched product a layer
    batched_conv     convolutions whose weights are each task's own, with what usually stands between: a few tasks at once
    vmap             `torch.func.vmap` over the forward pass alone
    task by task     where vmap cannot go: recurrent networks, dropout, control flow on values, layers that write to themselves

Not `vmap(grad(...))`: its second order through `F.batch_norm` with per-task scale and shift is silently wrong. Attention takes its
plain kernel, since the fused ones have no second derivative.
"""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..episodes import same_shape
from . import batched_conv

Weights = dict[str, Tensor]

# nn.LSTM and its kin have no batching rule, their cells raise; a dropout mask under vmap is drawn in another order than task by task.
ONE_BY_ONE = (nn.RNNBase, nn.RNNCellBase, nn.modules.dropout._DropoutNd)
_swapping = RLock()             # `functional_call` puts weights into the module itself: one thread at a time, or they meet each other's
_vmappable: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()        # what the first call of each network found out


def predict(network: nn.Module, fast: Weights, shared: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The network's answers with each task's own weights.

    Arguments:
        network: the module that gives the shape of the computation; written for one task, [n, ...] -> [n, out].
        fast: name -> [tasks, ...], each task's own. shared: name -> [...], everybody's.
        x: inputs, [tasks, n, ...].

    Returns:
        Answers, [tasks, n, out].

    Raises ValueError for inputs of another number of tasks than the weights, TypeError for a network that gives no tensor.
    """
    if fast and len(x) != (adapted := len(next(iter(fast.values())))):
        raise ValueError(f"x has shape {list(x.shape)}, but {adapted} task{'s were' if adapted > 1 else ' was'} learned; expected "
                         f"[{adapted}, n, ...].")
    with _swapping:
        aliases = tied(network)

    def forward(fast: Weights, x: Tensor) -> Tensor:
        weights = {**shared, **fast}
        weights |= {other: weights[name] for other, name in aliases.items() if name in weights}
        with _swapping:
            found = functional_call(network, weights, (x,), tie_weights=False)
        if not isinstance(found, Tensor):
            raise TypeError(f"{type(network).__name__} returned a {type(found).__name__}; its forward has to return one tensor, [n, out].")
        return found
    if carries_tasks(network):
        return forward(fast, x)
    if x.ndim == 5 and not aliases and any(p.ndim == 5 for p in fast.values()):
        if layers := batched_conv.stack(network, {**shared, **fast}):
            return batched_conv.run(layers, fast, shared, x)
    with plain_kernels():
        if vmappable(network):
            try:
                answers = vmap(forward)(fast, x)
                _vmappable[network] = True
                return answers
            except (RuntimeError, ValueError):                  # vmap cannot, or the network is wrong: the next line tells
                pass
        answers = torch.stack([forward({name: p[t] for name, p in fast.items()}, x[t]) for t in range(len(x))])
    _vmappable[network] = False
    return answers


def weights_of(network: nn.Module) -> Weights:
    """The parameters by name, none of them lent to a call in another thread."""
    with _swapping:
        return dict(network.named_parameters())


def tied(network: nn.Module) -> dict[str, str]:
    """Parameters that are one under two names, such as an embedding that is also the output layer: other name -> first name.

    A *module* under two names needs no entry. `functional_call` would swap its weights twice and put back the wrong ones.
    """
    first: dict[int, str] = {}
    places: set[tuple[int, str]] = set()
    aliases = {}
    for prefix, module in network.named_modules(remove_duplicate=False):
        for attribute, p in module._parameters.items():
            name = f"{prefix}.{attribute}" if prefix else attribute
            if p is not None and (id(module), attribute) not in places:
                places.add((id(module), attribute))
                if first.setdefault(id(p), name) != name:
                    aliases[name] = first[id(p)]
    return aliases


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Attention written out: its fused kernels, and the fast path of `nn.TransformerEncoderLayer`, have no second derivative."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def carries_tasks(network: nn.Module) -> bool:
    """Does the network say that its layers take weights with a task axis, and is that so of every layer, also of one put in later?"""
    return getattr(network, "carries_tasks", False) and all(getattr(layer, "carries_tasks", False) for layer in network.modules()
                                                            if layer._parameters)


def vmappable(network: nn.Module) -> bool:
    """Shall vmap be tried? Not with an embedding that has a padding row: under vmap that row gets a gradient, silently."""
    for layer in network.modules():
        if isinstance(layer, ONE_BY_ONE) and (layer.training or not isinstance(layer, nn.modules.dropout._DropoutNd)):
            return False
        if getattr(layer, "padding_idx", None) is not None:
            return False
    return _vmappable.get(network, True)


def batch_statistics(network: nn.Module | None) -> bool:
    """Does an answer depend on its batch even outside training, as with batch norm that keeps no running statistics?"""
    return network is not None and any(isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.running_mean is None
                                       for layer in network.modules())


def recording() -> bool:
    """Is anyone going to differentiate through an inner loop that starts now?

    Raises RuntimeError in inference mode, which no gradient survives.
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError("adapting takes gradients, which inference mode forbids; use torch.no_grad() instead.")
    return torch.is_grad_enabled()


def running_statistics(network: nn.Module) -> str | None:
    """The name of the first layer that updates running statistics while it is trained, if there is one."""
    return next((name for name, layer in network.named_modules()
                 if getattr(layer, "running_mean", None) is not None and layer.training), None)


def tasks_loss(loss, prediction: Tensor, y: Tensor) -> Tensor:
    """Each task's loss, [tasks], by a loss written for one task.

    Arguments:
        loss: loss(prediction [n, out], y [n] or [n, out]) -> a number, or one for each element, of which the mean is taken: any of
            PyTorch's, such as `nn.HuberLoss()` or `F.binary_cross_entropy_with_logits`, or a function of your own. One that reads
            several outputs for each value, such as a mean and a variance, says so: `loss.outputs = 2`.
        prediction: [tasks, n, out]. y: class numbers [tasks, n] or values [tasks, n, out].

    Raises:
        TypeError: for a loss that gives no tensor.
        ValueError: for values whose shape is not that of the predictions: PyTorch would broadcast them.
    """
    if y.is_floating_point():
        same_shape(prediction, y, getattr(loss, "outputs", 1))
    found = [loss(p, truth) for p, truth in zip(prediction, y)]
    if not (isinstance(found[0], Tensor) and found[0].is_floating_point()):
        kind = found[0].dtype if isinstance(found[0], Tensor) else type(found[0]).__name__
        raise TypeError(f"the loss gave {kind} for one task; return a floating-point tensor: one number, or one for each element.")
    return torch.stack([one.mean() for one in found])
