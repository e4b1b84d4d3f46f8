"""Lesson 08: the size of a picture when its longest side is at most 1024 pixels."""


def size_to_send(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1, 1024 / max(size))
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height
