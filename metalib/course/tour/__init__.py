"""Notebook 00_start_here: a three-minute tour."""
