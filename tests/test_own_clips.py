"""What goes with a reader's clips: truth in a table, tokens in a file, encoders by name, folders of clips."""

from pathlib import Path

import numpy as np
import pytest
import torch

from infomerge.encoders import EfficientNetEncoder, TokenFile, load_encoder
from infomerge.measure.own_truth import events
from infomerge.measure.sweep import read_sweep
from infomerge.measure.sweep_clips import found_clips, written_out
from infomerge.video import UnreadableClipError, open_clip
from infomerge.video.own_truth import read_truth, truth_file
from tests.commands import refusal
from tests.media import X264_CLOSED, write_video
from tests.sweeps import write_config

FRAMES = np.zeros((4, 8, 8, 3), np.uint8)


def write_truth(folder: Path, *lines: str) -> Path:
    path = folder / "clip.truth.csv"
    path.write_text("\n".join(["what,seconds,until", *lines]), encoding="utf-8")
    return path


def test_cuts_and_events_are_read_in_any_order(tmp_path: Path) -> None:
    truth = read_truth(write_truth(tmp_path, "event,2,3.5", " cut , 4.5 ,", "", "cut,1", "event,0,1"), duration=6)
    assert truth.cut_times == (1, 4.5)
    assert [(shot.start_s, shot.end_s) for shot in truth.shots] == [(0, 1), (1, 4.5), (4.5, 6)]
    assert truth.events == ((0, 1), (2, 3.5))
    times = np.array([0.0, 1, 2, 3.4, 3.5, 5])
    assert truth.in_event(times).tolist() == [True, False, True, True, False, False]
    assert truth.cut_after(times).tolist() == [0, 4]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cut,soon,", "got 'soon' in line 2 of clip.truth.csv; expected seconds from 0"),
        ("cut,-1,", "got '-1' in line 2"),
        ("cut,nan,", "got 'nan' in line 2"),
        ("cut,1,2", "got 'cut,1,2' in line 2 of clip.truth.csv; expected cut,SECONDS, or event,SECONDS,UNTIL"),
        ("event,2,1", "got 'event,2,1' in line 2"),
        ("event,2,", "got '' in line 2"),
        ("shot,2,3", "got 'shot,2,3' in line 2"),
    ],
)
def test_a_line_that_is_no_truth_is_named(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableClipError) as caught:
        read_truth(write_truth(tmp_path, line), duration=6)
    assert said in str(caught.value)


def test_truth_lies_beside_the_clip(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    video = write_video(tmp_path / "clip.mp4", count=24, options=X264_CLOSED)
    assert open_clip(video, 6).truth is None
    assert truth_file(video) == write_truth(tmp_path, "cut,0.4,")
    truth = open_clip(video, 6).truth
    assert truth is not None
    assert truth.cut_times == (0.4,)
    write_truth(tmp_path, "cut,never,")
    assert "got 'never' in line 2 of clip.truth.csv" in refusal(capfd, "run", video, "--out", tmp_path / "out")
    (tmp_path / "clip.truth.csv").write_text("seconds\n1\n")
    assert "got the columns seconds in clip.truth.csv" in refusal(capfd, "run", video, "--out", tmp_path / "out")


def test_nothing_is_said_of_events_that_nobody_named(tmp_path: Path) -> None:
    from infomerge import EncodedClip

    clip = EncodedClip.from_arrays(torch.rand(4, 9, 3))
    assert all(np.isnan(value) for value in events(clip, clip.compress(retention_ratio=0.5)).values())


def test_tokens_come_from_arrays_or_tensors_in_a_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    tokens = torch.rand(4, 3, 5, 6)
    np.save(tmp_path / "a.npy", tokens.numpy())
    np.save(tmp_path / "flat.npy", tokens.flatten(1, 2).numpy())
    saliency, features = torch.rand(4, 15), torch.rand(4, 7)
    given = {"tokens": tokens.flatten(1, 2), "saliency": saliency, "frame_features": features}
    save_file(given, tmp_path / "a.safetensors")
    for encoder in (
        TokenFile(tmp_path / "a.npy"),
        TokenFile(tmp_path / "flat.npy", (3, 5)),
        load_encoder(tmp_path / "{clip}.safetensors", grid=(3, 5), clip="a"),
    ):
        encoding = encoder(FRAMES)
        assert torch.equal(encoding.tokens, tokens.flatten(1, 2))
        assert encoding.grid == (3, 5)
    assert encoding.saliency is not None
    assert torch.equal(encoding.saliency, saliency)
    assert (TokenFile(tmp_path / "a.npy").name, TokenFile(tmp_path / "a.npy").num_frames) == ("a.npy", 4)
    with pytest.raises(
        ValueError, match=r"encoder: got the tokens of 4 frames in a.npy; expected those of the clip's 3"
    ):
        TokenFile(tmp_path / "a.npy")(FRAMES[:3])


def test_files_that_hold_no_tokens_are_named(tmp_path: Path) -> None:
    bad = {
        "whole.npy": np.ones((4, 9, 3), np.int64),
        "flat.npy": np.ones((4, 9), np.float32),
        "odd.npy": np.ones((4, 15, 3), np.float32),
        "none.npy": np.ones((0, 9, 3), np.float32),
    }
    for name, array in bad.items():
        np.save(tmp_path / name, array)
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in (*bad, "text.npy", "text.safetensors"):
        with pytest.raises(ValueError, match=rf"^(encoder|grid): got .*{name}"):
            TokenFile(tmp_path / name)
    with pytest.raises(ValueError, match=r"grid: got 4 x 4; expected the 15 positions of odd.npy"):
        TokenFile(tmp_path / "odd.npy", (4, 4))
    with pytest.raises(FileNotFoundError, match="encoder: got no file"):
        TokenFile(tmp_path / "nothing.npy")


def test_encoders_are_found_by_name(tmp_path: Path) -> None:
    for name in (None, "efficientnet", "EfficientNet-Lite0"):
        assert isinstance(load_encoder(name, image_size=64), EfficientNetEncoder)
    (tmp_path / "tower").mkdir()
    (tmp_path / "tower" / "config.json").write_text('{"model_type": "siglip_vision_model", "hidden_size": []}')
    with pytest.raises((OSError, ValueError), match=r"name_or_path: got .*tower"):
        load_encoder(tmp_path / "tower")


def test_folders_and_patterns_are_the_videos_in_them(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("b.mp4", "a.MOV", "notes.txt", "c.truth.csv"):
        (tmp_path / "clips" / name).touch()
    (tmp_path / "odd [1].mp4").touch()
    assert found_clips(["clips"], tmp_path) == ["clips/a.MOV", "clips/b.mp4"]
    assert found_clips(["tour", "clips/*.mp4", "odd [1].mp4", "scene:0-3"], tmp_path) == [
        "tour", "clips/b.mp4", "odd [1].mp4", "scene:0-3"
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    for empty in ("clips/*.avi", "empty"):
        with pytest.raises(ValueError, match="clips: got no video in"):
            found_clips([empty], tmp_path)
    assert written_out("tokens:2-4") == ["tokens:2", "tokens:3", "tokens:4"]
    with pytest.raises(ValueError, match="expected ranges of up to 1,000,000"):
        written_out("scene:0-99999999999")


def test_a_sweep_of_ones_own_tokens_is_known_by_their_content(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", count=24, options=X264_CLOSED)
    np.save(tmp_path / "clip.npy", np.random.default_rng(0).random((6, 9, 4), np.float32))
    changes = {"clips": ["*.mp4"], "encoder": "{clip}.npy", "measures": ["kept"], "seeds": [0]}
    first = read_sweep(write_config(tmp_path, **changes))
    assert first.config.clips == ["clip.mp4"]
    np.save(tmp_path / "clip.npy", np.random.default_rng(1).random((6, 9, 4), np.float32))
    assert not first.keys() & read_sweep(write_config(tmp_path, **changes)).keys()
    # Without an encoder of one's own, keys are what they always were.
    assert "encoder" not in read_sweep(write_config(tmp_path)).to_dict()["config"]
    for wrong, said in (
        ({"disturbances": {"fog": [0.5]}}, "tokens of a file are of clean frames"),
        ({"encoder": "other/{clip}.npy"}, "encoder: got no file"),
    ):
        with pytest.raises(ValueError, match=said):
            read_sweep(write_config(tmp_path, **changes | wrong))


def test_lists_in_lists_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("methods: " + "[" * 5000)
    with pytest.raises(ValueError, match="got lists in lists too deep"):
        read_sweep(tmp_path / "deep.yaml")
