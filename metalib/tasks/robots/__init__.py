"""Robots as tasks: an arm whose body changes, skills from one demonstration."""
