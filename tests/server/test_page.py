"""The page in a real browser: headless Chromium from the system, driven through every feature.

AUTOENC_SCREENSHOTS names a folder in which to keep pictures of the page at three widths in both themes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium, fetched_axe, serious_faults
from PIL import Image

from autoenc import Metadata, index_images

pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")
pytest.importorskip("uvicorn", reason="listening needs uvicorn: pip install 'autoenc[serve]'")

PAGE = Path(__file__).resolve().parents[2] / "autoenc" / "server" / "page"
KEY = "open-sesame-open-sesame"
HOSTILE = '<img src=x onerror="window.hurt = 1"><b>Bold</b>'
WIDTHS = {1440: 900, 768: 1024, 390: 844}
KEPT = os.environ.get("AUTOENC_SCREENSHOTS")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def shop(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photos/ with 48 drawn products and a smaller copy of one, and a store/ of them; one title holds HTML."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(drawn, folder / "photos")
    with Image.open(folder / "photos" / "shoe" / "003.jpg") as image:
        image.resize((128, 128)).save(folder / "photos" / "shoe" / "003-copy.jpg", quality=80)
    table = folder / "photos" / "catalog.csv"
    lines = table.read_text().splitlines()
    assert lines[1].startswith("watch/000.jpg,")
    lines[1] = 'watch/000.jpg,"{}",{}'.format(HOSTILE.replace('"', '""'), ",".join(lines[1].rsplit(",", 7)[1:]))
    stock = ["stock", *(str(number % 14) for number in range(len(lines)))]  # an amount, of which some have as much
    lines = [f"{line},{amount}" for line, amount in zip(lines, stock, strict=False)]
    table.write_text("\n".join(lines) + "\n")
    index_images(
        folder / "photos",
        folder / "store",
        model="clothing-32-2",
        metadata=Metadata(table),
        products="folders",
        progress=False,
    )
    return folder


@pytest.fixture(scope="module")
def serve(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts `autoenc serve` on a copy of the shop's store, with options, and returns its address."""
    running = []

    def start(*options: str) -> str:
        folder = tmp_path_factory.mktemp("served")
        shutil.copytree(shop / "store", folder / "store")
        command = [sys.executable, "-m", "autoenc", "serve", "--store", folder / "store", "--cache", folder / "cache"]
        process = subprocess.Popen(
            [*command, "--port", "0", "--no-access-log", *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "AUTOENC_API_KEY": KEY, "PYTHONPATH": str(PAGE.parents[2]), "PYTHONUNBUFFERED": "1"},
        )
        running.append(process)
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://\S+", told)
        assert found, told
        return found[0]

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="module")
def url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    report = tmp_path_factory.mktemp("report")
    (report / "report.html").write_text("<h1>Which encoder retrieves better</h1>")
    return serve("--report", str(report))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def open_page(browser: Any, url: str) -> Iterator[Open]:
    """Opens the page; at the end, nothing may have gone wrong in it, nor been asked of another host."""
    contexts, faults = [], []

    def opened(path: str = "", *, at: str = url, width: int = 1440, theme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": WIDTHS[width]},
            color_scheme=theme,
            has_touch=width < 800,
            reduced_motion="reduce",
            accept_downloads=True,
            locale="en-US",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
        page.on("request", lambda asked: None if local(asked.url, at) else faults.append(asked.url))
        page.goto(f"{at}/{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def local(address: str, at: str) -> bool:
    return address.startswith((at, "blob:", "data:"))


def cards(page: Any) -> Any:
    return page.locator(".results .grid > .card:not(.awaited)")


def settle(page: Any) -> None:
    """Wait until the results are there."""
    page.wait_for_selector(".results:not(.stale) .card:not(.awaited)")


def first_id(page: Any) -> str:
    return str(cards(page).first.get_attribute("data-id"))


def searched(page: Any) -> None:
    """Search by the first product of the catalog."""
    settle(page)
    cards(page).first.locator(".frame a").click()
    page.wait_for_selector(".searching .subject")
    settle(page)


def test_the_catalog_stands_as_a_grid_of_pictures(open_page: Open) -> None:
    page = open_page()
    settle(page)
    assert page.locator("h1").inner_text() == "Show it. Find what looks like it."
    assert cards(page).count() == 49
    page.wait_for_function("() => document.querySelector('.card img').naturalWidth > 0")
    assert page.locator(".total").inner_text() == "49 pictures"


def test_all_files_of_the_page_weigh_under_300_kb() -> None:
    assert 0 < sum(path.stat().st_size for path in PAGE.iterdir()) < 300_000


def test_html_in_metadata_is_text(open_page: Open) -> None:
    page = open_page()
    settle(page)
    card = cards(page).filter(has_text="<b>Bold</b>")
    assert card.locator(".name").text_content() == HOSTILE
    card.locator(".name").click()
    page.wait_for_selector("dialog .fields")
    assert page.locator("dialog h2").inner_text() == HOSTILE
    assert page.locator("b").count() == 0
    assert page.evaluate("window.hurt") is None


def test_a_click_on_a_product_searches_by_it_and_the_address_is_the_search(open_page: Open) -> None:
    page = open_page()
    settle(page)
    id = first_id(page)
    searched(page)
    assert page.url.endswith(f"?id={id}")
    found = [card.get_attribute("data-id") for card in cards(page).all()]
    assert id not in found
    scores = [float(text.split()[-1]) for text in page.locator(".card .score").all_text_contents()]
    assert len(scores) == len(found)
    assert scores == sorted(scores, reverse=True)
    shared = open_page(f"?id={id}")
    settle(shared)
    assert [card.get_attribute("data-id") for card in cards(shared).all()][:20] == found[:20]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.go_back()
    page.wait_for_selector(".hero")
    settle(page)
    assert cards(page).count() == 49
    assert not [url for url in asked if "/v1/images?" in url]  # it stands as it was left


def test_a_picture_is_chosen_cropped_dropped_and_pasted(open_page: Open, shop: Path) -> None:
    page = open_page()
    settle(page)
    photo = shop / "photos" / "bicycle" / "004.jpg"
    page.locator("#file").set_input_files(photo)
    page.wait_for_selector(".subject canvas")
    settle(page)
    assert "picture=" in page.url
    same = first_id(page)
    cards(page).first.locator(".name").click()
    assert "bicycle/004.jpg" in page.locator("dialog .fields").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")

    page.get_by_role("button", name="Crop").click()
    page.get_by_role("button", name="Corner top left").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Search by this part").click()
    page.wait_for_url("**/*crop=0.120%2C0.120%2C0.900%2C0.900*")
    settle(page)
    page.reload()
    settle(page)
    assert page.get_by_role("button", name="Crop again").is_visible()

    give = """async ([name, kind]) => {
      const blob = await (await fetch(document.querySelector('.card img').src)).blob();
      const data = new DataTransfer();
      data.items.add(new File([blob], 'photo.jpg', {type: kind}));
      const event = name === 'paste' ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
        : new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true});
      document.body.dispatchEvent(event);
    }"""
    for name in ("drop", "paste"):
        before = page.url
        page.evaluate(give, [name, "image/jpeg"])
        page.wait_for_function("before => location.href !== before", arg=before)
        settle(page)
    page.evaluate(give, ["dragover", "image/jpeg"])
    assert page.locator("#drop").is_visible()
    page.evaluate(give, ["drop", "text/plain"])
    assert page.locator(".toast").inner_text() == "That is not a picture (text/plain)."
    assert same


def test_encoders_switch_and_stand_side_by_side(open_page: Open) -> None:
    page = open_page()
    searched(page)
    by_look = first_id(page)
    page.locator(".switch label", has_text="Color").click()
    page.wait_for_url("**/*using=color*")
    settle(page)
    by_color = first_id(page)
    page.locator(".switch label", has_text="Look").click()
    page.wait_for_function("() => !location.search.includes('using')")
    page.get_by_role("button", name="Side by side").click()
    page.wait_for_selector(".pair")
    lists = page.locator(".pair .list")
    assert [one.locator(".card").first.get_attribute("data-id") for one in lists.all()] == [by_look, by_color]
    page.get_by_label("The second encoder").select_option("edges")
    page.wait_for_url("**/*versus=edges*")


def test_filters_narrow_what_is_shown(open_page: Open) -> None:
    page = open_page()
    settle(page)
    category = page.locator("fieldset.facet", has=page.locator("legend", has_text="Category"))
    category.locator("label", has_text="watch").click()
    page.wait_for_function("() => document.querySelector('.total').textContent === '12 pictures'")
    assert "shoe" in category.inner_text()  # a second value can still be added
    category.locator("label", has_text="t-shirt").click()
    page.wait_for_function("() => document.querySelector('.total').textContent === '24 pictures'")
    assert page.get_by_label("Stock: to").is_visible()  # 14 whole numbers: a span, not 14 boxes
    slider = page.get_by_label("Price: to")
    slider.focus()
    page.keyboard.press("PageDown")
    page.wait_for_function("() => document.querySelectorAll('.chip').length === 3")
    settle(page)
    most = float(page.url.split("..")[1].split("&")[0])
    prices = [float(text) for text in page.locator(".card .price").all_text_contents()]
    assert prices
    assert max(prices) <= most
    page.get_by_role("button", name="Clear all").click()
    page.wait_for_function("() => document.querySelector('.total').textContent === '49 pictures'")


def test_filters_that_nothing_matches_say_so_and_can_be_cleared(open_page: Open) -> None:
    page = open_page("?is=category:watch&is=detail:stripes")
    page.get_by_text("Nothing matches all of these filters").wait_for()
    page.get_by_role("button", name="Clear the filters").click()
    settle(page)
    assert cards(page).count() == 49


def test_words_search_titles(open_page: Open) -> None:
    page = open_page()
    settle(page)
    page.get_by_label("Search by words").fill("sneaker")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?words=sneaker")
    settle(page)
    names = page.locator(".card .name").all_text_contents()
    assert "sneaker" in names[0].lower()
    cards(page).first.hover()
    cards(page).first.get_by_role("button", name="More like this").click()
    page.wait_for_url("**/*like=*")
    page.wait_for_selector(".card .parts")


def test_weights_make_a_hybrid_score_whose_parts_are_shown(open_page: Open) -> None:
    page = open_page()
    searched(page)
    weight = page.get_by_label("Color", exact=True).and_(page.locator("input[type=range]"))
    weight.focus()
    page.keyboard.press("End")
    page.wait_for_selector(".parts")
    assert "using=learned%3D1%2Ccolor%3D1" in page.url
    assert page.evaluate("document.activeElement.dataset.key") == "weight:color"
    page.get_by_text("Shared attributes").click()
    page.get_by_label("Same category").focus()
    page.keyboard.press("End")
    page.wait_for_url("**/*boost=category%3D1*")
    page.wait_for_function("() => document.querySelectorAll('.card:first-child .parts dt').length === 3")
    parts = cards(page).first.locator(".parts dt").all_text_contents()
    assert parts == ["Look", "Color", "Category"]
    page.get_by_role("button", name="As it was").click()
    page.wait_for_selector(".score")


def test_one_photo_of_each_product_is_enough(open_page: Open) -> None:
    page = open_page()
    searched(page)
    with page.expect_response("**/v1/search") as answer:
        page.get_by_role("switch", name="One photo a product").check()
    page.wait_for_url("**/*grouped=1*")
    page.wait_for_function("() => document.querySelectorAll('.results .card').length === 4")
    products = [neighbor["image"]["product"] for neighbor in answer.value.json()["neighbors"]]
    assert sorted(products) == ["bicycle", "shoe", "t-shirt", "watch"]


def test_variety_and_the_link_are_part_of_the_address(open_page: Open) -> None:
    page = open_page()
    searched(page)
    page.get_by_label("Variety").focus()
    page.keyboard.press("End")
    page.wait_for_url("**/*diversity=1*")
    settle(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Copy the link").click()
    page.locator(".toast").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url


def test_the_report_is_a_click_away(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="Report").click()
    page.get_by_text("Which encoder retrieves better").wait_for()


def test_a_phone_offers_its_camera_and_the_filters_as_a_sheet(open_page: Open) -> None:
    page = open_page(width=390)
    settle(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take a photo").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
    page.get_by_role("button", name="Filters").click()
    page.locator("dialog label", has_text="bicycle").click()
    page.wait_for_function("() => document.querySelector('.total').textContent === '12 pictures'")
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("dialog", state="detached")
    assert page.locator(".side .facet").count() > 0


def test_thumbs_refine_the_search(open_page: Open) -> None:
    page = open_page()
    searched(page)
    liked = str(cards(page).nth(4).get_attribute("data-id"))
    cards(page).nth(4).hover()
    cards(page).nth(4).get_by_role("button", name="More like this").click()
    page.wait_for_url(f"**/*like={liked}*")
    settle(page)
    assert page.locator(f'.card[data-id="{liked}"]').count() == 0
    cards(page).first.hover()
    cards(page).first.get_by_role("button", name="Less like this").click()
    page.wait_for_url("**/*unlike=*")
    assert page.locator(".thumb").count() == 2
    page.locator(".thumb.like .away").click()
    page.wait_for_function("() => document.querySelectorAll('.thumb').length === 1")


def test_the_preview_tells_what_is_known_and_leads_on(open_page: Open) -> None:
    page = open_page()
    searched(page)
    title = cards(page).first.locator(".name").text_content()
    cards(page).first.locator(".name").click()
    page.wait_for_selector("dialog .similar .strip")
    assert page.locator("dialog h2").inner_text() == title
    assert "Why it was found" in page.locator("dialog").inner_text()
    assert page.locator("dialog .photo img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 160
    page.locator("dialog .similar .strip button").first.click()
    page.wait_for_function("title => document.querySelector('dialog h2')?.textContent !== title", arg=title)
    page.go_back()
    page.wait_for_function("title => document.querySelector('dialog h2')?.textContent === title", arg=title)
    page.get_by_role("button", name="Find similar").click()
    page.wait_for_selector("dialog", state="detached")
    page.wait_for_function("title => document.querySelector('.asked').textContent === `Like ${title}`", arg=title)


def test_a_picture_unlike_the_catalog_is_said_kindly(open_page: Open, shop: Path) -> None:
    page = open_page()

    def unlike(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(json={**answer.json(), "novelty": {"unlike": True, "percentile": 0.1, "told": "…"}})

    page.route("**/v1/search", unlike)
    settle(page)
    page.locator("#file").set_input_files(shop / "photos" / "shoe" / "001.jpg")
    page.get_by_text("This may not be in the catalog.").wait_for()


def test_results_are_taken_away_as_a_table_and_as_a_contact_sheet(open_page: Open) -> None:
    page = open_page("?is=category:shoe")
    searched(page)
    for name, start in {"Table (CSV)": b"rank,score,id,path", "Contact sheet (PNG)": b"\x89PNG"}.items():
        page.locator(".menu summary").click()
        with page.expect_download() as download:
            page.get_by_text(name).click()
        assert Path(download.value.path()).read_bytes().startswith(start)


def test_the_map_zooms_leads_to_a_search_and_is_lassoed(open_page: Open) -> None:
    page = open_page("?view=map")
    canvas = page.locator(".mapview canvas")
    canvas.wait_for()
    page.wait_for_load_state("networkidle")
    colors = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    assert canvas.evaluate(colors) > 100  # pictures, not an empty sheet
    box = canvas.bounding_box()
    page.get_by_role("button", name="Select with a lasso").click()
    corners = [(0.02, 0.3), (0.9, 0.3), (0.9, 0.98), (0.02, 0.98)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Find more like these").wait_for()
    assert 2 < int(page.locator(".picked strong").inner_text().split()[0]) < 49
    page.get_by_role("button", name="Clear the selection").click()
    before = canvas.screenshot()
    canvas.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.mouse.wheel(0, -600)
    page.wait_for_load_state("networkidle")
    assert canvas.screenshot() != before
    page.get_by_role("button", name="Show all").click()
    canvas.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".searching .subject")
    assert "id=" in page.url


def test_between_two_products_lie_pictures_and_products(open_page: Open) -> None:
    page = open_page("?view=between")
    page.wait_for_selector(".film button")
    settle_images = "() => [...document.querySelectorAll('.film img')].every(image => image.naturalWidth > 0)"
    page.wait_for_function(settle_images)
    middle = page.locator(".midst img").get_attribute("src")
    assert page.locator(".under-it .card").count() == 3
    page.get_by_label("From one to the other").focus()
    page.keyboard.press("End")
    assert page.locator(".midst img").get_attribute("src") != middle
    page.get_by_role("button", name="Choose where to start").click()
    page.locator("dialog .grid button").nth(5).click()
    page.wait_for_selector("dialog", state="detached")
    page.wait_for_selector(".film button")


def test_an_error_is_shown_and_can_be_tried_again(open_page: Open) -> None:
    page = open_page()
    settle(page)
    problem = {"title": "Busy", "status": 503, "detail": "Too many searches at once."}
    page.route("**/v1/search", lambda route: route.fulfill(status=503, json=problem))
    cards(page).first.locator(".frame a").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "Too many searches at once." in alert.inner_text()
    page.unroute("**/v1/search")
    page.get_by_role("button", name="Try again").click()
    settle(page)
    page.route("**/v1/search", lambda route: route.abort())
    page.locator(".switch label", has_text="Color").click()
    page.get_by_text("The server does not answer").wait_for()


def copies(page: Any) -> Any:
    """The group of the copy that the shop holds."""
    return page.locator(".group", has_text="shoe/003-copy.jpg")


def test_a_private_catalog_asks_for_the_key_and_copies_leave_it(open_page: Open, serve: Callable[..., str]) -> None:
    at = serve("--private", "--writable")
    page = open_page("?view=duplicates", at=at)
    page.get_by_label("Key").fill("wrong-wrong-wrong-wrong")
    page.keyboard.press("Enter")
    page.get_by_text("That is not the key.").wait_for()
    page.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    copies(page).wait_for()
    assert copies(page).locator(".path").all_inner_texts() == ["shoe/003.jpg", "shoe/003-copy.jpg"]
    page.get_by_role("button", name="Keep shoe/003.jpg").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("1 picture removed from the catalog.").wait_for()
    copies(page).wait_for(state="detached")
    page.locator(".views a", has_text="Catalog").click()
    settle(page)
    assert cards(page).count() == 48


def test_a_kept_copy_takes_over_fields_and_signing_out_leaves_nothing(
    open_page: Open, serve: Callable[..., str]
) -> None:
    """With the keyboard alone from the keeping on; the button has its name at any width."""
    at = serve("--private", "--writable")
    page = open_page("?view=duplicates", at=at)
    page.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep shoe/003-copy.jpg").click()
    page.get_by_text("This one takes over what it lacks: brand, ").wait_for()
    page.get_by_role("button", name="Cancel").click()
    assert copies(page).is_visible()
    page.get_by_role("button", name="Keep shoe/003-copy.jpg").click()
    page.get_by_role("button", name="Remove").click()
    copies(page).wait_for(state="detached")
    assert page.request.get(f"{at}/v1/images?where=_autoenc.path%20%3D%20%22shoe/003.jpg%22").json()["images"] == []
    (kept,) = page.request.get(f"{at}/v1/images?where=_autoenc.path%20%3D%20%22shoe/003-copy.jpg%22").json()["images"]
    assert {"brand", "price", "title"} <= set(kept["fields"])

    page.locator(".views a", has_text="Catalog").click()
    settle(page)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    page.set_viewport_size({"width": 390, "height": 844})
    button = page.get_by_role("button", name="Sign out")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Sign in").wait_for()
    assert page.evaluate("document.activeElement.ariaLabel") == "Key"
    assert page.locator(".card:not(.awaited), .copy").count() == 0
    assert "view=" not in page.url
    assert page.context.cookies() == []
    stolen = page.request.get(f"{at}/v1/store", headers={"cookie": cookie})
    assert stolen.status == 401
    page.go_back()
    page.get_by_role("dialog", name="Sign in").wait_for()
    assert page.locator(".card:not(.awaited), .copy").count() == 0
    page.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    button.wait_for()


def test_products_that_are_no_duplicates_are_told_apart(open_page: Open, serve: Callable[..., str]) -> None:
    page = open_page("?view=duplicates", at=serve("--writable"))
    copies(page).get_by_role("button", name="Not a duplicate").click()
    page.get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    page.get_by_text("Remembered: these are different products.").wait_for()
    copies(page).wait_for(state="detached")
    while page.locator(".group").count():
        page.locator(".group").first.get_by_role("button", name="Not a duplicate").click()
        page.wait_for_function("() => !document.querySelector('.group.stale')")
    page.get_by_text("No two pictures in this catalog").wait_for()


def test_a_server_that_only_reads_offers_no_decision(open_page: Open) -> None:
    page = open_page("?view=duplicates")
    copies(page).wait_for()
    assert page.get_by_role("button", name="Keep").count() == 0


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    page = open_page()
    settle(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.locator(".card .frame a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".searching .subject")
    settle(page)
    page.locator(".card .name").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .fields")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


SHIFT = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
  setTimeout(() => resolve(sum), 300);
})"""


LOOKS = [(1440, "light"), (768, "dark"), (390, "light")]
if KEPT:
    LOOKS = [(width, theme) for width in WIDTHS for theme in ("light", "dark")]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_nothing_overflows_or_jumps(open_page: Open, width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme)
    settle(page)
    page.wait_for_load_state("networkidle")
    for path in ("", f"?id={first_id(page)}", f"?item={first_id(page)}", "?view=map", "?view=duplicates"):
        if path:
            page.goto(page.url.split("?")[0] + path)
            page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        assert page.evaluate(SHIFT) < 0.1, path  # the bound of "good" by web.dev/articles/cls
        if KEPT:
            name = re.sub(r"\W+.*", "", path.strip("?").replace("view=", "")) or "catalog"
            page.screenshot(path=Path(KEPT) / f"{name}-{width}-{theme}.png")


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fetched_axe(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(open_page: Open, axe: str, theme: str) -> None:
    rules = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # the themes differ in nothing but colors
    page = open_page(theme=theme)
    settle(page)
    id = first_id(page)
    for path in (
        "",
        f"?id={id}&using=learned%3D1%2Ccolor%3D1&is=category:shoe",
        f"?item={id}",
        "?view=map",
        "?view=duplicates",
        "?view=between",
    ):
        page.goto(page.url.split("?")[0] + path)
        page.wait_for_load_state("networkidle")
        assert serious_faults(page, axe, rules[theme]) == {}, path
