"""The course: exercises with checks that say what is wrong, and what makes its notebooks and slides from sources."""

from infomerge.course.checking import Verdict, check, verdict
from infomerge.course.exercises import EXERCISES

__all__ = ["EXERCISES", "Verdict", "check", "verdict"]
