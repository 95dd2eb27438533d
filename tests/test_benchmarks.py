"""Benchmarks that need a GPU run here in small, so that they cannot rot between two runs on one."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from packaging.specifiers import SpecifierSet

from benchmarks import video_llm_prefill
from infomerge.models import attachment


def test_prefill_benchmark_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new folder" / "table.csv"
    video_llm_prefill.main(["--tiny", "--repeats", "1", "--new-tokens", "2", "--out", str(out)])
    rows = list(csv.DictReader(out.open()))
    assert [path.name for path in out.parent.iterdir()] == ["table.csv"]
    assert "CPU, torch" in (shown := capsys.readouterr().out)
    assert "TINY" in shown
    # 48 pixels in patches of 4, at half the side; 12 patches a side, merged two by two, two frames a token.
    for name, tokens, others in (("LLaVA-OneVision-7B", 16 * 36, 1), ("Qwen2.5-VL-7B", 8 * 36, 2)):
        own = [row for row in rows if row["model"] == name]
        assert [row["retention_ratio"] for row in own] == ["1", "0.15", "0.1", "0.05"]
        for row in own:
            ratio, visual = float(row["retention_ratio"]), int(row["visual_tokens"])
            assert visual == round(ratio * tokens)
            assert int(row["prompt_tokens"]) == visual + others + 14 + 24
            # Of two layers: projections of attention (keys and values half as wide), attention, feed-forward.
            macs = 2 * (visual * 32**2 * 3 + 2 * visual**2 * 32 + 3 * visual * 32 * 48)
            assert float(row["prefill_tflops"]) == pytest.approx(macs / 1e12, rel=1e-3)
            stages = ["encode_ms", "prefill_ms"] + ["compress_ms"] * (ratio < 1)
            assert all(float(row[stage]) > 0 for stage in stages)
            assert (row["compress_ms"] == "") == (row["segments"] == "") == (ratio == 1)
            assert 0 < float(row["first_token_low_ms"]) <= float(row["first_token_ms"])
            assert float(row["first_token_ms"]) <= float(row["first_token_high_ms"])
            assert float(row["decode_ms_per_token"]) > 0


def test_prefill_benchmark_has_models_of_the_published_sizes() -> None:
    counts = []
    for subject in video_llm_prefill.subjects(video_llm_prefill.FULL):
        model = subject.build(torch.device("meta"), torch.bfloat16)
        counts.append(sum(weights.numel() for weights in model.parameters()))
    assert counts[0] == pytest.approx(8.03e9, rel=5e-4)
    assert counts[1] == 8_292_166_656
    visual = [subject.visual for subject in video_llm_prefill.subjects(video_llm_prefill.FULL)]
    assert [len(ids) for ids in visual] == [32 * 196 + 1, 16 * 196 + 2]


def test_prefill_benchmark_says_when_transformers_is_untested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--tiny", "--repeats", "1", "--new-tokens", "1"]
    monkeypatch.setattr(attachment, "TESTED", SpecifierSet("<4"))
    attachment._warn_of_release.cache_clear()
    with pytest.warns(UserWarning, match=r"transformers .* is not one of the releases <4"):
        video_llm_prefill.main(arguments)
    assert "(which the tests do not cover)" in " ".join(capsys.readouterr().out.split())


def test_prefill_benchmark_needs_a_gpu_for_models_of_full_size(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        video_llm_prefill.main([])
    assert "--tiny" in capsys.readouterr().err


def test_prefill_benchmark_imports_no_reader_and_no_widget() -> None:
    absent = (
        "av",
        "decord",
        "skvideo",
        "IPython",
        "ipywidgets",
        "anywidget",
        "plotly",
        "matplotlib",
        "efficientnet_lite_pytorch",
        "platformdirs",
    )
    code = f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))\nimport benchmarks.video_llm_prefill"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True, capture_output=True)
