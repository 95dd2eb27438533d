"""The deck as `make slides` writes it: twenty slides that fit, with notes and true numbers, from one offline file."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from infomerge.course.slides import Slide, deck_page, measured, read_slides, write_deck
from tests.browser import launched, watch

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "notebooks" / "course" / "slides.md"
RESULTS = ROOT / "data" / "results"

OUTSIDE = """() => {
    const sheet = Reveal.getCurrentSlide().querySelector(".sheet");
    const box = sheet.getBoundingClientRect();
    const scale = box.width / sheet.offsetWidth;
    const found = [];
    if (sheet.scrollHeight > sheet.clientHeight || sheet.scrollWidth > sheet.clientWidth) found.push("it scrolls");
    const blocks = [...sheet.querySelectorAll("h1, h2, p, li, table, img, math")];
    for (const block of blocks) {
        const place = block.getBoundingClientRect();
        const room = 24 * scale;
        if (place.left < box.left + room || place.top < box.top + room || place.right > box.right - room
            || place.bottom > box.bottom - room) found.push(block.outerHTML.slice(0, 60));
    }
    // Words that run over others: no two blocks of text share a point.
    const texts = blocks.filter((block) => !block.matches("p:has(img), li:has(math), p:has(math), math"));
    for (const [k, one] of texts.entries()) for (const other of texts.slice(k + 1)) {
        if (one.contains(other) || other.contains(one)) continue;
        const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1) {
            found.push(`${one.textContent.slice(0, 30)} / ${other.textContent.slice(0, 30)}`);
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deck") / "build" / "slides.html"
    assert write_deck(SOURCE, out) == 20
    return out


@pytest.fixture(scope="module")
def slides() -> list[Slide]:
    return read_slides(SOURCE.read_text(encoding="utf-8"))


@pytest.fixture
def page(deck: Path) -> Iterator[Page]:
    with launched() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        record = watch(page)
        page.goto(deck.as_uri())
        page.wait_for_function("Reveal.isReady()")
        yield page
        assert not record.errors
        assert not record.requests


def test_twenty_slides_each_with_a_title_and_notes(slides: list[Slide]) -> None:
    assert len(slides) == 20
    assert len({slide.title for slide in slides}) == 20
    for slide in slides:
        assert len(slide.notes.split()) > 20, slide.title
        assert "{{" not in slide.notes + slide.text


def test_numbers_are_those_of_the_tables(slides: list[Slide]) -> None:
    text = "\n".join(slide.text for slide in slides)
    with (RESULTS / "first_token.csv").open(encoding="utf-8") as handle:
        first = [row for row in csv.DictReader(handle) if row["model"].startswith("LLaVA")]
    for row in first[:4]:
        cells = [round(float(row[name])) for name in ("prefill_ms", "first_token_ms")]
        assert f"| {cells[0]} ms | {cells[1]} ms |" in text
    csv.field_size_limit(1 << 24)
    with (RESULTS / "answers.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if (row["checkpoint"], row["form"]) == ("subsets", "clean")]
    kinds = list(rows[0])[9:]
    asked = next(row for row in rows if row["saliency"] == "asked")

    def shares(method: str, ratio: float) -> np.ndarray:
        (row,) = (
            row
            for row in rows
            if row["method"] == method
            and float(row["ratio"]) == ratio
            and row["options"] == ""
            and row["saliency"] in ("head", "")
        )
        right, all_ = (sum(np.array(one[kind].split(), float) for kind in kinds) for one in (row, asked))
        return np.asarray(right / all_)

    full = shares("full", 1.0).mean()
    for method, name in (("infomerge", "InfoMerge"), ("tome", "ToMe"), ("random", "tokens by lot")):
        assert f"- {name} {100 * shares(method, 0.1).mean() / full:.0f} %" in text
    mean = 100 * (shares("infomerge", 0.1) - shares("tome", 0.1)).mean()
    assert f"| ToMe | \N{MINUS SIGN}{-mean:.1f} points (" in text
    assert f"{sum(np.array(asked[kind].split(), int).sum() for kind in kinds):,} questions" in text
    with pytest.raises(ValueError, match="'guessed' is undefined; expected one of kept, answers, "):
        read_slides("# A {{ guessed }}\nNote: b")


def test_priors_on_the_slides_are_those_that_are_published() -> None:
    published = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    said = r"better in (\d+), TFD in (\d+); .*? grid (\d+) and (\d+), .*? positions (\d+) and (\d+);"
    (found,) = re.findall(said, published)
    tokens = ("EfficientNet-Lite0, 6 x 6", "patch pixels, 6 x 6", "patch pixels, 14 x 14")
    counts = [measured.priors(name) for name in tokens]
    assert [int(number) for number in found] == [one[way] for one in counts for way in ("adjacent", "tfd")]
    assert all(sum(one.values()) == 56 for one in counts)


def test_the_file_holds_all_that_it_shows(deck: Path) -> None:
    text = deck.read_text(encoding="utf-8")
    page = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert text.count("</script>") == 3
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert not re.findall(r"url\((?!data:)", page)
    pictures = re.findall(r"<img\b[^>]*>", page)
    assert len(pictures) >= 10
    assert all(len(re.search(r'alt="([^"]*)"', picture)[1]) > 30 for picture in pictures)  # type: ignore[index]
    assert page.count("<math") >= 8
    assert "$" not in re.sub(r"data:[^\"]*|<style>.*?</style>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=str)
def test_nothing_runs_out_of_its_slide(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for number in range(20):
        page.evaluate(f"Reveal.slide({number})")
        assert page.evaluate("Reveal.getIndices().h") == number
        assert page.evaluate(OUTSIDE) == [], f"slide {number + 1}"


def test_a_slide_that_is_too_full_would_be_noticed(page: Page) -> None:
    page.evaluate("Reveal.slide(12)")
    page.evaluate(
        "document.querySelector('section.present ul').append(...Array.from({ length: 9 }, () => {"
        " const line = document.createElement('li'); line.textContent = 'more'; return line; }))"
    )
    assert page.evaluate(OUTSIDE)


def test_it_is_driven_by_keys(page: Page) -> None:
    for key, number in (("ArrowRight", 1), ("Space", 2), ("ArrowLeft", 1), ("End", 19), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate("Reveal.getIndices().h") == number
    page.keyboard.press("ArrowRight")
    notes = page.locator(".speaker-notes")
    page.keyboard.press("n")
    notes.get_by_text("A token is not a pixel").wait_for()
    slide, beside = (page.locator(name).bounding_box() for name in ("section.present", ".speaker-notes"))
    assert slide
    assert beside
    assert slide["x"] + slide["width"] <= beside["x"] + 1
    page.keyboard.press("n")
    notes.wait_for(state="hidden")
    page.keyboard.press("o")
    page.wait_for_function("Reveal.isOverview()")
    page.keyboard.press("Escape")
    page.wait_for_function("!Reveal.isOverview()")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.locator(".speaker-controls-notes").get_by_text("A token is not a pixel").wait_for()
    page.keyboard.press("ArrowRight")
    speaker.locator(".speaker-controls-notes").get_by_text("Prefill is the reading").wait_for()


def test_it_is_printed_a_slide_a_page_with_notes_where_wanted(page: Page, deck: Path) -> None:
    for query, pages in (("?print-pdf", 20), ("?print-pdf&notes", 40)):
        page.goto(deck.as_uri() + query)
        page.wait_for_function("document.querySelectorAll('.pdf-page').length === 20")
        page.wait_for_timeout(500)
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == pages


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A\nb", "slide 1 (A): got no notes"),
        ("# A\n\nNote: b\n\n---\n\n## C\n\nNote:", "slide 2 (C): got no notes"),
    ],
)
def test_a_slide_without_notes_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        read_slides(text, {})


def test_a_picture_that_is_missing_or_has_no_words_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        deck_page([Slide("# A\n\n![a b](none.png)", "c", "")], tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="slide A: got a picture without words"):
        deck_page([Slide("# A\n\n![](a.png)", "c", "")], tmp_path)
    with pytest.raises(ValueError, match="got drawn:x; expected drawn: and one of segments, "):
        deck_page([Slide("# A\n\n![a](drawn:x)", "c", "")], tmp_path)
