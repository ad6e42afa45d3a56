"""The course, built on the library: one room per chapter, named as its notebook, and what all chapters share."""
