"""Chapter 6b: robot skills from one demonstration."""
