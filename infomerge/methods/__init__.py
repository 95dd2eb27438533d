"""InfoMerge and what it is compared with, behind one signature: `METHODS[name](tokens, retention_ratio, ...)`."""

from infomerge.methods.registry import METHODS, Method, get_method
from infomerge.methods.result import MethodCompression, MethodTrace

__all__ = ["METHODS", "Method", "MethodCompression", "MethodTrace", "get_method"]
