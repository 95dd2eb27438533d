"""AnswerView: its traits say what the testbed answers, whatever a view asks for, and its page shows what they say."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import traitlets

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.evaluation import answered, compressed
from infomerge.testbed.needs import needed_tokens
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video import SceneClip
from infomerge.widgets import AnswerView
from infomerge.widgets.answer_view import CURVE


@pytest.fixture(scope="module")
def clip() -> SceneClip:
    return FORMS["clean"].clip(5, "dev")


@pytest.fixture
def view(clip: SceneClip) -> Iterator[AnswerView]:
    view = AnswerView(load_testbed(), clip, ratio=0.02)
    yield view
    view.close()


def test_the_state_is_what_the_testbed_answers_from_the_kept_tokens(view: AnswerView, clip: SceneClip) -> None:
    testbed = load_testbed()
    seen, asked = testbed.see(clip.frames), asked_about(clip.script)
    for number, method, ratio in ((0, "infomerge", 0.02), (3, "tome", 0.02), (len(asked) - 1, "farthest", 0.2)):
        view.question, view.method, view.ratio = number, method, ratio
        out = compressed(seen, method, ratio, "head")
        row = answered(testbed, seen, out, asked)[number]
        result = view.result
        assert (result["question"], result["method"], result["ratio"]) == (number, method, ratio)
        assert result["index"] == out.index.tolist()
        assert result["said"] == ANSWERS[int(row.argmax())]
        assert result["right"] == asked[number].answer
        assert result["probability"] == pytest.approx(float(row[ANSWERS.index(asked[number].answer)]))
        words = [choice["word"] for choice in result["choices"]]
        assert tuple(words) == asked[number].choices


def test_needed_tokens_are_marked_where_they_are_asked_for(view: AnswerView, clip: SceneClip) -> None:
    testbed = load_testbed()
    out = compressed(testbed.see(clip.frames), "infomerge", 0.02, "head")
    asked = asked_about(clip.script)[0]
    needed = needed_tokens(testbed, out, asked, asked.answer).numpy()
    assert view.result["needed"] == pytest.approx(needed, abs=1e-3)
    view.mark = False
    assert view.result["needed"] is None
    view.mark = True
    assert view.result["needed"] is not None
    view.ratio = 0.2
    assert view.result["needed"] is None


def test_the_curve_belongs_to_the_question_and_the_method(view: AnswerView) -> None:
    assert [ratio for ratio, _ in view.curve["points"]] == list(CURVE)
    at_two = dict(view.curve["points"])[0.02]
    assert at_two == pytest.approx(view.result["probability"])
    view.method = "random"
    assert (view.curve["question"], view.curve["method"]) == (0, "random")
    assert dict(view.curve["points"])[0.02] == pytest.approx(view.result["probability"])


def test_what_does_not_exist_is_refused_and_changes_nothing(view: AnswerView) -> None:
    before = view.result
    for name, value in (("question", 99), ("question", -1), ("method", "nope"), ("ratio", 0.0), ("ratio", 1.5)):
        with pytest.raises(traitlets.TraitError):
            setattr(view, name, value)
    assert view.result == before


def test_a_table_holds_every_question(view: AnswerView, clip: SceneClip) -> None:
    rows = view.table()
    assert [row["question"] for row in rows] == [one.text for one in asked_about(clip.script)]
    assert rows[0]["said"] == view.result["said"]
    assert rows[0]["probability"] == pytest.approx(view.result["probability"], abs=1e-3)


def test_a_closed_view_lets_go_of_its_model_and_answers_no_more(clip: SceneClip) -> None:
    view = AnswerView(load_testbed(), clip, ratio=0.02)
    before = view.result
    view.close()
    view.ratio = 0.3
    assert view.result == before
    assert view._testbed is None


def test_the_state_is_plain_data_that_a_reload_can_take(view: AnswerView) -> None:
    traits = {name: getattr(view, name) for name in ("result", "curve", "question", "method", "ratio", "mark")}
    assert json.loads(json.dumps(traits)) == traits
    images = view.clip["images"]
    assert len(images) == len(FORMS["clean"].clip(5, "dev").frames)
    assert np.isfinite([point for points in view.curve["points"] for point in points]).all()
