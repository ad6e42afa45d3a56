"""Convolutions with weights of each task's own: tasks stand in the channel axis, a few of them at once.

    x [tasks, n, channels, height, width]  ->  [n, tasks * channels, height, width]
    one grouped convolution a layer (groups = tasks), and one batch norm, which normalises each task's channels on their own

`vmap` comes to the same sums, but takes all tasks at once, and their pictures no longer fit the processor's caches. How many at
once is a rule and not a stopwatch, so that every run and machine rounds alike.
`tests/benchmarks/test_speed.py` has the times and measures them again.
"""
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import networks

Weights = Mapping[str, Tensor]

MAPS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Identity)       # number by number
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)                                                   # channel by channel
LINEAR = (nn.Linear, networks.Linear)


def layers(network: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The layers of a network that runs one after the other, with the beginning of their parameters' names; other modules as they are."""
    if type(network) not in (nn.Sequential, networks.Network) or hooked(network):
        return [(prefix, network)]
    return [layer for name, child in network._modules.items() if child is not None for layer in layers(child, f"{prefix}{name}.")]


def hooked(layer: nn.Module) -> bool:
    """Does somebody want to hear when this layer is called?"""
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


def stack(network: nn.Module, weights: Weights) -> list[tuple[str, nn.Module]] | None:
    """The layers in the order they run, if `run` can do it: convolutions, norms and pools, one Flatten, then linear layers; else None."""
    found = layers(network)
    flat = False
    for name, layer in found:
        known = {
            nn.Conv2d: not flat and getattr(layer, "padding_mode", "zeros") == "zeros",
            nn.BatchNorm2d: not flat and getattr(layer, "running_mean", None) is None,
            nn.Flatten: not flat and (getattr(layer, "start_dim", 1), getattr(layer, "end_dim", -1)) == (1, -1),
            **dict.fromkeys(POOLS, not flat and not getattr(layer, "return_indices", False)),
            **dict.fromkeys(LINEAR, flat),
            **dict.fromkeys(MAPS, True)}
        if not known.get(type(layer), False) or hooked(layer) or any(name + own not in weights for own, _ in layer.named_parameters()):
            return None
        flat = flat or isinstance(layer, nn.Flatten)
    for i, (first, second) in enumerate(zip(found, found[1:])):         # max(relu(x)) = relu(max(x)), on a quarter of the numbers,
        if type(first[1]) is nn.ReLU and type(second[1]) is nn.MaxPool2d:               # and so are their gradients
            found[i:i + 2] = second, first
    return found if flat else None


def at_once(n: int) -> tuple[int, torch.memory_format]:
    """How many tasks of n images share a call, and how the images lie in memory. The rule behind the table above."""
    if n < 40:
        return max(1, min(8, 100 // max(1, n))), torch.contiguous_format
    return 2, torch.channels_last                                       # max-pooling and weight gradients of many images are faster so


def run(found: list[tuple[str, nn.Module]], fast: Weights, shared: Weights, x: Tensor) -> Tensor:
    """Answers [tasks, n, out] of the layers that `stack` found; arguments as for `forward.predict`."""
    size, layout = at_once(x.shape[1])
    weights = {**{name: p.expand(len(x), *p.shape) for name, p in shared.items()}, **fast}
    if len(x) <= size:
        return few_tasks(found, weights, x, layout)
    parts = zip(*(p.split(size) for p in weights.values()))
    return torch.cat([few_tasks(found, dict(zip(weights, part)), few, layout) for part, few in zip(parts, x.split(size))])


def few_tasks(found: list[tuple[str, nn.Module]], weights: Weights, x: Tensor, layout: torch.memory_format) -> Tensor:
    """The same in one go."""
    tasks = len(x)
    h = x.transpose(0, 1).flatten(1, 2).contiguous(memory_format=layout)                 # [n, tasks * channels, height, width]
    for name, layer in found:
        weight, bias = weights.get(name + "weight"), weights.get(name + "bias")
        if isinstance(layer, nn.Linear):                                                 # [tasks, n, in] -> [tasks, n, out]
            h = h @ weight.mT if bias is None else torch.baddbmm(bias.unsqueeze(1), h, weight.mT)
        elif isinstance(layer, nn.Conv2d):
            h = F.conv2d(h, weight.flatten(0, 1), None if bias is None else bias.flatten(), layer.stride, layer.padding,
                         layer.dilation, tasks * layer.groups)
        elif isinstance(layer, nn.BatchNorm2d):
            affine = (None, None) if weight is None else (weight.flatten(), bias.flatten())
            h = F.batch_norm(h, None, None, *affine, training=True, eps=layer.eps)
        elif isinstance(layer, nn.Flatten):
            h = h.unflatten(1, (tasks, -1)).transpose(0, 1).flatten(2)                   # [tasks, n, features]
        else:
            h = layer(h)
    return h
