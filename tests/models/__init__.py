"""Tests of stock Video-LLMs with something attached."""
