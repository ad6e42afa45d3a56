"""One `train` for every learner and every task family.

Nothing random is kept between iterations: iteration i of a run draws its tasks from the seed (run seed, i). So a run that
is cut and resumed, or spread over processes, sees exactly the tasks of one that is not.
"""
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from .episodes import Episode, Stream, Tasks, at_least, draw
from .evaluation import dtype_of, evaluate, given, parts, to_device
from .identity import described
from .learners import Learner
from .learners.forward import running_statistics
from .storage import load_checkpoint, save_checkpoint, writing

SCHEDULES: dict[str, Callable[[float], float]] = {      # share of the run that is done -> share of the learning rate
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
    "warm cosine": lambda done: min(1.0, 50 * done + 1e-3) * 0.5 * (1.0 + math.cos(math.pi * done)),     # up for 2 %: attention needs it
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


class History(list):
    """The outer loss of each iteration: a list, with what validation found.

    Arguments:
        validation: (iterations done, score) of each validation. best: how many iterations the weights that were kept had seen.
    """

    def __init__(self, losses=(), validation=(), best: int | None = None):
        super().__init__(losses)
        self.validation, self.best = list(validation), best


@torch.inference_mode(False)
@torch.enable_grad()
def train(learner: Learner, tasks: Tasks, iterations: int = 1_000, meta_batch: int = 25, lr: float = 1e-3, *, seed: int = 0,
          optimizer: str = "adam", schedule: str = "constant", clip: float | None = None, device: str = "cpu",
          checkpoint: str | Path | None = None, resume: bool = False, every: int = 500, progress: bool = True,
          watch: Callable[[int, float], None] | None = None, validation: Tasks | Episode | Sequence[Episode] | None = None,
          validate_every: int = 500, validation_episodes: int = 200, **shape) -> History:
    """Meta-train: sample a batch of tasks, add up their outer gradients, step; again.

    Arguments:
        learner, tasks: any learner; any family with `sample(n_tasks, seed=..., **shape) -> Episode`.
        iterations, meta_batch: outer steps, and tasks in each.
        lr, optimizer, schedule: outer rate; "adam" or "sgd"; "constant", or "linear", "cosine" or "warm cosine" (rising for 2 %) down to zero.
        seed: fixes the tasks; the start is the learner's own. clip: bound on the norm of the outer gradient.
        device: where to compute, such as "cuda".
        checkpoint, every, resume: file to write each `every` iterations and at the end; go on from it where it exists.
            A resumed run ends bit-equal to an uncut one on the same machine. With more `iterations` than before a finished run goes
            on; a falling schedule then continues from where it stands in the longer run.
        progress: show a bar with the loss (averaged over about 50 iterations) and the rate.
        watch: called as watch(iteration, loss) after each step.
        validation: tasks to be judged on every `validate_every` iterations and at the end: a family, drawn `validation_episodes` times
            with the same shape, or fixed trials. The weights that do best there are those the learner has afterwards.
        shape: n_way, k_shot, n_query, as the family's `sample` takes them.

    Returns:
        History: the outer loss of each iteration, with what validation found.

    Raises:
        NonFiniteLoss: the loss or the weights became NaN or infinite; the last good weights are in the learner.
        ValueError: for settings out of bounds, a checkpoint of another run, or a folder that another run is writing to.
        OSError: where the checkpoint cannot be written; it is tried before the first iteration.

    Under `torchrun` each process takes its share of the tasks and the gradients are summed: the one-process gradient.
    """
    to_device(learner, device)
    check_settings(iterations, meta_batch, lr, optimizer, schedule, clip, every, validate_every)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    parameters = {name: p for name, p in learner.named_parameters() if p.requires_grad}
    room = 4 * sum(p.nbytes for p in learner.parameters())           # weights, best weights, two moments
    with in_training(learner, device), writing(checkpoint if rank == 0 else None, room):
        chunk = check_split(learner, parameters, meta_batch, world)
        opt = (torch.optim.Adam(parameters.values(), lr, fused=True) if optimizer == "adam" else torch.optim.SGD(parameters.values(), lr))
        judging = shape if given(validation) is None else {}
        settings = {} if checkpoint is None else {
            "iterations": iterations, "meta_batch": meta_batch, "lr": lr, "seed": seed, "optimizer": optimizer, "schedule": schedule,
            "clip": clip, "shape": shape, "learner": described(learner), "tasks": described(tasks), "validation": described(validation)} | (
            {} if validation is None else {"validate_every": validate_every, "validation_episodes": validation_episodes})
        if validation is not None:                                   # what is wrong with it is said now, not after 500 iterations
            next(parts(learner, validation, validation_episodes, 1, judging))
        history, best = History(), dict[str, Tensor]()
        if resume and checkpoint is not None and Path(checkpoint).exists():
            losses, validated, best = load_checkpoint(checkpoint, learner, parameters, opt, settings)
            history = History(losses, *validated)
        if world > 1:
            for p in learner.state_dict().values():
                dist.broadcast(p, src=0)
        good = snapshot(learner)
        bar = progress_bar(len(history), iterations, show=progress and rank == 0)
        for i in range(len(history), iterations):
            learner.keep_time(i / iterations)
            for group in opt.param_groups:
                group["lr"] = lr * SCHEDULES[schedule](learner.progress)
            opt.zero_grad()
            share = draw(tasks, meta_batch, Stream(seed, i), **shape)[rank::world]
            loss = torch.zeros((), dtype=torch.float64, device=device)
            try:
                for part in share.split(chunk):
                    weight = len(part) / meta_batch
                    loss += weight * learner.backward(part.to(device, dtype_of(learner)), weight)
            except torch.linalg.LinAlgError:                      # a closed form met numbers that are not finite
                loss += math.nan
            if world > 1:
                add_up(list(parameters.values()), loss)
            if not loss.isfinite():
                stop_at(i, f"the loss became {loss.item()}", learner, good, lr)
            if not finite(learner.buffers()):                        # batch norm hides weights that explode
                stop_at(i, "running statistics overflowed", learner, good, lr)
            good = snapshot(learner)
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
            opt.step()
            history.append(loss.item())
            bar.update_with(history)
            if watch is not None:
                watch(i, history[-1])
            validating, saving = ((i + 1) % step == 0 or i + 1 == iterations for step in (validate_every, every))
            if (validating or saving) and not finite(parameters.values()):
                stop_at(i, "the step made weights that are not finite", learner, good, lr)
            if validating and validation is not None:
                best = validate(learner, validation, validation_episodes, judging, history, best, device)
            if saving and checkpoint is not None and rank == 0:
                save_checkpoint(checkpoint, learner, parameters, opt, history, (history.validation, history.best), best, settings)
        bar.close()
        if best:
            learner.load_state_dict(best)
    return history


@contextmanager
def in_training(learner: Learner, device: str) -> Iterator[None]:
    """The learner on its device and in training mode; however that ends, it is ready to be used afterwards."""
    to_device(learner, device).train()
    try:
        yield
    finally:
        learner.keep_time(1.0)
        learner.eval()


def validate(learner: Learner, validation, episodes: int, shape: dict, history: History, best: dict, device: str) -> dict[str, Tensor]:
    """Judge the learner as it is now; return the weights that did best so far. Errors should be low, other scores high."""
    score = evaluate(learner, validation, episodes, seed=1, device=device, **shape)

    def worth(mean: float) -> float:
        return -math.inf if math.isnan(mean) else mean if score.metric == "accuracy" else -mean
    if not history.validation or worth(score.mean) > max(worth(mean) for _, mean in history.validation):
        history.best, best = len(history), snapshot(learner)
    history.validation.append((len(history), score.mean))
    return best


def finite(tensors) -> bool:
    return all(bool(one.isfinite().all()) for one in tensors)


def snapshot(learner: Learner) -> dict[str, Tensor]:
    """Weights and running statistics as they are now."""
    return {name: value.detach().clone() for name, value in learner.state_dict().items()}


def check_split(learner: Learner, parameters: dict, meta_batch: int, world: int) -> int | None:
    """Tasks in one part. Running statistics are taken over all tasks of a part, so there the whole batch is one.

    Raises ValueError for nothing to train, more processes than tasks, or running statistics spread over processes.
    """
    if not parameters:
        raise ValueError(f"{type(learner).__name__} has no parameters to train; evaluate it as it is.")
    if world > meta_batch:
        raise ValueError(f"meta_batch is {meta_batch}, but there are {world} processes; start at most {meta_batch}.")
    layer = running_statistics(learner)
    if layer and world > 1:
        raise ValueError(f"layer {layer} tracks running statistics, which each of {world} processes would take over its own tasks; train in "
                         "one process, or make the layer with track_running_stats=False.")
    return None if layer else learner.task_chunk


def check_settings(iterations, meta_batch, lr, optimizer, schedule, clip, every, validate_every) -> None:
    """The door of `train`: one sentence for each setting out of bounds."""
    at_least(1, iterations=iterations, meta_batch=meta_batch, every=every, validate_every=validate_every)
    if isinstance(lr, str) or lr is None or not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr is {lr!r}; it must be a finite number above 0, such as 1e-3.")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; it must be above 0, or None for no clipping.")
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer is {optimizer!r}; use 'adam' or 'sgd'.")
    if schedule not in list(SCHEDULES):
        raise ValueError(f"schedule is {schedule!r}; use one of {', '.join(SCHEDULES)}.")


def add_up(parameters: list[Tensor], loss: Tensor) -> None:
    """Sum gradients and loss over all processes, in one message."""
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([g.flatten() for g in grads] + [loss.view(1).to(grads[0].dtype)])
    dist.all_reduce(flat)
    *summed, total = flat.split([g.numel() for g in grads] + [1])
    loss.copy_(total[0])
    for p, g in zip(parameters, summed):
        p.grad = torch.empty_like(p).copy_(g.view(p.shape))      # in the layout of p: a fused optimiser pairs them by storage


def stop_at(iteration: int, what: str, learner: Learner, good: dict[str, Tensor], lr: float) -> None:
    """Put the last good weights and running statistics back and say what happened."""
    learner.load_state_dict(good)
    raise NonFiniteLoss(f"{what} at iteration {iteration}; the learner keeps the last weights whose loss "
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
