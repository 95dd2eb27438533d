"""A small Video-LLM that was really trained, its questions, and what methods leave of its answers."""
