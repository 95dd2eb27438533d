"""Tests of the methods that have a file of their own, each against its slow reference."""
