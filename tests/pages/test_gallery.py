"""The gallery: what it holds, and how it behaves in a real browser, opened from disk."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from known import known
from stored_suite import StoredSuite

from benchmark.board.results import read_results
from benchmark.errors import UserError
from benchmark.pages.gallery import page, page_data, write_gallery
from benchmark.pages.model import GalleryPage

INJECTED = '</script><script>document.title="owned"</script><img src=x onerror=alert(1)> | `x` mass'


@pytest.fixture(scope="module")
def results(stored: StoredSuite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored results in which one prediction of the first backbone is an attack."""
    results = Path(shutil.copytree(stored.results, tmp_path_factory.mktemp("gallery") / "results"))
    for done in read_results(results, "stored").trials:
        if done.trial.backbone == "medgemma-4b-it":
            lines = [json.loads(line) for line in done.folder.predictions.read_text().splitlines()]
            lines[0]["prediction"] = INJECTED
            done.folder.predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return results


@pytest.fixture(scope="module")
def content(results: Path) -> dict[str, Any]:
    return page_data(read_results(results, "stored"), {}).model_dump(mode="json")


@pytest.fixture(scope="module")
def written(results: Path, content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with an image for each study."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("page")
    (folder / "images").mkdir()
    for study in content["studies"]:
        study["image"] = f"images/{study['id']}.jpg"
        Image.linear_gradient("L").save(folder / study["image"])
    (folder / "index.html").write_text(page(GalleryPage.model_validate(content)), encoding="utf-8")
    return folder / "index.html"


def test_each_test_study_is_there_with_the_chosen_point_of_each_backbone(
    content: dict[str, Any], results: Path
) -> None:
    stored_results = read_results(results, "stored")
    assert [s["id"] for s in content["studies"]] == list(stored_results.references.parts["test"])
    assert [c["name"] for c in content["columns"]] == [
        "medgemma-4b-it (miniature)", "llava-med-7b (miniature)", "most_frequent_report",
    ]  # fmt: skip
    assert all(len(s["answers"]) == 3 for s in content["studies"])


def test_findings_add_up(content: dict[str, Any]) -> None:
    for study in content["studies"]:
        for answer in study["answers"]:
            assert set(answer["right"]) | set(answer["missing"]) == set(study["findings"])
            assert not set(answer["invented"]) & set(study["findings"])


def test_no_text_can_leave_the_data_block(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert text.count("</script>") == 2
    data = known(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL))[1]
    assert "<" not in data
    assert json.loads(data)["studies"][0]["answers"][0]["text"] == INJECTED


def test_the_page_names_no_address_of_a_network(written: Path) -> None:
    assert not re.search(r"(?:https?:)?//[a-z0-9]", written.read_text(encoding="utf-8").split('id="data"')[0])


def test_images_of_other_data_are_refused(results: Path, tmp_path: Path, stored: StoredSuite) -> None:
    from benchmark.phantoms import write

    write.write(tmp_path / "other", studies=12, seed=3, size=64)
    with pytest.raises(UserError, match="not the data that suite stored ran on"):
        write_gallery(results, "stored", data=tmp_path / "other", output=tmp_path / "page")


def test_phantoms_are_found_without_being_told_whatever_folder_they_were_drawn_to(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmark.data import dmid
    from benchmark.forms.suite import PhantomData
    from benchmark.phantoms import write
    from benchmark.phantoms.places import phantom_folder

    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    results = Path(shutil.copytree(results, tmp_path / "results"))
    drawn = tmp_path / "cache/phantoms/of-an-earlier-version"
    write.write(drawn, studies=120, seed=5, size=96)
    write.write(tmp_path / "cache/phantoms/others", studies=12, seed=1, size=64)
    release = dmid.read(drawn)
    record, references = results / "suites/stored.json", results / "suites/stored/references.jsonl"
    content = json.loads(record.read_text())
    content["data"]["fingerprint"] = release.fingerprint
    record.write_text(json.dumps(content))
    images = {study.id: known(study.image).relative_to(drawn).as_posix() for study in release.studies}
    lines = [json.loads(line) for line in references.read_text().splitlines()]
    references.write_text("".join(json.dumps(line | {"image": images[line["id"]]}) + "\n" for line in lines))
    likely = phantom_folder(PhantomData.model_validate(content["suite"]["data"]))
    assert write_gallery(results, "stored").without_image == 0
    drawn.rename(likely)
    assert write_gallery(results, "stored").without_image == 0
    shutil.rmtree(likely)
    gone = write_gallery(results, "stored")
    assert gone.without_image == gone.studies


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'amrg[browser]'")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("needs Chromium on the PATH, e.g. Debian's: apt-get install chromium")
    home = str(tmp_path_factory.mktemp("home"))
    environment = os.environ | {"HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], env=environment)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, written: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1300, "height": 900}, offline=True)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.goto(written.as_uri())
    yield opened
    context.close()
    assert errors == []


def test_an_attack_in_a_prediction_stays_text(opened: Any, content: dict[str, Any]) -> None:
    assert opened.title() == "Stored results: reports side by side"
    opened.click("text=Word differences")
    assert INJECTED in opened.inner_text("article[aria-label^=medgemma] .report >> nth=0")
    assert opened.locator("main img").count() == 1
    assert opened.evaluate("document.querySelector('main img').naturalWidth") == 256


def test_filters_narrow_the_list(opened: Any, content: dict[str, Any]) -> None:
    total = len(content["studies"])
    assert opened.inner_text("#count") == f"{total} of {total} studies"
    for key, column in (("invented", 0), ("birads-wrong", 1)):
        opened.select_option("#outcome", key)
        opened.select_option("#whose", str(column))
        test = {"invented": lambda a: bool(a["invented"]), "birads-wrong": lambda a: not a["birads_right"]}[key]
        expected = [s["id"] for s in content["studies"] if test(s["answers"][column])]
        assert opened.locator("#list a").evaluate_all("links => links.map(l => l.dataset.id)") == expected
    opened.select_option("#outcome", "")
    opened.select_option("#category", content["studies"][0]["major"])
    expected = [s["id"] for s in content["studies"] if s["major"] == content["studies"][0]["major"]]
    assert opened.locator("#list a").evaluate_all("links => links.map(l => l.dataset.id)") == expected
    opened.select_option("#category", "")
    opened.select_option("#whose", "")
    opened.fill("#search", "onerror=alert")
    assert opened.inner_text("#count").startswith("1 of")
    opened.fill("#search", "nowhere to be found")
    assert "No study passes" in opened.inner_text("main")


def test_the_keyboard_goes_through_studies_and_toggles(opened: Any, content: dict[str, Any]) -> None:
    ids = [s["id"] for s in content["studies"]]
    assert opened.inner_text("main h2") == ids[0]
    opened.keyboard.press("j")
    opened.keyboard.press("ArrowDown")
    assert opened.inner_text("main h2") == ids[2]
    opened.keyboard.press("k")
    assert opened.inner_text("main h2") == ids[1]
    assert opened.url.endswith(f"#{ids[1]}")
    assert opened.locator("main ins, main del").count() > 0
    opened.keyboard.press("d")
    assert opened.locator("main ins, main del").count() == 0
    assert opened.locator("details[open]").count() == 0
    opened.keyboard.press("s")
    assert opened.locator("details[open]").count() == 2
    opened.keyboard.press("/")
    opened.keyboard.type("jjd")
    assert opened.input_value("#search") == "jjd"


def test_word_differences_are_those_of_the_texts(opened: Any, content: dict[str, Any]) -> None:
    opened.keyboard.press("j")
    study = content["studies"][1]
    node = "article[aria-label^=llava] .report >> nth=0"
    prediction = opened.locator(node).evaluate(
        "p => [...p.childNodes].filter(n => n.nodeName !== 'DEL').map(n => n.textContent).join('')"
    )
    assert prediction.split() == study["answers"][1]["text"].split()
    reference = opened.locator(node).evaluate(
        "p => [...p.childNodes].filter(n => n.nodeName !== 'INS').map(n => n.textContent).join('')"
    )
    bare = lambda text: [w for w in (re.sub(r"^\W+|\W+$", "", w.lower()) for w in text.split()) if w]  # noqa: E731
    assert bare(reference) == bare(study["reference"])


def test_a_link_opens_its_study(browser: Any, written: Path, content: dict[str, Any]) -> None:
    study = content["studies"][-1]["id"]
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{written.as_uri()}#{study}")
    assert page.inner_text("main h2") == study
    assert page.get_attribute(f"#list a[data-id={study}]", "aria-current") == "true"
    context.close()


def test_the_image_zooms_and_moves(opened: Any) -> None:
    scale = "document.querySelector('.frame').dataset.scale"
    opened.keyboard.press("+")
    opened.keyboard.press("+")
    assert float(opened.evaluate(scale)) == pytest.approx(1.96)
    before = opened.evaluate("document.querySelector('.frame img').style.transform")
    opened.focus(".frame")
    opened.keyboard.press("ArrowRight")
    assert opened.evaluate("document.querySelector('.frame img').style.transform") != before
    opened.keyboard.press("0")
    assert float(opened.evaluate(scale)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_object_to(browser: Any, written: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe: pip install 'amrg[browser]'")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.goto(written.as_uri())
    page.keyboard.press("s")
    violations = axe.Axe().run(page).response["violations"]
    context.close()
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in violations] == []


def test_of_five_hundred_studies_only_the_shown_one_is_rendered(
    browser: Any, content: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing is rendered but the study that is shown, however many there are."""
    studies = [{**content["studies"][i % len(content["studies"])], "id": f"Img{i:03}"} for i in range(510)]
    columns = [content["columns"][0] | {"name": f"backbone {i}"} for i in range(5)]
    studies = [{**s, "answers": [s["answers"][0]] * 5, "image": None} for s in studies]
    (tmp_path / "index.html").write_text(
        page(GalleryPage.model_validate({**content, "studies": studies, "columns": columns})), encoding="utf-8"
    )
    context = browser.new_context()
    opened = context.new_page()
    opened.goto((tmp_path / "index.html").as_uri())
    assert opened.inner_text("#count") == "510 of 510 studies"
    for _ in range(50):
        opened.keyboard.press("j")
    assert opened.inner_text("main h2") == "Img050"
    assert opened.locator("main article").count() == 6
    context.close()
