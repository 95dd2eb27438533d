"""Tests of infomerge; `check` is the run-time type checker that jaxtyping applies to the whole library in them."""

from beartype import BeartypeConf, beartype

# An int is accepted where a float is annotated, as everywhere in Python (PEP 484).
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
