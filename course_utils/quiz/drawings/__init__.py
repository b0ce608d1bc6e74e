"""The register of the figures that questions show, one module a lesson.

They stand apart from the numbers, so that the terminal need not import Matplotlib.
"""

from course_utils.quiz.registry import Registry

FIGURES = Registry("figure", __name__)
# A figure is drawn by a function that takes nothing and returns a matplotlib.figure.Figure.
figure, find_figure = FIGURES.add, FIGURES.find
