"""An encoder that is solved, not trained: what it was before, and what it is after."""

from pathlib import Path

from topores import train


def test_the_untrained_and_the_solved_encoder_are_logged_and_kept(
    two_texts: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    texts = {"article": two_texts[0], "meta_analysis": two_texts[1], "passage_tokens": 16}
    run = train(
        **texts, model=str(tiny_model), encoder="relative-rotation", device="cpu", cycles=5, output=tmp_path / "run"
    )
    assert [line["cycle"] for line in run.metrics] == [0, 5]
    assert list(run.checkpoints) == [0, 5]
    before, after = run.metrics
    # Procrustes brings partners together, and turns a text without changing anything within it.
    assert after["alignment"] < before["alignment"]
    assert after["modality_gap"] < before["modality_gap"]
