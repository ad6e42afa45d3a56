"""Images as tasks: generated glyphs, digits, Omniglot, a folder of your own."""
