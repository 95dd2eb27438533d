# The source of both notebooks of this unit: edit here, then `python -m infomerge.course build`.
# The kinds of cells are explained in infomerge/course/building.py.

# %% [markdown]
# # Unit 1: Why video tokens are redundant
#
# - **You will** measure how often a video repeats itself, compare clips by it, and say what such a number can and
#   cannot tell.
# - **Time** 35 minutes, two exercises. **Difficulty** easy.
# - **Before** PyTorch: indexing a tensor, sums and means over an axis. Nothing about video models.
#
# How it works: where a cell says **Predict**, write your guess down before you run the next one. An exercise is a
# function with an empty body; `check` says in one sentence what is not right yet. Hints and solutions are folded.

# %%
import torch
from IPython.display import display

from infomerge import EncodedClip
from infomerge.course import check
from infomerge.course.pictures import bars, curves, position_map

# %% [markdown]
# ## What a token is
#
# A *Video-LLM* is a language model that also reads video. It does not read pixels. A second network, the *encoder*,
# cuts every frame into a grid of small squares, and turns each square into a list of numbers: a **token**. The numbers
# describe what can be seen there, so that squares that look alike have tokens that point in similar directions. The
# place in the grid is the token's **position**; the numbers are its **channels**. A token is *redundant* if others
# already say what it says: this unit is about those that the frame before already says.
#
# All tokens of a clip make one tensor, `[frames, positions, channels]`:

# %%
clip = EncodedClip.read("carphone")
tokens = clip.tokens
print(tokens.shape, "on a grid of", clip.grid)

# %% predict
# how many tokens does the language model read for this clip, and how many for an hour at one frame per second?

# %%
frames, positions, channels = tokens.shape
print(f"{frames * positions:,} for {frames} frames; {3600 * positions:,} for an hour")

# %% explanation
# $32 \cdot 196 = 6{,}272$, and $705{,}600$ for the hour. In a language model every token looks at every earlier one,
# so the work of its *attention* grows with the **square** of that number: ten times the tokens, a hundred times the
# work. A question in words is perhaps 20 tokens. Nearly all that the model reads is video.

# %% [markdown]
# ## Alike: the cosine
#
# Two tokens $a$ and $b$ are compared by the *cosine* of the angle between them. Only directions are
# compared: what a square shows is taken to be in its token's direction, and the length is left out.
#
# $$\cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert}$$
#
# It is 1 for the same direction, 0 for a right angle. Four frames of three positions, with tokens of two numbers, given
# by their angles in degrees:
#
# | frame | still | glitch | drift |
# |---|---|---|---|
# | 1 | 0 | 0 | 0 |
# | 2 | 0 | 90 | 30 |
# | 3 | 0 | 0 | 60 |
# | 4 | 0 | 0 | 90 |

# %%
angles = torch.tensor([[0.0, 0, 0], [0, 90, 30], [0, 0, 60], [0, 0, 90]]).deg2rad()
toy = torch.stack([angles.cos(), angles.sin()], dim=-1)  # [4 frames, 3 positions, 2 channels]

# %% predict
# with a pencil, the cosines of each position with itself in the next frame, three for each position, and the mean of
# each three. ($\cos 30° = 0.87$, $\cos 90° = 0$.) Which of the two that change looks more redundant?

# %% [markdown]
# ## Exercise 1: similarity with the next frame


# %% exercise neighbor_similarity
def neighbor_similarity(tokens: torch.Tensor) -> torch.Tensor:
    """How alike every position is to itself in the next frame.

    Args:
        tokens: [frames, positions, channels], floats, at least two frames; no token is all zeros.

    Returns:
        [positions], floats: the mean over the frames - 1 pairs of neighboring frames of the cosine between the tokens
        of this position.
    """
    directions = tokens / tokens.norm(dim=-1, keepdim=True)
    return (directions[:-1] * directions[1:]).sum(-1).mean(0)


# %% hint
# `tokens[:-1]` are all frames but the last, `tokens[1:]` all but the first: pairs of neighbors, already in line.
# Divide each token by its length first (`tokens.norm(dim=-1, keepdim=True)`); then the cosine is a sum over channels.

# %%
if check("neighbor_similarity", neighbor_similarity):
    print("still, glitch, drift:", [round(value, 2) for value in neighbor_similarity(toy).tolist()])
    display(
        position_map(
            clip.frames[0],
            neighbor_similarity(tokens).numpy(),
            clip.grid,
            "cosine with the next frame",
            limits=(0.8, 1),
        )
    )

# %% explanation
# By hand: 1 for "still", $(0 + 0 + 1)/3 = 0.33$ for "glitch", 0.87 for "drift". A single bad frame costs two of three
# comparisons, whereas the drift passes for nearly still, although its last frame shares nothing with its first. Unit 2
# is about this weakness.
#
# In the clip, a man in a car, nearly the whole picture is bright: one frame predicts the next. It is darkest where he
# and what passes outside move.

# %% [markdown]
# ## How much is repeated?
#
# A similarity is not yet an amount. Call a token *repeated* if its cosine with the token at the same position of the
# **frame before** is at least 0.9. Tokens of the first frame repeat nothing.


# %% exercise repeated_share
def repeated_share(tokens: torch.Tensor, threshold: float) -> float:
    """The share of all tokens that the frame before already shows.

    Args:
        tokens: [frames, positions, channels]; no token is all zeros.
        threshold: a token counts as repeated if its cosine with the frame before is at least this.

    Returns:
        Repeated tokens divided by all tokens, the first frame's included.
    """
    directions = tokens / tokens.norm(dim=-1, keepdim=True)
    repeated = (directions[1:] * directions[:-1]).sum(-1) >= threshold
    return repeated.sum().item() / (tokens.shape[0] * tokens.shape[1])


# %% hint
# Do as before, but keep the cosines of all pairs, `[frames - 1, positions]`, and count those that reach the threshold.
# A comparison gives True and False, which sum up as 1 and 0. Divide by the number of all tokens, frames times
# positions.

# %% predict
# three clips: "carphone", a man talking in a car; "bigbuckbunny", a cartoon in which the camera stands still for most
# of the time; "bikes", a street with cyclists and cars in several *shots*, pieces filmed without a cut. Which share of
# each is repeated?

# %%
clips = {"carphone": clip, **{name: EncodedClip.read(name) for name in ("bigbuckbunny", "bikes")}}
if check("repeated_share", repeated_share):
    found = [repeated_share(one.tokens, 0.9) for one in clips.values()]
    display(bars(list(clips), {"repeated": torch.tensor(found).numpy()}, "share of tokens repeated"))

# %% explanation
# 90 % of the tokens of "carphone", 83 % of the cartoon, 37 % of "bikes". So two clips of the same length can differ by
# far in what they hold, and a rule that keeps the same number of tokens everywhere wastes them on the one and starves
# the other. That holds inside a clip too: unit 3 gives each part a budget of its own.

# %% [markdown]
# ## What the number depends on
#
# ### On the threshold, which we chose, and on how densely frames are sampled

# %% predict
# if you keep only every second or every fourth of the sampled frames, does the share go up or down?

# %%
if check("repeated_share", repeated_share):
    thresholds = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    lines = {
        name: [repeated_share(clips["bikes"].tokens[::step], value) for value in thresholds]
        for name, step in (("32 frames", 1), ("every second", 2), ("every fourth", 4))
    }
    display(curves(thresholds, lines, "threshold (cosine)", "share of bikes repeated"))

# %% explanation
# Down: neighbors lie further apart in time, so more has changed between them. (A little of it is the first frame, which
# repeats nothing: of 8 frames that is an eighth, of 32 a thirty-second.) Redundancy is no property of the film alone
# but of the film **and** how it is sampled: of frames that are added in between, more is repeated than of those before.
# And every threshold gives another share, so a share without its threshold says nothing.

# %% [markdown]
# ### On the encoder, and on what you will be asked
#
# A token is repeated in the eyes of *this* encoder. Whether it may be left out is another question: the second of two
# equal frames tells how *long* something lasted, and a small change in one position may be all that matters ("which
# light flashed?"). Redundant does not mean useless. In unit 4 a model that answers questions will tell.

# %% [markdown]
# ## Wrap-up
#
# - A clip is `[frames, positions, channels]`: thousands of tokens, and attention grows with the square of their number.
# - Neighboring frames repeat each other: 37 % to 90 % of the tokens of our clips at a cosine of 0.9.
# - The share depends on the clip, the sampling, the encoder and the threshold.
# - A slow drift looks still to whoever compares neighbors only.
#
# **Can you answer?** (1) Why is a cosine compared, not a difference? (2) A clip has 10 equal frames of 100 positions:
# what is its repeated share? (3) Name a question about a video for which repeated tokens matter.
#
# <details>
# <summary><b>Answers</b></summary>
#
# (1) It does not depend on the tokens' lengths, only on their directions. (2) 0.9: the first of ten frames repeats
# nothing. (3) How long something lasted, whether something stood still, how often something happened.
#
# </details>
#
# **Next** [Unit 2: Write TFD yourself](unit_2_fingerprints.ipynb).
#
# **Reading** The notebook [01 From video to tokens](../01_from_video_to_tokens.ipynb); section 1 of InfoMerge,
# [arXiv 2606.02161](https://arxiv.org/abs/2606.02161); token merging for single pictures, ToMe,
# [arXiv 2210.09461](https://arxiv.org/abs/2210.09461).
