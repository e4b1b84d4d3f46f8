"""The lessons as GitHub shows them, as far as is known, and what is lost on the way there.

GitHub turns a notebook into HTML with nbconvert, in the versions that its error page names, and
takes out whatever could run or restyle its page. What exactly, it does not say, and reports differ:
where they do, the stricter one is taken.

``python -m tests.notebooks.github FOLDER`` writes the pages, and pictures of
them, for people to look at.
"""
