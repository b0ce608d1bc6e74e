"""The explorers, pictures that a learner moves: one module a lesson, drawn on `stage`."""
