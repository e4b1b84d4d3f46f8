"""A solution to the exercise of each lesson: one module a lesson, one function a module."""
