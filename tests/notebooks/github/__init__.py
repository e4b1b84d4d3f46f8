"""The lessons as GitHub shows them, as far as that is known.

GitHub renders a notebook with nbconvert, and removes what could run or restyle its page. It does
not say what exactly; where reports differ, this takes the stricter one.
``python -m tests.notebooks.github FOLDER`` writes a page of each.
"""
