"""The explorable page: one HTML file that anyone can open, in which the method itself runs.

`infomerge page --out DIR` builds it; docs/page.md says what is in it and how it is kept equal to `compress`.
"""
