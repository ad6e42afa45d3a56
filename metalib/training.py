"""One `train` for every learner and every task family.

Nothing random is kept between iterations: iteration i of a run draws its tasks from the seed (run seed, i). So a run that
is cut and resumed, or spread over processes, sees exactly the tasks of one that is not.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from .episodes import at_least
from .learners import Learner
from .storage import load_checkpoint, save_checkpoint

SCHEDULES: dict[str, Callable[[float], float]] = {      # share of the run that is done -> share of the learning rate
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
}


class NonFiniteLoss(ArithmeticError):
    """Training met NaN or infinity; the learner holds the last weights whose loss was finite."""


def setup(seed: int = 0, threads: int = 1) -> None:
    """Open a notebook or script, so that it gives the same on every machine.

    Arguments:
        seed: of PyTorch's generator; new networks start from the same weights every time.
        threads: of PyTorch. One sums in one order whatever the machine, and networks this small gain nothing from more.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(threads)


def train(learner: Learner, tasks, iterations: int = 1_000, meta_batch: int = 25, lr: float = 1e-3, *, seed: int = 0,
          optimizer: str = "adam", schedule: str = "constant", clip: float | None = None, device: str = "cpu",
          checkpoint: str | Path | None = None, resume: bool = False, every: int = 500, progress: bool = True,
          watch: Callable[[int, float], None] | None = None, **shape) -> list[float]:
    """Meta-train: sample a batch of tasks, add up their outer gradients, step; again.

    Arguments:
        learner, tasks: any learner; any family with `sample(n_tasks, seed=..., **shape) -> Episode`.
        iterations, meta_batch: outer steps, and tasks in each.
        lr, optimizer, schedule: outer rate; "adam" or "sgd"; "constant", or "linear" or "cosine" down to zero.
        seed: fixes the tasks; the start is the learner's own.
        clip: bound on the norm of the outer gradient.
        device: where to compute, such as "cuda".
        checkpoint, every, resume: file to write each `every` iterations and at the end; go on from it where it exists.
            A resumed run ends bit-equal to an uncut one on the same machine.
        progress: show a bar with the loss (averaged over about 50 iterations) and the rate.
        watch: called as watch(iteration, loss) after each step.
        shape: n_way, k_shot, n_query, as the family's `sample` takes them.

    Returns:
        The outer loss of each iteration.

    Raises:
        NonFiniteLoss: the loss or the weights became NaN or infinite; the last good weights are in the learner.
        ValueError: for settings out of bounds, or a checkpoint of other settings.

    Under `torchrun` each process takes its share of the tasks and the gradients are summed: the one-process gradient.
    """
    check_settings(iterations, meta_batch, lr, optimizer, schedule, clip)
    settings = {"meta_batch": meta_batch, "lr": lr, "seed": seed, "optimizer": optimizer, "schedule": schedule, "clip": clip,
                "iterations": iterations, "learner": type(learner).__name__, "tasks": type(tasks).__name__, **shape}
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if world > meta_batch:
        raise ValueError(f"meta_batch is {meta_batch}, but there are {world} processes; start at most {meta_batch}.")
    learner.to(device).train()
    parameters = [p for p in learner.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError(f"{type(learner).__name__} has no parameters to train; evaluate it as it is.")
    make = {"adam": lambda p: torch.optim.Adam(p, lr, fused=True), "sgd": lambda p: torch.optim.SGD(p, lr)}[optimizer]
    opt, losses = make(parameters), []
    if resume and checkpoint is not None and Path(checkpoint).exists():
        losses = load_checkpoint(checkpoint, learner, opt, settings)
    if world > 1:
        for p in parameters:
            dist.broadcast(p.data, src=0)

    good = [p.detach().clone() for p in parameters]
    bar = progress_bar(len(losses), iterations, show=progress and rank == 0)
    for i in range(len(losses), iterations):
        for group in opt.param_groups:
            group["lr"] = lr * SCHEDULES[schedule](i / iterations)
        opt.zero_grad()
        share = tasks.sample(meta_batch, seed=(seed, i), **shape)[rank::world]
        loss = torch.zeros((), dtype=torch.float64, device=device)
        for part in share.split(learner.task_chunk):
            weight = len(part) / meta_batch
            loss += weight * learner.backward(part.to(device), weight)
        if world > 1:
            add_up(parameters, loss)
        if not loss.isfinite():
            stop_at(i, loss, parameters, good, lr)
        good = [p.detach().clone() for p in parameters]
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        opt.step()
        losses.append(loss.item())
        bar.update_with(losses)
        if watch is not None:
            watch(i, losses[-1])
        if checkpoint is not None and rank == 0 and ((i + 1) % every == 0 or i + 1 == iterations):
            save_checkpoint(checkpoint, learner, opt, losses, settings)
    bar.close()
    if not all(p.isfinite().all() for p in parameters):
        stop_at(iterations, torch.tensor(math.nan), parameters, good, lr)
    learner.eval()
    return losses


def check_settings(iterations, meta_batch, lr, optimizer, schedule, clip) -> None:
    """The door of `train`: one sentence for each setting out of bounds."""
    at_least(1, iterations=iterations, meta_batch=meta_batch)
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr is {lr}; it must be a finite number above 0, such as 1e-3.")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; it must be above 0, or None for no clipping.")
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer is {optimizer!r}; use 'adam' or 'sgd'.")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}; use one of {', '.join(SCHEDULES)}.")


def add_up(parameters: list[Tensor], loss: Tensor) -> None:
    """Sum gradients and loss over all processes, in one message."""
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([g.flatten() for g in grads] + [loss.view(1).to(grads[0].dtype)])
    dist.all_reduce(flat)
    *summed, total = flat.split([g.numel() for g in grads] + [1])
    loss.copy_(total[0])
    for p, g in zip(parameters, summed):
        p.grad = g.view_as(p)


def stop_at(iteration: int, loss: Tensor, parameters: list[Tensor], good: list[Tensor], lr: float) -> None:
    """Put the last good weights back and say what happened."""
    with torch.no_grad():
        for p, kept in zip(parameters, good):
            p.copy_(kept)
    raise NonFiniteLoss(f"the loss became {loss.item()} at iteration {iteration}; the learner keeps the last weights whose loss "
                        f"was finite. Lower lr (now {lr}) or the learner's inner_lr, or set clip.")


def progress_bar(done: int, total: int, show: bool):
    """A tqdm bar, in notebook and terminal, that shows the recent mean loss."""
    from tqdm.auto import tqdm

    class Bar(tqdm):
        def update_with(self, losses: list[float]) -> None:
            if len(losses) % 10 == 0 or len(losses) == self.total:
                self.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", refresh=False)
            self.update()

    return Bar(initial=done, total=total, disable=not show, desc="meta-training", unit="it")
