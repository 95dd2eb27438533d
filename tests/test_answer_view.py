"""AnswerView: its traits say what the testbed answers, whatever a view asks for, and its page shows what they say."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import traitlets
from PIL import Image

from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.evaluation import answered, compressed
from infomerge.testbed.needs import needed_tokens
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video import SceneClip
from infomerge.widgets import AnswerView
from infomerge.widgets.answer_view import CURVE
from infomerge.widgets.pages import ANSWERS_MIME, page_of_stored


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


def test_a_page_is_answered_first_and_told_the_rest_when_its_controls_rest(view: AnswerView, clip: SceneClip) -> None:
    def hear(**content: Any) -> None:
        number = len(heard) + 1
        view._handle_custom_msg({**content, "view": "page", "number": number}, [])
        assert view.answered == ["page", number]
        heard.append(content)

    heard: list[dict[str, Any]] = []
    hear(ask="turn", option="method", value="tome")
    assert (view.method, view.result["method"]) == ("tome", "tome")
    assert view.result["needed"] is None
    assert view.curve["method"] == "infomerge"
    hear(ask="rest")
    assert view.result["needed"] is not None
    assert view.curve["method"] == "tome"
    whole = (view.result, view.curve)
    view.method = "infomerge"
    view.method = "tome"
    assert (view.result, view.curve) == whole
    hear(ask="turn", option="question", value=99)
    assert view.message["failed"]
    assert "question: got 99; expected 0 to" in view.message["text"]
    assert (view.result, view.curve) == whole
    hear(ask="turn", option="mark", value=False)
    assert view.message == {"text": "", "failed": False}
    assert view.result["needed"] is None
    hear(ask="turn", option="clip", value={})
    assert view.clip["images"]


def test_a_closed_view_lets_go_of_its_model_and_answers_no_more(clip: SceneClip) -> None:
    view = AnswerView(load_testbed(), clip, ratio=0.02)
    assert repr(view) == "AnswerView(testbed, clip, 0, 'infomerge', 0.02)"
    view.close()
    view.ratio = 0.3
    assert view.result == view.curve == view.clip == {}
    assert view._testbed is None
    assert repr(view) == "<AnswerView, closed>"


def test_a_notebook_stores_its_state_and_a_picture(view: AnswerView) -> None:
    found = view._repr_mimebundle_()
    assert found is not None
    data, metadata = found
    stored = data[ANSWERS_MIME]
    assert stored["result"] == view.result
    assert stored["curve"] == view.curve
    assert "model" not in json.dumps(list(stored))
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    assert picture.width > 700
    assert f"From {len(view.result['index'])} tokens" in metadata["image/jpeg"]["alt"]
    page = page_of_stored(ANSWERS_MIME, stored)
    assert 'title="AnswerView"' in page


def test_the_state_is_plain_data_that_a_reload_can_take(view: AnswerView) -> None:
    traits = {name: getattr(view, name) for name in ("result", "curve", "question", "method", "ratio", "mark")}
    assert json.loads(json.dumps(traits)) == traits
    images = view.clip["images"]
    assert len(images) == len(FORMS["clean"].clip(5, "dev").frames)
    assert np.isfinite([point for points in view.curve["points"] for point in points]).all()
