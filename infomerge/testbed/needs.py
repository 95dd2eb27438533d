"""Which of the kept tokens an answer rests on: each is left out in turn."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.compression import Compression
from infomerge.testbed.checkpoint import Testbed
from infomerge.testbed.reading import question_ids, read
from infomerge.testbed.vocabulary import BEGIN
from infomerge.video import Question

# Rows of one pass; more would only need more memory.
_ROWS = 32


@torch.inference_mode()
def needed_tokens(testbed: Testbed, out: Compression, question: Question, answer: str) -> Float[Tensor, "kept"]:
    """How much less probable an answer is without each kept token: from -1 to 1, float32.

    Where two tokens show the same thing, neither alone is needed.

    Args:
        testbed: what answers.
        out: the compression of a clip that it sees.
        question: about the clip.
        answer: a word of `infomerge.testbed.vocabulary.ANSWERS`, the right one or another.
    """
    tokenizer, model = testbed.processor.tokenizer, testbed.model
    ids, last = question_ids(tokenizer, [question])
    word = tokenizer.convert_tokens_to_ids(answer)
    start = tokenizer.convert_tokens_to_ids(BEGIN)
    kept = len(out.index)
    tokens = out.tokens.to(model.device, torch.float32)
    places = out.index.to(model.device)

    def probability(rows: Tensor) -> Tensor:
        """Of the answer, from each row of kept tokens, which are given by number."""
        asked = ids.to(model.device).expand(len(rows), 1, -1)
        states = read(model, tokens[rows], places[rows], out.assignment.numel(), asked, start)
        scores: Tensor = model.lm_head(states[:, 0, int(last[0])]).float().softmax(dim=-1)[:, word]
        return scores

    every = torch.arange(kept, device=model.device)
    # Row i lacks token i.
    without = every[None, :-1] + (every[None, :-1] >= every[:, None]).long()
    found = torch.cat([probability(rows) for rows in without.split(_ROWS)])
    return (probability(every[None]) - found).cpu()
