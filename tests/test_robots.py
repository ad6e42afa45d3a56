"""Robots and the two-link arm as tasks: episodes, physics, really stepped episodes, what is said when something is off."""
import sys

import numpy as np
import pytest
import torch

import metalib as ml
from metalib.course.robot_learning import arm as driven, measure as experiment
from metalib.storage import shipped
from metalib.tasks.robots import arm, demonstrations as robots, simulator
from metalib.tasks.robots.arm import Arm
from metalib.tasks.robots.demonstrations import Robots

SKILLS = list(simulator.SKILLS)


# ---- episodes

@pytest.mark.parametrize("skill", SKILLS)
def test_episodes_hold_demonstrations_of_different_goals(skill):
    episode, again, other = (Robots(skill).sample(60, k_shot=2, n_query=30, seed=s) for s in (1, 1, 2))
    assert episode.support.x.shape == (60, 48, 7) and episode.query.y.shape == (60, 30, 4)
    assert torch.equal(episode.query.x, again.query.x) and not torch.equal(episode.query.x, other.query.x)
    assert len(set(episode.about["goal"][:50].tolist())) == 50
    assert episode.support.y.abs().max() <= 1 and episode.support.x.abs().max() < 8


def test_the_goal_is_in_no_observation_of_reach():
    """All demonstrations begin in the same places whatever the goal, and what is seen at the start says nothing about it."""
    data = robots.recordings("reach", "test")
    first, goals = data["demo.x"][:, 0, 0, :3], data["demo.x"][:, 0, -1, :3]
    design = torch.cat([first, torch.ones(50, 1)], 1)
    residual = goals - design @ torch.linalg.lstsq(design, goals).solution
    assert residual.var() > 0.5 * goals.var(0).mean()


@pytest.mark.parametrize("make, words", [
    (lambda: Robots("juggle"), "skill is 'juggle'; use one of 'reach', 'door-open', 'pick-place'"),
    (lambda: Robots("reach", "validation"), "split is 'validation'; use 'train' or 'test'"),
    (lambda: Robots().sample(2, k_shot=6), "k_shot is 6, but there are 5"),
    (lambda: Robots().sample(2, n_query=101), "n_query is 101"),
    (lambda: Robots().sample(0), "n_tasks is 0"), (lambda: Arm(length=(0.0, 1.0)), "length is"),
    (lambda: Arm(payload=(2.0, 1.0)), "payload is"), (lambda: Arm(noise=-1.0), "noise is -1.0"),
])
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_missing_simulator_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "metaworld", None)
    with pytest.raises(simulator.SimulatorError, match=r"needs metaworld.*metalib\[robots\].*work without it"):
        simulator.World("reach")


def test_a_simulator_that_does_not_start_is_named(monkeypatch):
    metaworld = pytest.importorskip("metaworld")
    def broken(*args, **kwargs):
        raise OSError("no such mesh")
    monkeypatch.setattr(metaworld, "ML1", broken)
    with pytest.raises(simulator.SimulatorError, match="simulator of 'reach' does not start .OSError: no such mesh"):
        simulator.World("reach")


@pytest.mark.parametrize("platform", ["osmesa-of-another-world", "osmesa"])
def test_a_camera_that_cannot_be_had_is_one_sentence(platform):
    pytest.importorskip("metaworld")
    import os
    import subprocess
    code = ("from metalib.tasks.robots.simulator import SimulatorError, World\n"
            "try:\n    World('reach', camera='corner3').rollout('test', 0, horizon=2, watch=lambda picture: None)\n"
            "except SimulatorError as error:\n    assert 'set MUJOCO_GL=egl' in str(error), error\n"
            f"else:\n    assert {platform!r} == 'osmesa'           # the library is installed here\nprint('said')")
    settings = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | {"MUJOCO_GL": platform}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings)
    assert ran.stdout == "said\n", ran.stderr


def test_importing_the_course_does_not_import_the_simulator():
    import subprocess
    code = "import sys, metalib; metalib.tasks.Robots().sample(2); print('metaworld' in sys.modules, 'mujoco' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"


# ---- really stepped

def test_the_simulator_repeats_itself_and_hides_the_goal():
    pytest.importorskip("metaworld")
    world = simulator.world("reach")
    first = world.rollout("test", 3, start=5)
    world.rollout("train", 7, noise=1.0, horizon=20)
    again = world.rollout("test", 3, start=5)
    assert first.success and np.array_equal(first.states, again.states)
    seen = []
    world.rollout("test", 3, policy=lambda state: seen.append(state) or np.zeros(4), horizon=3)
    assert np.shape(seen) == (3, simulator.STATE)                                # no place in it for a goal
    assert np.ptp([world.rollout("test", 3, start=s, horizon=1).states[0, :3] for s in range(6)], 0).min() > 0.01
    assert not {t.data for t in world.tasks["train"]} & {t.data for t in world.tasks["test"]}


def test_shipped_demonstrations_are_what_the_simulator_does():
    pytest.importorskip("metaworld")
    fresh, stored = robots.collect("reach", "test", range(2)), robots.recordings("reach", "test")
    for name, values in fresh.items():
        torch.testing.assert_close(stored[name][:2], values, rtol=2e-3, atol=2e-3)
    train = robots.collect("reach", "train", range(1))
    assert train["query.x"].shape == (1, 320, 7) and not torch.equal(train["demo.x"][0], fresh["demo.x"][0])


@pytest.mark.parametrize("skill, name", [("reach", "CNP"), ("reach", "MAML"), ("reach", experiment.BY_HAND),
                                         ("reach", "joint, no adaptation"), ("door-open", "CNP")])
def test_shipped_successes_are_stepped_again(skill, name):
    """Five goals, two starts each; one episode may turn out otherwise on another machine."""
    pytest.importorskip("metaworld")
    measured = shipped("robots")[skill]
    again = experiment.run(name, skill, measured["settings"], goals=range(5))
    told = [digit == "1" for digit in measured["methods"][name]["1"][:10]]
    assert sum(a != b for a, b in zip(again.values, told)) <= 1


def test_the_claims_of_the_chapter():
    for skill, least in (("reach", 80), ("door-open", 70)):
        methods = shipped("robots")[skill]["methods"]
        def interval(name):
            digits = methods[name]["1"]
            assert len(digits) == 100
            return experiment.Successes([d == "1" for d in digits], starts=2).interval
        for name in ("CNP", "MAML"):
            assert methods[name]["1"].count("1") >= least
            assert interval(name)[0] > interval("from scratch")[1]


def test_only_goals_count_as_draws():
    once, twice = experiment.Successes([True] * 50), experiment.Successes([True] * 100, starts=2)
    assert twice.interval == once.interval and round(100 * twice.interval[0]) == 93 and twice.agree == 1
    assert experiment.Successes([True, False] * 50, starts=2).agree == 0


# ---- the arm

def test_torque_and_acceleration_are_inverse_to_each_other():
    episode = Arm().sample(20, seed=3)
    q, dq, ddq = (torch.randn(20, 5, 2, generator=torch.Generator().manual_seed(i)) for i in range(3))
    push = arm.torque(episode.about, q, dq, ddq)
    torch.testing.assert_close(driven.acceleration(episode.about, q, dq, push), ddq, rtol=1e-3, atol=1e-3)


def test_without_friction_and_pushes_energy_is_kept():
    """The equations against a law that they do not mention: kinetic plus potential energy along a fine simulation."""
    about = {"length": torch.tensor([[0.4, 0.5]]), "mass": torch.tensor([[0.7, 1.1]]), "friction": torch.zeros(1, 2)}
    about = {name: value.double() for name, value in about.items()}
    q, dq, dt, energies = torch.tensor([[[0.3, 0.8]]]).double(), torch.zeros(1, 1, 2).double(), 1e-4, []
    for _ in range(3_000):
        middle = dq + dt / 2 * driven.acceleration(about, q, dq, torch.zeros_like(q))
        q, dq = q + dt * middle, dq + dt * driven.acceleration(about, q + dt / 2 * middle, middle, torch.zeros_like(q))
        M, _ = arm.inertia(about, q, dq)
        (l1, l2), (m1, m2) = about["length"][0], about["mass"][0]
        height = m1 * l1 * q[..., 0].sin() + m2 * (l1 * q[..., 0].sin() + l2 * q.sum(-1).sin())
        energies.append(float((dq[..., None, :] @ M @ dq[..., None]).sum() / 2 + arm.GRAVITY * height))
    assert max(energies) - min(energies) < 1e-3


def exact(about):
    """The inverse model of who knows everything."""
    def predict(x):
        q = torch.atan2(x[..., 2:4], x[..., :2])
        return arm.torque(about, q, x[..., 4:6] * arm.LIMITS[0], x[..., 6:] * arm.LIMITS[1]) / arm.TORQUE
    return predict


def test_an_exact_model_follows_and_none_does_not():
    about = Arm().sample(10, seed=3).about
    assert driven.off(driven.track(exact(about), about)).max() < 1
    assert driven.off(driven.track(lambda x: torch.zeros(10, 1, 2), about)).min() > 10


def test_known_equations_need_few_pushes():
    episode = Arm(noise=0.0).sample(10, k_shot=6, seed=3)
    torch.testing.assert_close(driven.identified(episode.support)(episode.query.x), episode.query.y, rtol=1e-2, atol=1e-2)


def test_adapting_beats_a_joint_model_on_new_arms():
    episode = Arm().sample(40, k_shot=10, seed=9)
    with torch.no_grad():
        models = {"joint": ml.load("pretrained-arm").adapt(episode.support, steps=0),
                  "CNP": ml.load("cnp-arm").adapt(episode.support), "MAML": ml.load("maml-arm").adapt(episode.support)}
    error = {name: driven.off(driven.track(model, episode.about)).mean() for name, model in models.items()}
    assert error["CNP"] < 0.6 * error["joint"] and error["MAML"] < 0.85 * error["joint"]


def test_pooled_regression_finds_slopes_that_all_goals_share_and_an_intercept_for_a_new_one(monkeypatch):
    rng = torch.Generator().manual_seed(0)
    slopes, goals = torch.randn(7, 4, generator=rng), torch.randn(51, 1, 4, generator=rng)
    x = torch.randn(51, 60, 7, generator=rng)
    y = (x @ slopes * 0.4 + goals * 0.4).clamp(-1, 1)
    parts = {"demo.x": x[:50, None, :24], "demo.y": y[:50, None, :24], "query.x": x[:50, 24:], "query.y": y[:50, 24:]}
    monkeypatch.setattr(experiment.robots, "recordings", lambda skill, split: parts)
    pooled = experiment.Pooled("reach")
    assert (y.abs() == 1).float().mean() > 0.2
    torch.testing.assert_close(pooled.shared, 0.4 * slopes, atol=1e-4, rtol=0)
    torch.testing.assert_close(pooled.adapt(ml.Examples(x[50:, :24], y[50:, :24]))(x[50:, 24:]), y[50:, 24:], atol=1e-3, rtol=0)


def test_a_last_layer_with_a_prior_is_the_posterior_mean_of_bayes():
    joint, body = ml.load("pretrained-arm"), ml.tasks.Arm().sample(2, k_shot=6, seed=3)
    mean, spread, noise = driven.heads_of_many(joint)
    phi, y = driven.features(joint, body.support.x).double(), body.support.y.double()
    design, sharp = torch.block_diag(phi[1], phi[1]), spread.inverse()
    about = driven.CAUTION * noise
    head = torch.linalg.solve(sharp + design.T @ design / about, sharp @ mean + design.T @ y[1].T.flatten() / about)
    with torch.no_grad():
        told = driven.with_prior(joint, body.support)(body.query.x)[1]
        wanted = driven.features(joint, body.query.x)[1].double() @ head.view(2, -1).T
    torch.testing.assert_close(told.double(), wanted, atol=1e-3, rtol=1e-3)
