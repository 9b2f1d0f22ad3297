"""Images -> a file of vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoenc import embed_images, index_images, index_vectors
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, EncoderError, NoImagesError, OutputError
from autoenc.vectors import Images, Vectors

HAND = ("color", "edges")
SUFFIXES = (".parquet", ".npz", ".csv", ".jsonl")


def test_a_row_for_each_image_with_its_label_and_the_vectors_of_each_encoder(
    picture_folder: Path, tmp_path: Path
) -> None:
    (picture_folder / "red" / "broken.png").write_bytes(b"\x89PNG")
    report = embed_images(picture_folder, tmp_path / "v.npz", encoders=HAND, labels="folders")
    assert (report.images, report.labeled, report.ignored) == (12, 12, 1)
    assert [file.path.name for file in report.skipped] == ["broken.png"]
    assert report.encoders == {"color": 126, "edges": 324}
    with np.load(report.file, allow_pickle=False) as found:
        assert found["path"].tolist() == [f"{name}/{n}.png" for name in ("blue", "green", "red") for n in range(4)]
        assert found["label"].tolist() == ["blue"] * 4 + ["green"] * 4 + ["red"] * 4
        assert found["edges"].shape == (12, 324)


def test_an_image_directly_in_the_folder_has_no_label(picture_folder: Path, tmp_path: Path) -> None:
    report = embed_images(picture_folder / "red", tmp_path / "v.jsonl", encoders=["color"], labels="folders")
    assert report.labeled == 0
    report = embed_images(
        sorted(picture_folder.glob("red/*")), tmp_path / "v.jsonl", encoders=["color"], labels="folders"
    )
    assert report.labeled == 4


def test_pictures_in_memory_go_by_their_names(tmp_path: Path) -> None:
    report = embed_images(np.zeros((2, 9, 9, 3), np.uint8), tmp_path / "v.csv", names=["a", "b"], encoders=["color"])
    assert [line.split(",")[0] for line in report.file.read_text().splitlines()] == ["path", "a", "b"]
    assert index_vectors(report.file, ":memory:").indexed == 2


class Holed(Encoder):
    """Vectors with NaN in them."""

    name, dim, input_size, fingerprint = "holed", 1, 8, "holed-1"

    def _encode(self, images: Images) -> Vectors:
        return np.full((len(images), 1), np.nan, np.float32)


class Named(Holed):
    """Called as another column is."""

    name = "digest"


def test_indexing_names_the_picture_whose_vector_is_not_finite() -> None:
    class Dividing(Holed):
        def _encode(self, images: Images) -> Vectors:
            with np.errstate(divide="ignore"):
                return 1 / images[:, 0, 0, :1].astype(np.float32)

    pictures = np.stack([np.full((9, 9, 3), level, np.uint8) for level in (1, 2, 0, 3)])
    with pytest.raises(EncoderError, match="'holed' returned a vector with NaN or infinity for third;"):
        index_images(pictures, ":memory:", names=["first", "second", "third", "fourth"], encoders=[Dividing()])


def test_a_file_with_an_odd_first_name_is_known_as_autoencs_own(tmp_path: Path) -> None:
    for suffix in (".jsonl", ".csv"):
        for _ in range(2):
            embed_images(
                np.zeros((1, 9, 9, 3), np.uint8), tmp_path / f"v{suffix}", names=['a "b" \\ c\rd'], encoders=["color"]
            )


def test_what_cannot_be_embedded_is_said_and_leaves_no_file(picture_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "v.npz"
    with pytest.raises(EncoderError, match=r"'holed' returned a vector with NaN or infinity for .*blue/0\.png"):
        embed_images(picture_folder, file, encoders=[Holed()])
    with pytest.raises(ArgumentError, match="weights= names vgg16, and the encoders are color"):
        embed_images(picture_folder, file, encoders=["color"], weights={"vgg16": "vgg16.h5"})
    with pytest.raises(ArgumentError, match="another column 'digest'"):
        embed_images(picture_folder, file, encoders=[Named()])
    with pytest.raises(EncoderError, match=r"color\+pca8"):
        embed_images(picture_folder, file, encoders=["color+pca8"])
    with pytest.raises(ArgumentError, match="weights= names vgg16, and the encoders are color"):
        embed_images(picture_folder, file, encoders=["color"], weights={"vgg16": "random"})
    with pytest.raises(ArgumentError, match=r"\.parquet, \.npz, \.csv or \.jsonl file; got .*v\.pkl"):
        embed_images(picture_folder, tmp_path / "v.pkl", encoders=["color"])
    with pytest.raises(OutputError, match="where images are read"):
        embed_images(picture_folder, picture_folder / "v.npz", encoders=["color"])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_bytes(b"no")
    with pytest.raises(NoImagesError, match=r"No image could be used \(1 file skipped, the first: .*x\.png"):
        embed_images(tmp_path / "bad", file, encoders=["color"])
    assert not file.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_what_autoenc_wrote_is_replaced(suffix: str, picture_folder: Path, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    file = tmp_path / f"v{suffix}"
    embed_images(picture_folder, file, encoders=HAND, labels="folders")
    embed_images(picture_folder, file, encoders=HAND)
    file.write_bytes(b"mine")
    with pytest.raises(OutputError, match="autoenc did not write"):
        embed_images(picture_folder, file, encoders=HAND)
    embed_images(picture_folder, file, encoders=HAND, overwrite=True)
    if suffix in (".csv", ".jsonl"):
        (tmp_path / f"v{suffix}.json").write_text("mine")
        with pytest.raises(OutputError, match=r"\.json: a file is there that autoenc did not write"):
            embed_images(picture_folder, file, encoders=HAND)
