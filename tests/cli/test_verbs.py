"""The command line as a person and a program use it: standard streams kept apart, exit codes.

Where a test holds as well without a process of its own, which takes a third of a second to start, it has none.
"""

from __future__ import annotations

import errno
import inspect
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textured import picture
from torturing.copies import copied

import autoenc
from autoenc.catalog import auditing
from autoenc.cli import build_parser, common, main
from autoenc.cli.train import SETTINGS
from autoenc.comparison import run as comparing
from autoenc.store import open_store, point_id

Call = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str | Path, code: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "autoenc", *map(str, arguments)], capture_output=True, text=True, timeout=120, **options
    )  # type: ignore[call-overload]
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done  # type: ignore[no-any-return]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Does what `run` does, in this process."""

    def called(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        try:
            found: object = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # wrong usage
            found = stop.code
        out, err = capsys.readouterr()
        assert found == code, err
        return subprocess.CompletedProcess(arguments, code, out, err)

    return called


@pytest.fixture(scope="module")
def store(drawn: Path, bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "store"
    run("index", drawn, "--store", folder, "--model", bundle_dir, "--quiet")
    return folder


@pytest.fixture(scope="module")
def query(drawn: Path) -> Path:
    return sorted(drawn.glob("shoe/*.jpg"))[3]


# ---- moving and keeping -----------------------------------------------------------------------------


def test_a_store_is_copied_backed_up_and_restored(call: Call, store: Path, tmp_path: Path) -> None:
    copy, file, back = tmp_path / "copy", tmp_path / "store.zip", tmp_path / "back"
    done = call("copy", "--from", store, "--to", copy, "--quiet")
    assert re.fullmatch(
        r"collection images: 48 points, 48 copied and all compared in .* sha256 [0-9a-f]{64}\n", done.stdout
    )
    again = call("copy", "--from", store, "--to", copy, "--json", "--quiet").stdout
    (told,) = json.loads(again)["collections"].values()
    assert (told["points"], told["copied"], told["collection"]) == (48, 0, "images")
    assert f"sha256 {told['checksum']}" in done.stdout
    out = call("backup", "--store", copy, "--out", file, "--quiet").stdout
    assert re.fullmatch(r"collection images: 48 points\n[0-9.]+ MiB written to .*store\.zip in .* s\n", out)
    assert call("restore", file, "--store", back, "--quiet").stdout == "collection images: 48 points restored\n"
    refused = call("restore", file, "--store", back, code=1).stderr
    assert "Restore into another store, or replace it with --overwrite." in refused
    told = json.loads(call("restore", file, "--store", back, "--overwrite", "--json", "--quiet").stdout)
    assert told["points"] == {"images": 48}
    assert told["bytes"] == file.stat().st_size
    with open_store(store) as ours, open_store(back) as theirs:
        assert [record.payload for record in ours] == [record.payload for record in theirs]
        assert ours.info == theirs.info


def test_a_store_is_reindexed_and_returned_to_what_it_was(call: Call, store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    call("copy", "--from", store, "--to", copy, "--quiet")
    built = call("reindex", "--store", copy, "--model", "clothing-32", "--no-switch", "--quiet").stdout
    first, *_, last = built.splitlines()
    assert re.fullmatch(r"collection images, generation 2: 48 images, 48 encoded in .* s", first)
    assert "  made: learned\n  kept: color, texture, edges\n" in built
    assert re.search(r"^    altered copies that find their original first  +\d+\.\d% +\d+\.\d%$", built, re.MULTILINE)
    assert re.search(r"^    neighbors in common, of ten: \d\.\d \(95% interval .*\)$", built, re.MULTILINE)
    assert last == "Generation 1 still answers. The same command without --no-switch switches."
    told = json.loads(call("reindex", "--store", copy, "--model", "clothing-32", "--json", "--quiet").stdout)
    assert (told["before"], told["generation"], told["switched"], told["encoded"]) == (1, 2, True, 0)
    assert told["agreement"]["learned"]["queries"] == 48
    status = call("status", "--store", copy).stdout
    assert re.search(
        r"^  generation 1 beside generation 2 \(learned from .*\): kept, \d.* MB on disk$", status, re.MULTILINE
    )
    again = call("reindex", "--store", copy, "--model", "clothing-32", "--quiet")
    assert again.stdout == ""
    assert again.stderr.startswith("There is nothing to do: the encoders are those of this collection already")
    assert "collection images@1: whole" in call("check", "--store", copy, "--quiet").stdout
    call("tag", "--store", copy, "--where", "path = shoe/001.jpg", "--set", "price=5")
    back = call("reindex", "--store", copy, "--rollback")
    told = "collection images: generation 1 answers, with what was written since the switch to 1 image\n"
    assert (back.stdout, back.stderr) == (told, "")
    assert "price=5" in call("query", "--store", copy, "--id", "shoe/000.jpg", "-k", "48").stdout
    assert call("query", "--store", copy, "--id", "shoe/001.jpg", "--collection", "images@2", "-k", "1").stdout
    dropped = call("reindex", "--store", copy, "--drop-old", "--json").stdout
    assert json.loads(dropped) == {"collection": "images", "generation": None, "dropped": [2]}
    assert call("reindex", "--store", copy, "--drop-old").stdout.endswith(
        "dropped: none, there is only one generation\n"
    )


def test_reindex_says_what_it_needs(call: Call, store: Path) -> None:
    assert "say what to encode with: --model" in call("reindex", "--store", store, code=2).stderr
    asked = call("reindex", "--store", store, "--rollback", "--model", "clothing-32", code=2)
    assert "--rollback and --drop-old build nothing" in asked.stderr
    asked = call("reindex", "--store", store, "--encoders", "edges", "--missing-limit", "2", code=2)
    assert asked.stderr == "autoenc: --missing-limit is a share from 0 to 1, such as 0.2; got 2.0.\n"


# ---- the journey ------------------------------------------------------------------------------------


def test_train_prints_one_json_document_with_the_promised_keys(drawn: Path, bundle_dir: Path, tmp_path: Path) -> None:
    """The model is the one that the library makes of the same images and settings, in another process."""
    done = run("train", drawn, "--model", tmp_path / "m", "--epochs", "3", "--batch-size", "16", "--json")
    document = json.loads(done.stdout)
    assert {"epochs", "seconds", "images_per_second", "loss", "val_loss", "bundle", "emphasis"} <= set(document)
    assert document["epochs"] == 3
    assert document["bundle"] == str(tmp_path / "m")
    assert autoenc.load_bundle(tmp_path / "m").fingerprint == autoenc.load_bundle(bundle_dir).fingerprint
    assert "cuda" not in done.stderr.lower()  # what TensorFlow says to file descriptor 2 is not for our users


def test_train_says_what_it_did_and_where_to_look(call: Call, picture_folder: Path, tmp_path: Path) -> None:
    text = call("train", picture_folder, "--model", tmp_path / "m", "--epochs", "2").stdout
    assert "Ignored 1 hidden or non-image file." in text
    assert "Trained on 12 images in" in text
    assert "Latents: effective rank" in text
    assert "Cluster mAP, without labels: 0.000 on 1 held-out image (" in text
    assert "measured on 1 held-out image: too few to compare settings by." in text
    assert f"Model: {tmp_path / 'm'}" in text


def test_train_says_what_the_images_are_told_apart_by(call: Call, picture_folder: Path, tmp_path: Path) -> None:
    settings = ("--epochs", "1", "--objective", "structure", "--emphasis", "shape")
    text = call("train", picture_folder, "--model", tmp_path / "m", *settings).stdout
    assert "The targets are made of: edges 1, texture 0.5.\n" in text
    recorded = json.loads((tmp_path / "m" / "bundle.json").read_text())["training"]["emphasis"]
    assert recorded["asked"] == "shape"
    assert recorded["weights"] == {"edges": 1, "color": 0, "texture": 0.5}
    settings = ("--epochs", "1", "--objective", "structure", "--json")
    done = call("train", picture_folder, "--model", tmp_path / "m", *settings)
    assert json.loads(done.stdout)["emphasis"]["asked"] == "auto"


def test_train_says_who_taught_and_what_is_labeled(call: Call, picture_folder: Path, tmp_path: Path) -> None:
    settings = ("--epochs", "1", "--teacher", "edges", "--labels", "folders")
    text = call("train", picture_folder, "--model", tmp_path / "m", *settings).stdout
    assert "Taught by edges, which makes 324 numbers of 32x32 pixels; it weighs as much as the above together." in text
    assert "Labels: 12 images of 3 classes.\n" in text
    training = json.loads((tmp_path / "m" / "bundle.json").read_text())["training"]
    assert training["teacher"]["name"] == "edges"
    assert training["labels"]["classes"] == ["blue", "green", "red"]
    refused = call("train", picture_folder, "--model", tmp_path / "n", "--teacher", "learned", code=2)
    assert refused.stderr.startswith("autoenc: --teacher learned does not say which model")


def test_index_accounts_for_every_file(drawn: Path, tmp_path: Path) -> None:
    (drawn / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    try:
        report = tmp_path / "report.json"
        done = run("index", drawn, "--store", tmp_path / "s", "--encoders", "color", "--json", "--report", report)
    finally:
        (drawn / "broken.jpg").unlink()
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("indexed", "updated", "unchanged", "missing", "ignored")} == {
        "indexed": 48,
        "updated": 0,
        "unchanged": 0,
        "missing": [],
        "ignored": 1,
    }
    assert [Path(skipped["path"]).name for skipped in document["skipped"]] == ["broken.jpg"]
    written = json.loads(report.read_text())
    assert written.pop("written_by") == f"autoenc {autoenc.__version__}"
    assert written == document
    assert "broken.jpg" in done.stderr
    again = run("index", drawn, "--store", tmp_path / "s", "--encoders", "color")
    assert again.stdout.startswith("0 indexed, 0 updated, 48 unchanged, 0 missing")


def test_query_finds_the_picture_itself_first(store: Path, query: Path) -> None:
    document = json.loads(run("query", query, "--store", store, "--json", "-k", "3").stdout)
    assert document["using"] == "learned"
    assert document["query"] == str(query)
    assert len(document["neighbors"]) == 3
    first = document["neighbors"][0]
    assert set(first) == {"id", "path", "score", "parts", "payload"}
    assert first["path"] == str(query)
    assert first["score"] == pytest.approx(1, abs=1e-4)


def test_query_says_whether_the_catalog_has_anything_like_a_picture(
    call: Call, store: Path, query: Path, tmp_path: Path
) -> None:
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(noise)
    unlike = json.loads(call("query", noise, "--store", store, "--json").stdout)["novelty"]
    assert unlike["unlike"]
    assert unlike["percentile"] < 1
    told = call("query", noise, "--store", store).stderr
    assert "Unlike anything in this catalog: only " in told
    found = json.loads(call("query", query, "--store", store, "--json").stdout)["novelty"]
    assert (found["percentile"], found["unlike"]) == (100, False)
    assert call("query", query, "--store", store).stderr == ""
    by_id = call("query", "--id", query, "--store", store, "--json")
    assert json.loads(by_id.stdout)["novelty"] is None


def test_query_prints_a_table(store: Path, query: Path) -> None:
    header, first, *_ = run("query", query, "--store", store, "--using", "edges").stdout.splitlines()
    assert header.split() == ["rank", "score", "path"]
    assert first.split() == ["1", "1.0000", str(query)]


def test_query_shows_the_fields_that_are_the_users(drawn: Path, query: Path, tmp_path: Path) -> None:
    run("index", drawn, "--store", tmp_path / "s", "--encoders", "color", "--source", "shop")
    with open_store(tmp_path / "s") as opened:
        opened.set_payload(point_id("shop", query.relative_to(drawn).as_posix()), {"brand": "Acme", "size": 9})
    header, first, second, *_ = run("query", query, "--store", tmp_path / "s").stdout.splitlines()
    assert header.split() == ["rank", "score", "path", "fields"]
    assert first.endswith("brand=Acme, size=9")
    assert second.endswith(".jpg")


def test_query_by_id_and_by_path(call: Call, store: Path, query: Path, drawn: Path) -> None:
    by_path = json.loads(call("query", "--id", query, "--store", store, "--json").stdout)
    assert by_path["query"] == str(query)
    assert str(query) not in [neighbor["path"] for neighbor in by_path["neighbors"]]
    id = json.loads(call("query", query, "--store", store, "--json").stdout)["neighbors"][0]["id"]
    by_id = json.loads(call("query", "--id", id, "--store", store, "--json").stdout)
    assert by_id["neighbors"] == by_path["neighbors"]


def test_query_filters_and_draws_a_sheet(store: Path, query: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "n.png"
    done = run(
        "query", query, "--store", store, "--filter", "folder=watch", "--filter", "folder=bicycle", "-k", "30",
        "--min-score", "-1", "--sheet", sheet, "--json",
    )  # fmt: skip
    folders = [neighbor["payload"]["_autoenc"]["folder"] for neighbor in json.loads(done.stdout)["neighbors"]]
    assert sorted(folders) == ["bicycle"] * 12 + ["watch"] * 12
    with Image.open(sheet) as picture:
        assert picture.width > 300


def test_where_takes_an_expression_and_filter_narrows_it(call: Call, store: Path, query: Path) -> None:
    where = ("--where", "folder in (watch, bicycle) and not path = bicycle/001.jpg")
    for more, expected in (((), ["bicycle"] * 11 + ["watch"] * 12), (("--filter", "folder=bicycle"), ["bicycle"] * 11)):
        done = call("query", query, "--store", store, *where, *more, "-k", "30", "--json")
        folders = [neighbor["payload"]["_autoenc"]["folder"] for neighbor in json.loads(done.stdout)["neighbors"]]
        assert sorted(folders) == expected


@pytest.fixture
def goods(drawn: Path, tmp_path: Path) -> Path:
    """The sample catalog with a brand and a price: watches are dear."""
    autoenc.index_images(drawn, tmp_path / "goods", encoders=["color", "edges"], progress=False)
    with open_store(tmp_path / "goods") as store:
        store.add_fields({"brand": "keyword", "price": "float", "title": "text"})
        for number, record in enumerate(list(store)):
            dear = record.payload["_autoenc"]["folder"] == "watch"
            title = {"title": "a red watch"} if dear else {}
            store.set_payload(record.id, {"brand": f"b{number % 2}", "price": 100 * dear + number, **title})
    return tmp_path / "goods"


def test_a_hybrid_query_tells_the_parts_of_each_score(call: Call, goods: Path, query: Path, tmp_path: Path) -> None:
    asked = (
        "query", query, "--like", "shoe/001.jpg", "--unlike", "shoe/002.jpg", "--store", goods,
        "--using", "edges=1,color=.5", "--boost", "folder:shoe=.3", "--boost", "brand:b1=.1", "--near", "price:5~10=.2",
        "--words", "red watch", "--where", "price < 90", "--group-by", "price", "--diversity", ".1", "-k", "4",
    )  # fmt: skip
    found = json.loads(call(*asked, "--json").stdout)
    assert found["using"] == "edges=1,color=0.5"
    assert found["novelty"] is None
    assert len(found["neighbors"]) == 4
    for neighbor in found["neighbors"]:
        names = ["edges", "color", "folder=shoe", "brand=b1", "price~5", "contains red", "contains watch"]
        assert list(neighbor["parts"]) == names
        assert sum(neighbor["parts"].values()) == pytest.approx(neighbor["score"], abs=1e-4)
        assert neighbor["payload"]["price"] < 90
    page = json.loads(call(*asked, "--offset", "2", "--sheet", tmp_path / "n.png", "--json").stdout)
    assert page["neighbors"][:2] == found["neighbors"][2:]
    header, first, *_ = call(*asked).stdout.splitlines()
    assert header.split() == ["rank", "score", "path", "parts", "fields"]
    assert "folder=shoe 0.300" in first
    assert (tmp_path / "n.png").exists()


def test_a_sheet_shows_whatever_was_asked(call: Call, goods: Path, query: Path, tmp_path: Path) -> None:
    """The images of a product, examples, or the words: the first of them at the top."""
    with open_store(goods) as store:
        store.set_product("brand")
        first = next(record.id for record in store.scroll("brand = b1"))

    def drawn_by(*asked: str | Path) -> list[int]:
        sheet = tmp_path / "n.png"
        call("query", *asked, "--store", goods, "--using", "edges", "-k", "2", "--sheet", sheet)
        with Image.open(sheet) as picture:
            return list(picture.crop((24, 80, 24 + 128, 80 + 128)).tobytes())

    assert drawn_by("--product", "b1") == drawn_by("--id", first)
    assert drawn_by("--like", "shoe/001.jpg", "--unlike", "shoe/002.jpg") == drawn_by("--id", "shoe/001.jpg")
    assert drawn_by("--like", query) == drawn_by(query)
    sheet = tmp_path / "words.png"
    out = call("query", "--words", "red=.5", "--boost", "brand:b1=1", "--store", goods, "--sheet", sheet).stdout
    assert out.endswith(f"\nSheet: {sheet}\n")
    with Image.open(sheet) as picture:
        words = np.asarray(picture.crop((24, 46, 24 + 128, 46 + 128)).convert("L"))
    assert words.mean() > 200
    assert words.min() < 100


def test_words_and_attributes_alone_need_no_picture(call: Call, goods: Path) -> None:
    words = json.loads(call("query", "--words", "red", "--store", goods, "-k", "30", "--json").stdout)
    assert (words["query"], words["using"]) == ([], "none")
    assert [one["payload"]["title"] for one in words["neighbors"]] == ["a red watch"] * 12
    done = call("query", "--boost", "brand:b9=1", "--store", goods)
    assert done.stdout == "No image matches.\n"
    assert done.stderr == "No image has brand 'b9'. The nearest of 2 values: 'b1', 'b0'.\n"
    said = call("query", "--id", "shoe/001.jpg", "--boost", "title=1", "--store", goods, code=2).stderr
    assert said.startswith("autoenc: --boost of field 'title', which holds text, needs words")
    said = call("query", "--words", "red", "--using", "edges", "--store", goods, code=2).stderr
    assert said.startswith("autoenc: --using compares images; name a picture, --id or --like")
    least = call("query", "--id", "shoe/001.jpg", "--min-percentile", "100", "-k", "48", "--store", goods, "--json")
    assert len(json.loads(least.stdout)["neighbors"]) < 47


def test_a_filter_alone_lists_what_matches(call: Call, goods: Path, tmp_path: Path) -> None:
    with open_store(goods) as store:
        watches = [record.id for record in store if record.payload.get("title")]
    done = call("query", "--where", "title contains watch", "--store", goods, "-k", "2", "--offset", "1")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["number", "path", "fields"]
    assert [row.split()[0] for row in rows] == ["2", "3"]
    assert "a red watch" in rows[0]
    assert done.stderr == "12 images match; -k and --offset show others.\n"
    listed = json.loads(call("query", "--where", "title contains red", "--store", goods, "-k", "50", "--json").stdout)
    assert [(each["id"], each["score"]) for each in listed["neighbors"]] == [(id, None) for id in watches]
    done = call("query", "--where", "brand = b9", "--store", goods)
    assert done.stdout == "No image matches.\n"
    assert done.stderr == "No image has brand 'b9'. The nearest of 2 values: 'b1', 'b0'.\n"
    said = call("query", "--where", "brand = b1", "--store", goods, "--sheet", tmp_path / "s.png", code=2).stderr
    assert "--sheet is of searches; name a picture" in said
    call("query", "--where", "brand = b1", "--store", goods, "-k", "0", code=2)


def test_an_unknown_id_that_a_field_holds_suggests_a_filter(call: Call, goods: Path) -> None:
    call("tag", "--store", goods, "--where", "path = shoe/001.jpg", "--set", "sku=SKU 1", "--set", "number=205")
    said = call("query", "--id", "205", "--store", goods, code=1).stderr
    assert said.endswith('or a path relative to one of them. Did you mean --where "number = 205"?\n')
    said = call("remove", "--id", "SKU 1", "--store", goods, code=1).stderr
    assert said.endswith("Nothing was removed. Did you mean --where \"sku = 'SKU 1'\"?\n")


def test_words_that_no_image_has_are_named(call: Call, goods: Path) -> None:
    done = call("query", "--words", "Red qux zzz", "--store", goods, "-k", "1")
    assert "a red watch" in done.stdout
    assert done.stderr == "No image has 'qux' or 'zzz' in the text of field 'title', as a whole word.\n"
    done = call("query", "--words", "qux=.3", "--store", goods)
    assert (done.stdout, done.stderr) == (
        "No image matches.\n",
        "No image has 'qux' in the text of field 'title', as a whole word.\n",
    )
    said = call("query", "--words", "red=.3,blue=.2", "--store", goods, code=2).stderr
    assert said == (
        "autoenc: --words takes one weight at the end, for all words together, such as red blue=0.3; got "
        "'red=.3,blue=.2'. Weigh words apart with --boost.\n"
    )


def test_a_comma_of_another_script_is_named(call: Call, goods: Path, query: Path, tmp_path: Path) -> None:
    told = "'\N{FULLWIDTH COMMA}' is no comma here; write ','."
    search = ["query", query, "--store", goods]
    said = call(*search, "--where", "brand in (b0\N{FULLWIDTH COMMA}b1)").stderr
    assert said.endswith(f"'b1', 'b0'. {told}\n")
    for using in ("color=1\N{FULLWIDTH COMMA}edges=.5", "color=1\N{FULLWIDTH COMMA}"):
        assert call(*search, "--using", using, code=2).stderr.endswith(f"{told}\n")
    assert call(*search, "--using", "color\N{FULLWIDTH COMMA}edges", code=1).stderr.endswith(f"{told}\n")
    index = ["index", query.parent, "--store", tmp_path / "s", "--encoders", "edges\N{IDEOGRAPHIC COMMA}color"]
    assert "'\N{IDEOGRAPHIC COMMA}' is no comma here" in call(*index, code=1).stderr


def test_neighbors_that_match_nothing_are_told(call: Call, goods: Path, tmp_path: Path) -> None:
    done = call("neighbors", "--store", goods, "--where", "brand = b9", "--out", tmp_path / "n.csv", "--quiet")
    assert done.stderr == (
        "No image matches, so no image has neighbors in the file.\n"
        "No image has brand 'b9'. The nearest of 2 values: 'b1', 'b0'.\n"
    )


def test_no_match_is_no_error(store: Path, query: Path) -> None:
    done = run("query", query, "--store", store, "--filter", "folder=watches")
    assert done.stdout == "No image matches.\n"
    assert done.stderr == ("No image has folder 'watches'. The nearest of 4 values: 'watch'.\n")


def test_compare_writes_its_report(drawn: Path, bundle_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    done = run("compare", drawn, "--model", bundle_dir, "--out", out, "--json")
    document = json.loads(done.stdout)
    assert list(document["encoders"]) == [
        "learned", "color", "texture", "edges", "handcrafted", "pixels+pca32", "edges+pca32",
    ]  # fmt: skip
    keys = {"dim", "p@5", "p@10", "hit@5", "recall@10", "map", "knn@10", "selfrecall@1", "ms_per_image"}
    for figures in document["encoders"].values():
        assert keys <= set(figures)
        low, high = figures["p@5_ci"]
        assert low <= figures["p@5"] <= high
    assert {difference["b"] for difference in document["differences"]} == set(document["encoders"]) - {"learned"}
    assert {"a", "b", "metric", "mean", "ci_low", "ci_high"} <= set(document["differences"][0])
    assert sorted(file.name for file in out.iterdir()) == ["compare.csv", "compare.json", "pareto.png", "report.html"]
    written = json.loads((out / "compare.json").read_text())
    assert written.pop("written_by") == f"autoenc {autoenc.__version__}"
    assert written == document


def test_compare_takes_the_model_that_the_store_remembers(
    call: Call, store: Path, drawn: Path, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Exception):  # noqa: N818
        pass

    def compare(*_: object, model: object, **__: object) -> None:
        raise Asked(model)

    monkeypatch.setattr(comparing, "compare", compare)
    with pytest.raises(Asked, match=re.escape(str(bundle_dir))):
        main(["compare", str(drawn), "--store", str(store)])
    with pytest.raises(Asked, match="clothing-32"):
        main(["compare", str(drawn), "--store", str(store), "--model", "clothing-32"])


def test_status_tells_what_a_store_holds(store: Path, drawn: Path, bundle_dir: Path) -> None:
    text = run("status", "--store", store).stdout
    for said in (
        "collection images: 48 images",
        "encoder learned: 32 numbers per image",
        str(bundle_dir),
        f"source {drawn}: 48 images",
        ": 48 indexed in ",
        "field folder: keyword; bicycle (12), shoe (12), t-shirt (12), watch (12)",
        "MB on disk",
    ):
        assert said in text
    document = json.loads(run("status", "--store", store, "--json").stdout)
    assert document["collections"]["images"]["images"] == 48
    assert list(document["collections"]["images"]["encoders"]) == ["learned", "color", "texture", "edges"]


def test_index_lists_what_is_missing_and_prunes_it(call: Call, picture_folder: Path, tmp_path: Path) -> None:
    index = ("index", picture_folder, "--store", tmp_path / "s", "--encoders", "color", "--quiet")
    call(*index)
    gone = [picture_folder / "red" / f"{number}.png" for number in range(3)]
    for path in gone:
        path.unlink()
    done = call(*index, "--report", tmp_path / "report.json")
    assert "9 unchanged, 3 missing" in done.stdout
    assert [line for line in done.stderr.splitlines() if line.startswith("missing ")] == [f"missing {p}" for p in gone]
    assert "3 images of source" in done.stderr
    assert "--prune removes what has gone" in done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["missing"] == list(map(str, gone))
    refused = call(*index, "--prune", code=1).stderr
    assert "25%, and --prune-limit 0.2 allows 20%" in refused
    assert "gone " not in refused
    done = call(*index, "--prune", "--prune-limit", "0.25", "--json")
    assert [line for line in done.stderr.splitlines() if line.startswith("gone ")] == [f"gone {p}" for p in gone]
    document = json.loads(done.stdout)
    assert (document["missing"], document["pruned"]) == ([], list(map(str, gone)))
    call(*index, "--prune", "--prune-limit", "2", code=2)


def test_remove_shows_first_and_asks(
    call: Call, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("--store", tmp_path / "s")
    call("index", picture_folder, *place, "--encoders", "color", "--source", "shop", "--quiet")
    dry = call("remove", *place, "--path", "red/*", "--dry-run")
    assert [line for line in dry.stderr.splitlines() if line.startswith("remove ")] == [
        f"remove red/{number}.png" for number in range(4)
    ]
    assert "This removes 4 images (4 of source shop), from the store and not from the disk." in dry.stderr
    assert "Files that stay in their folder are added again when it is indexed" in dry.stderr
    assert dry.stdout == "Nothing was removed: this was a dry run.\n"
    assert "Repeat the command with --yes" in call("remove", *place, "--path", "red", code=1).stderr

    def answering(answer: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    answering("\n")
    assert "Nothing was removed." in call("remove", *place, "--path", "red", code=1).stderr
    answering("y\n")
    assert call("remove", *place, "--path", "red").stdout == "removed 4 images (4 of source shop)\n"
    document = json.loads(call("remove", *place, "--filter", "folder=blue", "--yes", "--json").stdout)
    assert [image["path"] for image in document["images"]] == [f"blue/{number}.png" for number in range(4)]
    assert document["done"] is True
    assert "nothing to remove" in call("remove", *place, "--filter", "folder=blue", "--yes").stderr
    for option in ("--yes", "--dry-run"):
        none = call("remove", *place, "--where", "folder = greem", option).stderr.splitlines()
        assert none[0] == "No image matches; there is nothing to remove."
        assert none[1].startswith("No image has folder 'greem'. The nearest of 1 value: 'green'.")
    tagged = call("tag", *place, "--where", "folder = greem", "--set", "a=1", "--quiet")
    assert tagged.stdout == "0 matched, 0 changed\n"
    assert "The nearest of 1 value: 'green'." in tagged.stderr
    assert "one of --id, --path" in call("remove", *place, code=2).stderr
    assert "one of --id, --path" in call("remove", *place, "--source", "shop", "--path", "x", code=2).stderr
    assert "got an empty one" in call("remove", *place, "--path", "green", "--path", "", "--yes", code=2).stderr
    assert (
        "has no source mall; its sources are: 'shop'"
        in call("remove", *place, "--source", "mall", "--yes", code=1).stderr
    )
    call("remove", *place, "--whole-collection", "--yes")
    assert "no collection 'images'" in call("remove", *place, "--source", "shop", code=1).stderr


def test_version() -> None:
    assert run("--version").stdout == f"autoenc {autoenc.__version__}\n"


# ---- standard streams -------------------------------------------------------------------------------


def test_skipped_files_are_a_line_each(call: Call, tmp_path: Path, drawn: Path) -> None:
    folder = tmp_path / "images"
    shutil.copytree(drawn / "shoe", folder)
    for number in range(21):
        (folder / f"a\x1b[31m\n{number:02}.jpg").write_bytes(b"bad")
    done = call("index", folder, "--store", tmp_path / "s", "--encoders", "color")
    lines = done.stderr.splitlines()
    assert lines[0] == f"skipped {folder}/a\\x1b[31m\\n00.jpg: Not an image: the bytes match no known image format."
    assert len(lines) == 21
    assert lines[-1] == "… and 1 more; --report FILE or --json lists them all"
    done = call("compare", folder, "--encoders", "color")
    assert done.stderr.splitlines()[-1] == "… and 1 more; --json lists them all"


def test_names_are_shown_on_one_line_and_told_exactly(call: Call, tmp_path: Path, drawn: Path) -> None:
    picture = tmp_path / "images" / "a\x1b[31m\nb.jpg"
    picture.parent.mkdir()
    shutil.copy(drawn / "shoe" / "000.jpg", picture)
    call("index", picture.parent, "--store", tmp_path / "s", "--encoders", "color")
    done = call("query", picture, "--store", tmp_path / "s")
    assert len(done.stdout.splitlines()) == 2
    assert r"a\x1b[31m\nb.jpg" in done.stdout
    document = json.loads(call("query", picture, "--store", tmp_path / "s", "--json").stdout)
    assert document["neighbors"][0]["path"] == str(picture)


def test_what_pillow_warns_of_is_not_for_the_terminal(tmp_path: Path, drawn: Path) -> None:
    (tmp_path / "images").mkdir()
    with Image.open(drawn / "shoe" / "000.jpg") as picture:
        picture.save(tmp_path / "images" / "1.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    done = run("index", tmp_path / "images", "--store", tmp_path / "s", "--encoders", "color")
    assert done.stdout.startswith("1 indexed")
    assert done.stderr == ""


def test_a_reader_that_leaves_early_is_no_traceback(store: Path) -> None:
    command = f'"{sys.executable}" -m autoenc status --store "{store}" | true'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_numbers_are_asked_for_in_words(call: Call) -> None:
    said = call("query", "x", "--store", "s", "-k", "many", code=2).stderr
    assert said == "autoenc query: argument -k: expected a whole number, got 'many'. See autoenc query --help.\n"
    said = call("query", "x", "--store", "s", "--min-score", "1,5", code=2).stderr
    assert "argument --min-score: expected a number, got '1,5'" in said


# ---- exit codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["train", "x"],
        ["query", "--store", "s"],
        ["query", "a.jpg", "--store", "s", "--filter", "folder"],
        ["query", "a.jpg", "--store", "s", "-k", "many"],
        ["index", "x", "--store", "s", "--encoders", ","],
        ["index", "x", "--store", ":memory:"],
        ["index", "x", "--store", "s", "--metdata", "f"],
        ["index", "", "--store", "s"],
    ],
)
def test_wrong_usage_is_exit_code_2(call: Call, arguments: list[str]) -> None:
    (said,) = call(*arguments, code=2).stderr.splitlines()
    prog = "autoenc" if arguments[:1] in ([], ["paint"]) else f"autoenc {arguments[0]}"
    assert said.startswith(f"{prog}: ")
    assert said.endswith(f". See {prog} --help.")


def test_errors_are_one_sentence_and_exit_code_1(
    call: Call, store: Path, query: Path, drawn: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    cases = {
        ("train", tmp_path / "none", "--model", tmp_path / "m"): "does not exist",
        ("train", tmp_path / "empty", "--model", tmp_path / "m"): "Found no image",
        ("train", drawn, "--model", tmp_path / "other"): "not empty and not a bundle",
        ("index", drawn, "--store", tmp_path / "s"): "'learned' needs a trained model",
        ("index", drawn, "--store", tmp_path / "s", "--model", tmp_path / "none"): "does not exist",
        ("index", drawn, "--store", tmp_path / "s", "--encoders", "sift"): "Unknown encoder 'sift'",
        ("index", drawn, "--store", tmp_path / "other", "--encoders", "color"): "other",
        ("query", query, "--store", tmp_path / "none"): "none",
        ("query", query, "--store", tmp_path / "other"): "other",
        ("query", query, "--store", store, "--collection", "hats"): "hats",
        ("query", tmp_path / "text.jpg", "--store", store): f"{tmp_path / 'text.jpg'}: Not an image",
        ("query", tmp_path / "none.jpg", "--store", store): "No such file",
        ("query", "--id", "none.jpg", "--store", store): "holds no image none.jpg",
        ("query", query, "--store", store, "--using", "sift"): "no vectors of encoder 'sift'",
        ("query", query, "--store", store, "--using", "lerned"): "Did you mean 'learned'?",
        ("query", query, "--store", drawn): "holds other files, such as ",
        ("query", query, "--store", store, "--sheet", tmp_path / "no" / "n.png"): "n.png",
        ("query", query, "--store", "http://127.0.0.1:9"): "127.0.0.1:9",
        ("compare", drawn, "--out", tmp_path / "out"): "'learned' needs a trained",
        ("compare", drawn, "--encoders", "color", "--labels", tmp_path / "no.csv", "--label-column", "x"): "no.csv",
        ("status", "--store", tmp_path / "other"): "other",
    }
    for arguments, said in cases.items():
        done = call(*arguments, code=1)
        assert done.stdout == ""
        assert done.stderr.startswith("autoenc: "), (arguments, done.stderr)
        assert said in done.stderr, arguments
        assert len(done.stderr.strip().splitlines()) == 1, (arguments, done.stderr)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "other", "text.jpg"]  # nothing left behind


def test_wrong_usage_is_one_sentence_in_the_words_of_the_command_line_and_exit_code_2(
    call: Call, drawn: Path, store: Path, query: Path, tmp_path: Path
) -> None:
    cases = {
        ("query", query, "--store", store, "-k", "0"): "autoenc: -k must be a whole number from 1 to 1,000,000; got 0.",
        ("query", query, "--store", store, "--group-by", "prodct"): "autoenc: Collection 'images' has no filterable",
        ("query", query, "--store", store, "--group-by", "product"): (
            "autoenc: Collection 'images' does not know which field names products; index with --product-column of a "
        ),
        ("query", query, "--store", store, "--min-score", "nan"): "autoenc: --min-score must be a number",
        ("query", query, "--store", store, "--filter", "width=wide"): "autoenc: Field 'width' holds signed",
        ("query", query, "--store", store, "--filter", "brand=x"): (
            "autoenc: Collection 'images' has no filterable field 'brand'; it has 'folder', 'height', 'path', 'source'"
        ),
        ("query", query, "--store", store, "--where", "width < "): (
            "autoenc: The filter --where 'width < ' cannot be read at its end: expected a value"
        ),
        ("query", query, "--store", store, "--collection", "a/b"): "autoenc: A collection's name",
        ("train", drawn, "--model", tmp_path / "m", "--epochs", "0"): "autoenc: --epochs",
        (
            "train",
            drawn,
            "--model",
            tmp_path / "m",
            "--emphasis",
            "a\x1b[31m\nb",
        ): "autoenc: --emphasis must be auto, shape",
        ("index", drawn, "--store", tmp_path / "s", "--encoders", "color,color"): "autoenc: Encoder 'color' is named",
        ("compare", drawn, "--labels", "folders", "--label-column", "kind"): "autoenc: ",
    }
    for arguments, said in cases.items():
        done = call(*arguments, code=2)
        assert done.stderr.startswith(said), (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, (arguments, done.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("Name it with model= or label_column=.", "Name it with --model or --label-column."),
        ("Go on with resume=True.", "Go on with --resume."),
        ("Index with encoders=color to add it; k= is 0.", "Index with --encoders color to add it; -k is 0."),
        ("`collection=` names one; width= is no option.", "--collection names one; width= is no option."),
        ("Give fewer values to where=.", "Give fewer values to --where."),
        ("The filter where= 'k=3 or id = x' cannot be read.", "The filter --where 'k=3 or id = x' cannot be read."),
        ("The image's id= is 'k=3'.", "The image's --id is 'k=3'."),
        ("Train with another emphasis=.", "Train with another --emphasis."),
    ],
)
def test_the_librarys_parameters_become_flags(message: str, flags: str) -> None:
    assert common.as_flags(message) == flags


def test_every_flag_that_messages_may_name_is_an_option() -> None:
    (verbs,) = [action for action in build_parser()._actions if isinstance(getattr(action, "choices", None), dict)]
    options = {
        option for verb in verbs.choices.values() for action in verb._actions for option in action.option_strings
    }  # type: ignore[union-attr]
    assert {f"-{name}" if len(name) == 1 else f"--{name}" for name in common.FLAGS} <= options


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a\nb"), r"autoenc: Permission denied: /a\nb"),
        (OSError(errno.ENOSPC, "No space left on device"), "autoenc: No space left on device"),
        (OSError("odd"), "autoenc: odd"),
    ],
)
def test_what_the_system_refuses_is_a_clear_error(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(location: str) -> list[str]:
        raise error

    monkeypatch.setattr("autoenc.store.list_collections", refuse)
    assert main(["status", "--store", "s"]) == 1
    assert capsys.readouterr().err == said + "\n"


def test_only_bad_images_are_exit_code_1_and_leave_no_store(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(b"bad")
    done = run("index", tmp_path / "images", "--store", tmp_path / "s", "--encoders", "color", code=1)
    assert "No image could be used (1 file skipped)" in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_store_open_in_another_process_is_said_to_be(store: Path, query: Path) -> None:
    code = (
        "import sys, time; from autoenc import open_store; s = open_store(sys.argv[1]); "
        "print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(store)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        done = run("query", query, "--store", store, "--wait", "0.1", code=1)
        assert f"is open in process {holder.pid}" in done.stderr
        assert "wait longer with --wait SECONDS" in done.stderr
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_says_how_to_go_on(drawn: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "autoenc", "train", str(drawn), "--model", str(tmp_path / "m"), "--epochs", "5000",
         "--patience", "5000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # What a shell starts in the background ignores Ctrl-C, and its children with it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    checkpoint = tmp_path / ".m.training" / "state.npz"
    try:
        deadline = time.monotonic() + 60
        while not checkpoint.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "--resume goes on from there" in errors
    assert "Traceback" not in errors
    assert checkpoint.exists()


def test_a_sheet_is_never_written_among_the_indexed_images(
    call: Call, drawn: Path, query: Path, tmp_path: Path
) -> None:
    photos = shutil.copytree(drawn, tmp_path / "photos")
    call("index", photos, "--store", tmp_path / "s", "--encoders", "color")
    photo = photos / "shoe" / "001.jpg"
    before = photo.read_bytes()
    for sheet in (photo, photos / "new.png"):
        done = call("query", query, "--store", tmp_path / "s", "--sheet", sheet, "--overwrite", code=1)
        assert "where images are read" in done.stderr
    assert photo.read_bytes() == before
    assert not (photos / "new.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [["index", "", "--store", "s"], ["query", "", "--store", "s"], ["index", "p", "--store", "s", "--source", ""]],
)
def test_an_empty_argument_is_not_taken_for_the_current_folder(arguments: list[str]) -> None:
    assert "is empty" in run(*arguments, code=2).stderr


# ---- check ------------------------------------------------------------------------------------------


def test_a_whole_store_is_said_to_be(store: Path) -> None:
    done = run("check", "--store", store, "--quiet")
    assert "collection images: whole; 48 points" in done.stdout
    run("check", "--store", store, "--quiet", "--strict")
    assert "vectors read again: 48 of " in done.stdout
    document = json.loads(run("check", "--store", store, "--json", "--quiet").stdout)
    assert document["collections"]["images"]["whole"] is True


def test_a_damaged_store_is_one_sentence_and_an_exit_code(store: Path, query: Path, tmp_path: Path) -> None:
    copy = copied(store, tmp_path / "copy")
    (path,) = copy.rglob("mutable_id_tracker.mappings")
    path.write_bytes(path.read_bytes()[:100])
    for verb in (["check", "--quiet"], ["status"], ["query", query]):
        done = run(*verb, "--store", copy, code=1)
        assert ("not whole" in done.stdout) is (verb[0] == "check")
        assert done.stderr.count("\n") == 1
        assert "is damaged: shard/segments/" in done.stderr
    document = json.loads(run("check", "--store", copy, "--json", "--quiet", code=1).stdout)
    assert "is damaged" in document["collections"]["images"]["problems"][0]


def test_neighbors_writes_a_file_and_says_how_many(call: Call, store: Path, drawn: Path, tmp_path: Path) -> None:
    done = call("neighbors", "--store", store, "-k", "3", "--using", "color", "--out", tmp_path / "n.csv")
    assert re.fullmatch(r".*n\.csv: the neighbors of 48 images by color, in \d+\.\d s\n", done.stdout)
    assert len((tmp_path / "n.csv").read_text().splitlines()) == 1 + 3 * 48
    document = json.loads(call("neighbors", "--store", store, "--out", tmp_path / "n.jsonl", "--json").stdout)
    assert document.pop("seconds") > 0
    assert document == {
        "file": str(tmp_path / "n.jsonl"), "using": "learned", "images": 48, "lacking": 0, "resumed": 0,
    }  # fmt: skip
    (tmp_path / "mine.csv").write_text("a,b\n")
    refused = call("neighbors", "--store", store, "--out", tmp_path / "mine.csv", code=1)
    assert "did not write" in refused.stderr
    assert "--overwrite" in refused.stderr


def test_an_audit_shows_every_way_to_search_and_the_exit_code_tells_of_low_recall(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = call("audit", "--store", store, "--min-recall", "1", "--quiet")
    assert re.search(
        r"^\* exact +1\.0000 +\d+\.\d{3} +\d+\.\d{3} +\d+\.\d +\d+\.\d$", shown.stdout.replace(">", "*"), re.M
    )
    assert "there is no graph to audit" in shown.stderr
    document = json.loads(call("audit", "--store", store, "--using", "color", "--quiet", "--json").stdout)
    assert (document["using"], document["recall"], document["applied"]) == ("color", 1.0, False)
    assert "argument" not in call("audit", "--store", store, "--min-recall", "2", code=2).stderr
    assert call("audit", "--store", store, "--min-recall", "2", code=2).stderr.startswith("autoenc: --min-recall must")
    monkeypatch.setattr("autoenc.catalog.auditing.AuditReport.recall", 0.93456)
    low = call("audit", "--store", store, "--min-recall", ".95", "--quiet", code=1)
    assert "autoenc: recall 0.9345 is below 0.95.\n" in low.stderr
    call("audit", "--store", store, "--quiet")


def test_duplicates_are_shown_written_told_apart_and_removed(call: Call, tmp_path: Path) -> None:
    folder, place = tmp_path / "shop", tmp_path / "store"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(picture(seed)).save(folder / f"{seed}.png")
    Image.fromarray(picture(0)[:, ::-1][::2, ::2].copy()).save(folder / "0 small.png")
    shutil.copy(folder / "1.png", folder / "1 again.png")
    call("index", folder, "--store", place, "--source", "shop", "--encoders", "color,edges", "--quiet")
    verb = ("duplicates", "--store", place, "--quiet")
    files = [tmp_path / name for name in ("d.csv", "d.jpg", "d.png")]
    out = call(*verb, "--out", files[0], "--sheet", files[1], "--plot", files[2]).stdout
    assert out.startswith("2 groups with 2 copies beside the best, in 6 images by color; likeness 0.86 or more (fixed)")
    assert re.search(r"best +96x128 +.*0\.png\n.* 0\.[89]\d\d +48x64 +.*0 small\.png", out)
    assert re.search(r"exact +96x128", out)
    assert out.endswith(f"\nList: {files[0]}\nSheet: {files[1]}\nPlot: {files[2]}\n")
    assert "likeness to the best" in out
    call("tag", "--store", place, "--set", "sku=S1", "--filter", "_autoenc.path=1.png", "--quiet")
    call("tag", "--store", place, "--set", "sku=S2", "--filter", "_autoenc.path=1 again.png", "--quiet")
    assert len(re.findall("fields of its own", call(*verb).stdout)) == 2  # above the table, and in it
    call("tag", "--store", place, "--unset", "sku", "--filter", "_autoenc.path=1.png", "--quiet")
    assert all(file.stat().st_size > 200 for file in files)
    assert call("duplicates", "--store", place, "--not-duplicates", "0.png", folder / "0 small.png").stdout == (
        "2 images: remembered that they are no duplicates.\n"
    )
    document = json.loads(call(*verb, "--json").stdout)
    assert ([len(group) for group in document["groups"]], document["removal"]) == ([2], None)
    assert "forgotten" in call("duplicates", "--store", place, "--forget", "0.png", "0 small.png").stdout
    refused = call(*verb, "--remove", "worse", code=1).stderr
    assert re.findall("^remove (.*)$", refused, re.MULTILINE)[0] == "0 small.png"
    assert "Repeat the command with --yes" in refused
    done = json.loads(call(*verb, "--remove", "worse", "--yes", "--json").stdout)
    assert len(done["removal"]["images"]) == 2
    assert len(list(folder.iterdir())) == 6
    nothing = call(*verb, "--remove", "worse", "--yes")
    assert "nothing to remove" in nothing.stderr
    assert nothing.stdout.startswith("0 groups")
    assert "--threshold must be" in call(*verb, "--threshold", "2", code=2).stderr
    assert "--yes goes with --remove" in call(*verb, "--yes", code=2).stderr
    assert "expected a .png" in call(*verb, "--plot", "plot.svg", code=2).stderr
    (tmp_path / "mine.csv").write_text("a,b\n")
    assert "--overwrite" in call(*verb, "--out", tmp_path / "mine.csv", code=1).stderr


def test_without_matplotlib_a_report_says_what_it_lacks_and_a_plot_is_refused_before_the_work(
    call: Call, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    done = call("compare", drawn, "--encoders", "color,edges", "--out", tmp_path / "out", "--quiet")
    assert "The report has no plots: they need Matplotlib, pip install 'autoenc[plots]'." in done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["compare.csv", "compare.json", "report.html"]
    call("index", drawn, "--store", tmp_path / "store", "--encoders", "color", "--quiet")
    monkeypatch.setattr("autoenc.catalog.duplicates.find_duplicates", None)
    plot = ("duplicates", "--store", tmp_path / "store", "--plot", tmp_path / "plot.png", "--quiet")
    assert "pip install 'autoenc[plots]'" in call(*plot, code=1).stderr


def test_duplicates_say_what_is_done_when_they_are_stopped(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, place = tmp_path / "shop", tmp_path / "store"
    folder.mkdir()
    for name in ("1", "1 again"):
        Image.fromarray(picture(1)).save(folder / f"{name}.png")
    call("index", folder, "--store", place, "--encoders", "color", "--quiet")

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    verb = ("duplicates", "--store", place, "--quiet")
    with monkeypatch.context() as patch:
        patch.setattr("autoenc.catalog.duplicates.near_pairs", stopped)
        assert call(*verb, code=130).stderr == "autoenc: stopped. Nothing was removed.\n"
        assert call(*verb, "--remove", "worse", code=130).stderr.endswith("stopped. Nothing was removed.\n")
    with monkeypatch.context() as patch:
        patch.setattr("autoenc.cli.confirming.confirmed", stopped)
        assert call(*verb, "--remove", "worse", code=130).stderr.endswith("stopped. Nothing was removed.\n")
    with monkeypatch.context() as patch:
        patch.setattr("autoenc.catalog.removing.refresh_scales", stopped)
        err = call(*verb, "--remove", "worse", "--yes", code=130).stderr
        assert "Some copies may have been removed: run the same command again to finish." in err
    with monkeypatch.context() as patch:
        patch.setattr("autoenc.catalog.verdicts.mark_not_duplicates", stopped)
        err = call(*verb, "--not-duplicates", "1.png", "1 again.png", code=130).stderr
        assert err == "autoenc: stopped. Run the same command again to finish.\n"


# ---- help -------------------------------------------------------------------------------------------


def test_every_verb_and_option_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    parser = build_parser()
    (verbs,) = [action for action in parser._actions if hasattr(action, "choices") and isinstance(action.choices, dict)]
    assert set(verbs.choices) == {
        *("train", "index", "query", "neighbors", "tag", "compare", "status", "check", "remove", "copy", "backup"),
        *("restore", "duplicates", "audit", "reindex", "serve", "behavior", "describe-model"),
        *("finetune", "classify", "embed", "export"),
    }
    for name, verb in verbs.choices.items():
        assert verb.description, name
        for action in verb._actions:
            assert action.help, (name, action.dest)


def test_the_defaults_said_in_help_are_those_of_the_library() -> None:
    (verbs,) = [action for action in build_parser()._actions if isinstance(getattr(action, "choices", None), dict)]
    functions = {
        "train": autoenc.train,
        "index": autoenc.index_images,
        "compare": autoenc.compare,
        "audit": autoenc.audit_store,
        "reindex": autoenc.reindex_store,
        "neighbors": autoenc.write_neighbors,
    }
    for name, function in functions.items():
        parameters = inspect.signature(function).parameters
        said = {}
        for action in verbs.choices[name]._actions:  # type: ignore[index]
            found = re.search(r"\(default: ([^ ]+)\)", action.help or "")
            if found and action.dest in parameters:
                said[action.dest] = found[1]
        defaults = {dest: parameters[dest].default for dest in said}
        defaults |= {"encoders": comparing.DEFAULT_ENCODERS} if name == "compare" else {}
        defaults |= {"min_recall": auditing.WANTED} if name == "audit" else {}
        assert said
        assert said == {
            dest: ",".join(value) if isinstance(value, tuple) else str(value) for dest, value in defaults.items()
        }


def test_settings_that_are_not_given_are_left_to_the_library() -> None:
    assert not set(vars(build_parser().parse_args(["train", "x", "--model", "m"]))) & set(SETTINGS)
    assert set(SETTINGS) <= set(inspect.signature(autoenc.train).parameters)
    given = build_parser().parse_args(["train", "x", "--model", "m", "--latent-dim", "8", "--learning-rate", "0.1"])
    assert (given.latent_dim, given.learning_rate) == (8, 0.1)
