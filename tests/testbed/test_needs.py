"""Which tokens an answer rests on, against leaving each out by hand."""

import numpy as np
import torch

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.evaluation import compressed
from infomerge.testbed.needs import needed_tokens
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS


def test_a_needed_token_is_one_whose_loss_changes_the_answer() -> None:
    testbed = load_testbed("subsets")
    clip = FORMS["clean"].clip(3, "dev")
    out = compressed(testbed.see(clip.frames), "top-saliency", 0.02, "head")
    asked = next(question for question in asked_about(clip.script) if question.kind == "exists")
    word = ANSWERS.index(asked.answer)
    need = needed_tokens(testbed, out, asked, asked.answer)
    assert need.shape == (31,)
    whole = testbed.read(out.tokens, out.index, 1568, [asked])[0, word]
    for token in (0, 7, 30):
        left = np.delete(np.arange(31), token)
        alone = testbed.read(out.tokens[left], out.index[left], 1568, [asked])[0, word]
        torch.testing.assert_close(need[token], whole - alone, rtol=1e-3, atol=1e-5)
