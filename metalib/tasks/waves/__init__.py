"""Waves and bowls: families of regression tasks whose truth is known."""
from .quadratics import Quadratics
from .sinusoid import Sinusoid

__all__ = ["Quadratics", "Sinusoid"]
