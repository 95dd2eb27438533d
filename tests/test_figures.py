"""What the sheets, the budget figures and the gallery show, read back from what was drawn."""

import io
from pathlib import Path

import IPython.display
import numpy as np
import PIL.Image
import pytest
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, to_hex

from infomerge import Compression, InfoMergeConfig, compress, plots
from infomerge.palette import group_colors
from infomerge.paper import figures
from infomerge.paper.panels import prior_panels
from infomerge.plots.contact_sheet import edges_between, kept_masks, outlines
from infomerge.plots.priors import DisturbanceCurves
from infomerge.plots.style import BLUE, INK, ORANGE
from tests.clips import random_clip

GRID = (3, 4)
FIGURES = Path(__file__).parent.parent / "figures"
FRAMES = np.random.default_rng(0).integers(0, 256, (9, 24, 40, 3), dtype=np.uint8)
TIMES = np.arange(9) * 0.5


def run(ratio: float = 0.25, **options: float) -> Compression:
    tokens = random_clip(torch.Generator().manual_seed(4), 9, 12, 16)
    return compress(tokens, InfoMergeConfig(retention_ratio=ratio, min_segments=3, segment_threshold=-1, **options))


def test_heat_sheet_colors_each_kept_token_by_the_tokens_it_stands_for() -> None:
    out = run()
    images = plots.heat_sheet(FRAMES, TIMES, out, GRID).axes[0].images
    assert len(images) == 2 * len(FRAMES)  # each frame faded, and its heat map on it
    for frame in range(len(FRAMES)):
        drawn = images[2 * frame + 1].get_array().reshape(-1)
        for position in range(12):
            kept = (out.index == frame * 12 + position).nonzero()
            if len(kept):
                assert drawn[position] == len(out.members(int(kept)))
            else:
                assert drawn.mask[position]


def test_heat_sheet_sets_kept_tokens_off_from_the_frames() -> None:
    out = run()
    black = np.zeros_like(FRAMES)
    sheet = plots.heat_sheet(black, TIMES, out, GRID).axes[0]
    rims = [rim for rim in sheet.collections if isinstance(rim, LineCollection)]
    salient, context = kept_masks(out, GRID)
    assert [len(rim.get_segments()) for rim in rims] == [len(outlines(kept)) for kept in salient | context]
    assert {to_hex(rim.get_colors()[0]) for rim in rims} == {INK.lower()}
    # Even the darkest frame fades to a grey that is far from the greys of the scale's middle.
    scale = ScalarMappable(LogNorm(1, 100), cmap="cividis")
    faded = min(float(image.get_array().min()) for image in sheet.images[::2])
    assert faded - scale.to_rgba(np.array([5.0, 16.0]))[:, :3].max() > 0.15


def test_group_colors_are_the_means_of_all_patches_of_a_group() -> None:
    out = run()
    colors = group_colors(FRAMES, GRID, out.assignment.numpy(), out.kept) / 255
    for token in range(out.kept):
        patches = []
        for member in out.members(token).tolist():
            frame, position = divmod(member, 12)
            row, column = divmod(position, 4)
            # 24 x 40 pixels over 3 x 4 cells: whole patches of 8 x 10.
            patch = FRAMES[frame, 8 * row : 8 * row + 8, 10 * column : 10 * column + 10] / 255
            patches.append(patch.mean(axis=(0, 1)))
        np.testing.assert_allclose(colors[token], np.mean(patches, axis=0))


def test_ownership_sheet_fills_every_patch_with_its_group() -> None:
    out = run()
    colors = group_colors(FRAMES, GRID, out.assignment.numpy(), out.kept) / 255
    images = plots.ownership_sheet(FRAMES, TIMES, out, GRID).axes[0].images
    for frame, image in enumerate(images):
        owner = out.assignment[frame * 12 : frame * 12 + 12].numpy()
        np.testing.assert_allclose(image.get_array().reshape(12, 3), colors[owner])


def test_edges_lie_between_cells_that_differ_and_nowhere_else() -> None:
    cells = np.array([[1, 1, 2], [1, 3, 2]])
    assert set(edges_between(cells)) == {((1, 1), (2, 1)), ((2, 0), (2, 1)), ((1, 1), (1, 2)), ((2, 1), (2, 2))}


def test_budget_shift_draws_context_tokens_per_frame_and_writes_budgets() -> None:
    runs = {tau: run(temperature=tau) for tau in (0, 2)}
    axes = plots.budget_shift(FRAMES, TIMES, runs, knob="tau").axes[1]
    drawn = axes.collections[0].get_array().reshape(2, -1)
    lengths = runs[0].trace.segments.diff(dim=1).squeeze(1).numpy()
    for row, out in enumerate(runs.values()):
        np.testing.assert_allclose(drawn[row], out.trace.budget.numpy() / lengths)
    written = [text.get_text() for text in axes.texts]
    assert written == [str(tokens) for out in runs.values() for tokens in out.trace.budget.tolist()]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "2"]


def test_allocation_comparison_says_how_many_tokens_moved() -> None:
    runs = {ratio: run(ratio) for ratio in (0.2, 0.5)}
    panels = plots.allocation_comparison(FRAMES, TIMES, runs).axes[1:]
    for axes, out in zip(panels, runs.values(), strict=True):
        pairs = zip(out.trace.budget.tolist(), out.trace.length_budget.tolist(), strict=True)
        gained = sum(max(0, ours - theirs) for ours, theirs in pairs)
        assert axes.get_title(loc="left").startswith(f"{gained} of {int(out.trace.budget.sum())} context tokens")


def test_budget_bars_and_share_draw_the_numbers_given() -> None:
    ours, theirs = np.array([3, 9]), np.array([5, 7])
    bars = plots.budget_bars(["a", "b"], np.array([0.1, 0.2]), np.array([0.5, 0.6]), ours, theirs).axes[2]
    assert [bar.get_height() for bar in bars.patches] == [5, 7, 3, 9]
    lines = plots.budget_share(np.array([0.1, 0.9]), {"5 %": np.array([0.3, 0.6])}).axes[0].lines
    assert lines[1].get_ydata().tolist() == [0.3, 0.6]
    assert list(lines[0].get_xdata()) == list(lines[0].get_ydata())  # by length: the diagonal


def test_method_overview_shows_every_kept_token_in_order() -> None:
    out = run()
    sequence = plots.method_overview(FRAMES, TIMES, out, GRID, 1).axes[4]
    kinds = sequence.collections[0].get_array().reshape(-1, 42)[::-1].reshape(-1)
    assert kinds[: out.kept].tolist() == out.is_context.double().tolist()


def test_prior_curves_name_the_winner_on_its_own_color() -> None:
    band = np.array([[0.9, 0.8], [0.85, 0.75], [0.95, 0.85]])
    panel = DisturbanceCurves("fog", "share", np.array([0.0, 1.0]), {"TFD": band, "adjacent": band - 0.1}, ["TFD", ""])
    axes = plots.prior_curves([panel], measure="AUROC", chance=0.5).axes[0]
    chance, *curves = axes.lines
    assert list(chance.get_ydata()) == [0.5, 0.5]
    assert axes.get_ylim()[0] < 0.5
    assert [line.get_ydata().tolist() for line in curves] == [[0.9, 0.8], pytest.approx([0.8, 0.7])]
    won, undecided = axes.texts
    assert [won.get_text(), undecided.get_text()] == ["TFD", "?"]
    assert to_hex(won.get_bbox_patch().get_facecolor()) == BLUE.lower()
    assert undecided.get_bbox_patch() is None
    assert to_hex(curves[1].get_color()) == ORANGE.lower()


def test_budgets_that_are_compared_stand_on_one_scale() -> None:
    panels = plots.allocation_comparison(FRAMES, TIMES, {ratio: run(ratio) for ratio in (0.2, 0.5)}).axes[1:]
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_the_pictures_of_a_notebook_have_words_for_those_who_do_not_see_them(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *parts: shown.extend(parts))
    figures.show("hyper_parameters")
    _, metadata = shown[0]._repr_png_()
    assert metadata["alt"] == figures.FIGURES["hyper_parameters"].caption


def test_a_verdict_needs_the_measured_table_and_follows_it() -> None:
    panels = {panel.name: panel for panel in prior_panels("scenes")}
    assert len(panels) == 11
    noise = panels["sensor noise"]
    assert noise.verdicts[1:] == ["TFD"] * 5
    assert (noise.curves["TFD"][0][1:] > noise.curves["adjacent"][0][1:]).all()
    assert set(panels["jitter"].verdicts) == {"adjacent"}


# Frames of sheets reach to the edge.
@pytest.mark.parametrize("name", sorted(figures.FIGURES.keys() - {"contact_sheet", "retained_tokens", "ownership"}))
def test_nothing_of_a_committed_figure_runs_off_its_paper(name: str) -> None:
    with PIL.Image.open(FIGURES / f"{name}.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    assert min(edge.min() for edge in edges) == 255


def test_figures_are_shown_over_their_captions_at_half_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *parts: shown.extend(parts))
    names = ["hyper_parameters", "compared_methods"]
    figures.show(*names)
    for picture, text, name in zip(shown[::2], shown[1::2], names, strict=True):
        recipe = figures.FIGURES[name]
        drawn = recipe.draw()
        assert drawn.findings
        assert text.data == f"{recipe.caption} {drawn.findings}"
        whole = drawn.figure._repr_png_()
        assert len(picture.data) < len(whole) / 2
        pixels, smaller = (
            np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB"), dtype=int) for png in (whole, picture.data)
        )
        assert np.abs(pixels - smaller).mean() < 1  # of 255
    with pytest.raises(ValueError, match="figure: got 'nope'; expected method_overview"):
        figures.show("nope")


def test_figures_are_written_the_same_twice_and_listed_in_the_gallery(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        figures.write_figures(["ownership", "hyper_parameters"], tmp_path / folder)
    for file in sorted((tmp_path / "first").iterdir()):
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name
    with pytest.raises(ValueError, match="figure: got 'nope'; expected method_overview"):
        figures.write_figures(["nope"], tmp_path)
    gallery = (FIGURES / "README.md").read_text()
    for name, recipe in figures.FIGURES.items():
        assert recipe.caption in gallery
        assert f"function `{recipe.function}`" in gallery
        assert (FIGURES / f"{name}.png").stat().st_size > 10_000
        assert (FIGURES / f"{name}.pdf").read_bytes().startswith(b"%PDF-")
