"""The lab of chapter 6b: its paths were really stepped. What all labs keep: test_labs_contract.py."""
import pytest
import torch

from metalib.course.robot_learning import paths as robot_paths
from metalib.course.robot_learning.measure import STARTS, learned
from metalib.course.robot_learning import lab_robot_skill as robot_skill
from metalib.recipes import load
from metalib.tasks.robots.demonstrations import thin
from metalib.tasks.robots.simulator import world


def test_a_path_of_the_lab_is_what_the_simulator_does():
    pytest.importorskip("metaworld")
    r = robot_skill.compute("reach", 2, 1, 5)
    goal = robot_paths.GOALS_SHOWN[2]
    stepped = world("reach").rollout("test", goal, learned(load("maml-reach"), "reach", [goal], 1, steps=5)[0], STARTS[0])
    assert (stepped.first is None) == (r.first["MAML"] is None)
    path = torch.from_numpy(thin(stepped)[0][:, robot_paths.SEEN]).float()
    torch.testing.assert_close(r.paths["MAML"], path, rtol=0, atol=0.02)


def test_adaptation_brings_the_hand_to_the_goal():
    """On average over the goals shown: nearer after than before, with MAML and with the CNP."""
    def off(name):
        found = [robot_skill.compute("reach", goal, 1, 5) for goal in range(len(robot_paths.GOALS_SHOWN))]
        return sum(float((r.paths[name][-1, :3] - r.goal).norm()) for r in found) / len(found)
    assert max(off("MAML"), off("CNP")) < 0.06 < off("before")
