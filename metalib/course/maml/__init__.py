"""Chapter 3: MAML, inner and outer loop."""
