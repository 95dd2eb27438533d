"""How the testbed's model is trained, from nothing; `python -m benchmarks.train_testbed` runs it."""
