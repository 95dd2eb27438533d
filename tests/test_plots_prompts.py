"""What the pictures of prompts draw."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from infomerge import plots


def small_prompt() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two words, two frames of three tokens, a word; two tokens of the first frame and one of the second are kept."""
    frames = np.array([-1, -1, 0, 0, 0, 1, 1, 1, -1])
    source = np.array([-1, 0, 1, 2, 4, 6, 8])
    full = np.arange(9)[None]
    return frames, source, full, np.where(source < 0, 0, source)[None]


def test_the_diagram_shows_both_prompts_to_one_scale() -> None:
    figure = plots.prompt_diagram(*small_prompt(), title="two frames")
    strips, before, after = figure.axes
    given, read = (image.get_extent() for image in strips.images)
    assert given[1] - given[0] == 9
    assert read[1] - read[0] == 7
    assert [text.get_text() for text in strips.texts] == [
        "6 video tokens of 2 frames, and 3 others",
        "3 video tokens, and 3 others",
    ]
    assert len(strips.collections[0].get_paths()) == 2
    assert before.get_title(loc="left") == "as given: 9 places"
    assert after.get_title(loc="left") == "as read: 6 places"
    tokens, words = after.get_lines()[:2]
    np.testing.assert_array_equal(tokens.get_xydata(), [[2, 2], [3, 4], [4, 6]])
    np.testing.assert_array_equal(words.get_xydata(), [[0, 0], [1, 1], [5, 8]])


def test_a_frame_without_tokens_is_not_led_anywhere() -> None:
    frames, _, full, _ = small_prompt()
    source = np.array([0, 1, 2, 8])
    figure = plots.prompt_diagram(frames, source, full, source[None])
    assert len(figure.axes[0].collections[0].get_paths()) == 1


def test_three_axes_are_told_apart() -> None:
    frames, source, full, _ = small_prompt()
    axes = np.concatenate([full, full + 20, full + 40])
    figure = plots.prompt_diagram(frames, source, axes, axes[:, source.clip(min=0)])
    labels = [line.get_label() for line in figure.axes[1].get_lines()]
    assert labels == ["video tokens: time", "video tokens: height", "video tokens: width", "words and marks"]
    assert len({line.get_marker() for line in figure.axes[1].get_lines()}) == 4
    np.testing.assert_array_equal(figure.axes[1].get_lines()[2].get_ydata(), np.arange(2, 8) + 40)


def test_saliency_is_drawn_under_its_frames() -> None:
    frames = np.zeros((2, 20, 40, 3), np.uint8)
    saliency = np.arange(12, dtype=float).reshape(2, 6)
    figure = plots.saliency_strip(frames, saliency, (2, 3), ["0.0 s", "1.5 s"])
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["0.0 s", "1.5 s"]
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), [[6, 7, 8], [9, 10, 11]])
    assert figure.axes[4].get_ylabel() == "attention received"


def test_bars_show_the_probabilities() -> None:
    chances = {"all": np.array([0.5, 0.2]), "15 %": np.array([0.4, 0.3])}
    axes = plots.next_token_bars(["a", "b"], chances).axes[0]
    assert [[bar.get_width() for bar in group] for group in axes.containers] == [[0.5, 0.2], [0.4, 0.3]]
    assert axes.get_legend_handles_labels()[1] == list(chances)
    assert len({(to_rgba(group[0].get_facecolor()), group[0].get_hatch()) for group in axes.containers}) == 2
    with pytest.raises(TypeError):
        plots.next_token_bars(["a"])  # type: ignore[call-arg]
