# The source of both notebooks of this unit: edit here, then `python -m infomerge.course build`.
# The kinds of cells are explained in infomerge/course/building.py.

# %% [markdown]
# # Unit 3: Write CABA yourself and watch the budget move
#
# - **You will** compute how unusual and how varied each part of a clip is, turn that into a budget of whole tokens, and
#   predict what every knob does to it.
# - **Time** 45 minutes, four exercises (the fourth is for the quick). **Difficulty** medium; one singular value
#   decomposition, which PyTorch does.
# - **Before** [Unit 1](unit_1_redundancy.ipynb). Unit 2 is not needed.

# %%
import torch
from IPython.display import display

from infomerge import EncodedClip, InfoMergeConfig, plots
from infomerge import budget as library
from infomerge.course import check
from infomerge.course.pictures import bars

# %% [markdown]
# ## What for
#
# A clip is cut into **segments**, runs of frames that belong together. Each gets a **budget**: how many *context
# tokens* it may keep. (A context token is one that stands for others, which were merged into it; unit 4 writes that.)
# The simplest budget goes by length: twice the
# frames, twice the tokens. CABA, *Content-Aware Budget Allocation*, goes by what a segment shows. The total is the
# same, so that whatever one segment gains another loses.
#
# Our clip is a tour of a street, a cartoon, a frozen picture, a portrait and a passenger in a car. The library has cut
# it into twelve segments:

# %%
tour = EncodedClip.read("tour")
tokens = tour.tokens  # [32 frames, 196 positions, 320 channels]
config = InfoMergeConfig.paper(0.15)  # keep 15 % of all tokens
out = tour.compress(config)
segments = torch.tensor(out.trace.bounds)  # [12, 2]: first frame, and the first frame after it
lengths = segments[:, 1] - segments[:, 0]
print("frames in each segment:", lengths.tolist())

# %% [markdown]
# ## Exercise 1: uniqueness
#
# The mean of all tokens of a segment, $\bar x_k$, points where its content points; the mean over the whole clip,
# $\bar x$, is what the clip shows on average. **Uniqueness** is one minus the cosine between them (eq. 3 to 5):
#
# $$\bar x_k = \operatorname{mean}_{l \in V_k,\, p}\; h_{l,p}, \qquad
# \bar x = \frac{\sum_k |V_k|\, \bar x_k}{\sum_k |V_k|}, \qquad u_k = 1 - \cos(\bar x_k, \bar x)$$
#
# $h_{l,p}$ is the token of frame $l$ at position $p$, $V_k$ are the frames of segment $k$, $|V_k|$ is how many. Tokens
# are averaged as they are, not normalized.
#
# By hand: three frames that show $(1, 0)$ and one that shows $(0, 1)$, two segments. The clip's mean is
# $(0.75, 0.25)$, with a length of 0.79.

# %% predict
# $u_1$ and $u_2$ of this small clip. Then in general: can a segment that makes up half of its clip be very unique?


# %% exercise uniqueness
def uniqueness(tokens: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
    """How far the mean token of each segment points away from that of the clip.

    Args:
        tokens: [frames, positions, channels].
        segments: [segments, 2], integers: first frame and the first frame after it; together they are all frames.

    Returns:
        [segments], floats: one minus a cosine.
    """
    means = torch.stack([tokens[start:end].mean(dim=(0, 1)) for start, end in segments.tolist()])
    clip = tokens.mean(dim=(0, 1))
    return 1 - torch.cosine_similarity(means, clip[None], dim=1)


# %% hint
# The length-weighted mean of the segments' means is simply the mean over all frames and positions.
# `torch.cosine_similarity(a, b, dim=1)` compares rows; `clip[None]` makes a row of a vector.

# %%
if check("uniqueness", uniqueness):
    toy = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    print("by hand:", [round(value, 2) for value in uniqueness(toy, torch.tensor([[0, 3], [3, 4]])).tolist()])
    print("tour:   ", [round(value, 2) for value in uniqueness(tokens, segments).tolist()])

# %% explanation
# $u_1 = 1 - 0.75/0.79 = 0.05$ and $u_2 = 1 - 0.25/0.79 = 0.68$. A long segment can hardly be very unique, since it
# makes most of the mean that it is compared with. (It could if its tokens were much shorter than all others: they are
# not normalized.)

# %% [markdown]
# ## Exercise 2: richness
#
# Does a segment show one thing or many? Take all its tokens as rows of a matrix. Its singular values
# $\sigma_1 \ge \sigma_2 \ge \dots$ say how far the rows extend along $R$ directions. Their squares, as shares of the
# whole (the sum of all is what is called the tokens' *energy*), are like probabilities, and **richness** is their
# entropy, divided by the largest that it can be (eq. 6, 7):
#
# $$\pi_j = \frac{\sigma_j^2}{\sum_i \sigma_i^2}, \qquad e_k = -\frac{1}{\log R} \sum_j \pi_j \log \pi_j$$
#
# $R$ is the smaller of the two sides of the matrix, and the rows are not centered. All rows alike: 0. All directions
# equally strong: 1.

# %% predict
# a matrix with the rows $(3, 0, 0, 0)$, $(0, 2, 0, 0)$, $(0, 0, 1, 0)$ has the singular values 3, 2, 1. Which shares
# are those? Is its richness nearer to 0, to 1, or in the middle?


# %% exercise richness
def richness(tokens: torch.Tensor) -> torch.Tensor:
    """How evenly the energy of tokens spreads over directions.

    Args:
        tokens: [tokens, channels], at least two of each, not all zero.

    Returns:
        A tensor of no dimensions, or a float: one number from 0 to 1.
    """
    energy = torch.linalg.svdvals(tokens) ** 2
    share = energy / energy.sum()
    return -torch.xlogy(share, share).sum() / torch.tensor(float(len(share))).log()


# %% hint
# `torch.linalg.svdvals` gives the $R$ singular values. `torch.xlogy(p, p)` is $p \log p$, and 0 where $p$ is 0.

# %%
if check("richness", richness):
    print("by hand:", round(float(richness(torch.diag(torch.tensor([3.0, 2.0, 1.0])))), 2))
    print("tour:   ", [round(float(richness(tokens[start:end].flatten(0, 1))), 2) for start, end in segments.tolist()])

# %% explanation
# 9/14, 4/14, 1/14, and 0.76: one direction leads, yet the others count. In the tour richness lies between 0.46 and 0.57:
# it varies much less than uniqueness (0.27 to 0.57). The next step takes care of that.

# %% [markdown]
# ## Exercise 3: weights
#
# Two measures on different scales are made comparable by **z-scores**: $z(x) = (x - \text{mean}) / \text{deviation}$
# over the segments. They are mixed, by the knobs $\alpha$ and $\beta$, and squashed to between 0 and 1 by the *sigmoid*
# $\operatorname{sigmoid}(x) = 1 / (1 + e^{-x})$; times the length this is the segment's **weight** (eq. 8):
#
# $$m_k = \alpha\, z(u_k) + \beta\, z(e_k), \qquad w_k = \operatorname{sigmoid}(\tau\, m_k) \, |V_k|$$
#
# $\tau$ is the *temperature*. The deviation is that of all segments, by $n$ and not $n - 1$.

# %% predict
# what are the weights at $\tau = 0$? And what happens as $\tau$ becomes very large?


# %% exercise weights
def weights(
    u: torch.Tensor, e: torch.Tensor, lengths: torch.Tensor, alpha: float, beta: float, tau: float
) -> torch.Tensor:
    """What each segment's budget will be proportional to.

    Args:
        u: [segments], uniqueness; not all equal.
        e: [segments], richness; not all equal.
        lengths: [segments], how many frames.
        alpha: weight of uniqueness.
        beta: weight of richness.
        tau: temperature.

    Returns:
        [segments].
    """
    z_u = (u - u.mean()) / u.std(correction=0)
    z_e = (e - e.mean()) / e.std(correction=0)
    return torch.sigmoid(tau * (alpha * z_u + beta * z_e)) * lengths


# %% hint
# `u.std(correction=0)` divides by $n$. The rest is eq. 8 in one line, with `torch.sigmoid`.

# %%
if check("weights", weights):
    u, e = library.uniqueness(tokens, segments), library.richness(tokens, segments)
    table = {f"tau {tau}": weights(u, e, lengths, 0.9, 0.1, tau) for tau in (0, 1.2, 10)}
    share = {name: (100 * weight / weight.sum()).numpy() for name, weight in table.items()}
    display(bars([f"{k + 1}" for k in range(12)], share, "share of the budget (%), by segment", form="%.0f"))

# %% explanation
# At $\tau = 0$ every sigmoid is 1/2: the weights are half the lengths, so the budget goes by length alone. For a very
# large $\tau$ the sigmoid becomes a switch: segments of positive $m_k$ share everything by length, the others get
# nothing (but one token, which every segment is granted: exercise 4). The paper takes 1.2 (2.0 at 5 %), $\alpha = 0.9$
# and $\beta = 0.1$: settings that it chose on benchmarks, not the outcome of an argument.

# %% [markdown]
# ## Exercise 4: whole tokens that add up
#
# Budgets are proportional to weights (eq. 9), $q_k = B\, w_k / \sum_j w_j$, where $B$ is how many context tokens the
# whole clip may keep (397 of the tour at 15 %; unit 4 works out why). But tokens are whole. Rounding each $q_k$ by
# itself, as the paper does (eq. 21), loses or gains a few. So: round all down, but give at least 1; then give what is
# left, one by one, to the segments of which most was cut off (*largest remainder*; of equals, the earlier one).

# %% predict
# ten tokens for the weights 1.45, 2.35, 3.4, 2.8, by hand. What would rounding each alone give in total?


# %% exercise shares
def shares(weight: torch.Tensor, total: int) -> torch.Tensor:
    """Whole budgets in proportion to weights.

    Args:
        weight: [segments], floats, positive.
        total: tokens to give away; enough that raising segments to 1 does not use up more than there are.

    Returns:
        [segments], int64, at least 1 each, that add up to the total.
    """
    quota = total * weight / weight.sum()
    budget = quota.floor().clamp(min=1).long()
    left = total - int(budget.sum())
    first = (quota - budget).argsort(descending=True, stable=True)[:left]
    budget[first] += 1
    return budget


# %% hint
# `floor()`, `clamp(min=1)`, `long()`; then sort what was cut off, `quota - budget`, from large to small
# (`argsort(descending=True, stable=True)`), and add 1 to as many as there are tokens left.

# %%
if check("shares", shares):
    print("by hand: ", shares(torch.tensor([1.45, 2.35, 3.4, 2.8]), 10).tolist())
    print("the tour:", shares(out.trace.weight, 397).tolist())
    print("library: ", out.trace.budget.tolist())

# %% explanation
# Rounded down 1, 2, 3, 2 make 8; two are left. Most was cut off from the fourth (0.8), then from the first (0.45): 2,
# 2,
# 3, 3. Rounding each alone gives 1, 2, 3, 3, nine in all: one token is lost.

# %% [markdown]
# ## Watch the budget move
#
# All of it together, over the time of the clip. Colored bands are segments; the lowest panel has the budget by content
# beside the budget by length.

# %%
display(plots.budget_chart(tour, out, title=plots.kept_title(tour, out)))

# %% predict
# if richness alone counted ($\alpha = 0$, $\beta = 1$), would the first segment (46 tokens now, of 25 by length; the
# most unique of all, and the least rich) gain or lose?

# %%
for alpha, beta, tau in ((0.9, 0.1, 1.2), (0.0, 1.0, 1.2), (0.9, 0.1, 0.0), (0.9, 0.1, 10.0)):
    varied = tour.compress(
        retention_ratio=0.15, uniqueness_weight=alpha, richness_weight=beta, temperature=tau
    ).trace.budget
    print(f"alpha {alpha}  beta {beta}  tau {tau:4}:", " ".join(f"{value:4d}" for value in varied.tolist()))

# %% explanation
# It falls from 46 to 4: the two measures disagree about it. With a live view, `BudgetExplorer("tour")` from
# `infomerge.widgets`, you can turn every knob and see the budget flow.
#
# One thing to notice: the frozen picture (10.5 to 12.9 s, the second half of segment 10) gets *more* than its length
# would give. Uniqueness asks how unusual a segment is, not how often it repeats itself.

# %% [markdown]
# ## Wrap-up
#
# - Uniqueness: how far a segment points away from the clip. Long segments can hardly be very unique.
# - Richness: how evenly the energy of its tokens spreads over directions.
# - z-scores put both on one scale, the sigmoid squashes, the temperature says how far content may move the budget.
# - Whole budgets add up to the total only if the remainders are given away together.
#
# **Can you answer?** (1) A clip has one segment. What is its uniqueness, and what its budget? (2) Why z-scores? (3)
# Which $\tau$ switches content off?
#
# <details>
# <summary><b>Answers</b></summary>
#
# (1) 0, since its mean is the clip's; the whole budget. (Its z-scores would be 0/0; the library takes 0 for them.)
# (2) Richness varies far less than uniqueness; without them $\alpha$ and $\beta$ would not say how much each counts.
# (3) 0.
#
# </details>
#
# **Next** [Unit 4: Compress, break it, measure it](unit_4_measure.ipynb).
#
# **Reading** The notebooks [04 Budgets](../04_budgets.ipynb) and
# [06 Budgets across a video](../06_budgets_across_a_video.ipynb); section 3.3, A.4 and A.6 of InfoMerge,
# [arXiv 2606.02161](https://arxiv.org/abs/2606.02161).
