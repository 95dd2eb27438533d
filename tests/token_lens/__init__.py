"""Tests of TokenLens."""
