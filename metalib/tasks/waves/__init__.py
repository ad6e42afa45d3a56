"""Waves, bowls and lines: families of regression tasks whose truth is known."""
from .pool import Pool
from .quadratics import Quadratics
from .regressions import Regressions
from .sinusoid import Sinusoid

__all__ = ["Pool", "Quadratics", "Regressions", "Sinusoid"]
