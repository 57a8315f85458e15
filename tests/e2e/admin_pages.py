"""What a person does in the admin and sees there, in the words of the page."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from campaigns.imports import runner as recipients
from campaigns.opt_outs import runner as opt_outs

PATIENCE_SECONDS = 20.0
PHONE_WIDTH, PHONE_HEIGHT = 390, 844
MAX_TABS = 150
# Where to keep a picture of every page of a walk, for whoever wants to look at them.
PICTURES = os.environ.get("RVM_E2E_PICTURES", "")
# Where the documentation has its pictures, if they are to be taken again.
DOCS_PICTURES = os.environ.get("RVM_DOCS_PICTURES", "")
MAX_PICTURE_BYTES = 150_000


class AdminPages:
    """One browser at one address. A page that is left is waited for until it is gone, so no step acts on the one before."""

    def __init__(self, browser: Chrome, address: str, folder: Path) -> None:
        self.browser = browser
        self._address = address
        self._folder = folder

    def go(self, path: str) -> None:
        self.browser.get(f"{self._address}{path}")

    @property
    def text(self) -> str:
        """What can be read on the page, folded to single blanks."""
        return " ".join(self.browser.find_element(By.ID, "content-main").text.split())

    def reads(self, *words: str) -> None:
        """Waits until all of it can be read; the page may load itself again meanwhile."""
        for each in words:
            try:
                self._until(lambda each=each: each in self._everything(), "")
            except TimeoutException:
                raise AssertionError(f"“{each}” is not on the page: {self._everything()}") from None

    def choose_file(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.write_bytes(content)
        self.browser.find_element(By.NAME, "list").send_keys(str(path))

    def choose(self, label: str, choice: str) -> None:
        """In the choice that is named so, by its label or for those who cannot see it."""
        Select(self._labelled(label)).select_by_visible_text(choice)

    def chosen(self, label: str) -> str:
        return Select(self._labelled(label)).first_selected_option.text

    def write(self, name: str, text: str) -> None:
        field = self.browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(text)

    def tick(self, name: str) -> None:
        self.browser.find_element(By.NAME, name).click()

    def button(self, words: str) -> WebElement:
        named = f'normalize-space()="{words}" or span[normalize-space()="{words}"]'  # beside an icon
        return self.browser.find_element(By.XPATH, f"//*[self::button or self::a][{named}]")

    def press(self, words: str) -> None:
        """And wait for the page that comes of it."""
        self._left_by(self.button(words).click)
        self.picture(words)

    def submit(self, form: str) -> None:
        """Send the form with this id, and wait for the page that comes of it."""
        self._left_by(lambda: self.browser.execute_script("arguments[0].requestSubmit()", self.by_id(form)))
        self.picture(form)

    def work(self) -> None:
        """The workers do their part; the page finds out by itself and loads itself again."""
        before = self._page()
        assert not (recipients.work() or opt_outs.work()), "Somebody else works on a list."
        self._follows(before, "The page does not follow the work.")
        self.picture("work")

    def is_above(self, first: WebElement, second: WebElement) -> bool:
        """Whether the first ends before the second begins, on the page as it is drawn."""
        return first.rect["height"] > 0 and first.rect["y"] + first.rect["height"] <= second.rect["y"]

    def is_beside(self, first: WebElement, second: WebElement) -> bool:
        """Whether both are on one line, the first before the second."""
        return bool(first.rect["y"] == second.rect["y"] and first.rect["x"] < second.rect["x"])

    def fits(self, element: WebElement) -> bool:
        """Whether it is within the width of the window, of which nothing has to be scrolled sideways."""
        width = self.browser.execute_script("return document.documentElement.clientWidth")
        return bool(element.rect["x"] >= 0 and element.rect["x"] + element.rect["width"] <= width)

    @contextmanager
    def on_a_phone(self) -> Iterator[None]:
        """The same browser, as wide as a phone; afterwards as it was."""
        before = self.browser.execute_script("return [innerWidth, innerHeight]")
        self._resize(PHONE_WIDTH, PHONE_HEIGHT, mobile=True)
        yield
        self._resize(*before, mobile=False)

    def width(self) -> int:
        """How wide the page is; wider than the window, it has to be scrolled sideways."""
        return int(self.browser.execute_script("return document.documentElement.scrollWidth"))

    def _resize(self, width: int, height: int, *, mobile: bool) -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile},
        )

    def is_within(self, element: WebElement, other: WebElement) -> bool:
        return bool(self.browser.execute_script("return arguments[1].contains(arguments[0])", element, other))

    def until(self, holds: Callable[[], object], otherwise: str = "It does not come to that.") -> None:
        self._until(holds, otherwise)

    # by keyboard alone

    def tab_to(self, name: str) -> WebElement:
        """Presses Tab until the focus is on what a reader calls so; what is passed is told if it never comes there."""
        passed = []
        for _ in range(MAX_TABS):
            self.type(Keys.TAB)
            focused = self.focused
            passed.append(called := " ".join(focused.accessible_name.split()))
            if re.match(rf"{re.escape(name)}\b|{re.escape(name)}$", called):
                return focused
        raise AssertionError(f"Tab does not come to “{name}”, but to {passed}")

    @property
    def focused(self) -> WebElement:
        return self.browser.switch_to.active_element

    def type(self, keys: str) -> None:
        ActionChains(self.browser).send_keys(keys).perform()

    def enter(self, name: str) -> None:
        """Tab to it, Enter, and wait for the page that comes of it."""
        self.tab_to(name)
        self._left_by(lambda: self.type(Keys.ENTER))
        self.picture(name)

    def by_id(self, identifier: str) -> WebElement:
        return self.browser.find_element(By.ID, identifier)

    def picture(self, name: str) -> None:
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            taken = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            nth = len(list(folder.iterdir())) + 1
            (folder / f"{nth:02} {name}.png").write_bytes(b64decode(taken["data"]))

    def picture_for_docs(self, name: str, height: int = 768) -> bytes:
        """The top of the page as the documentation shows it, written there if that is asked for."""
        before = self.browser.execute_script("return [innerWidth, innerHeight]")
        self.browser.execute_script("scrollTo(0, 0); document.activeElement.blur()")
        self._resize(before[0], height, mobile=False)
        clip = {"x": 0, "y": 0, "width": before[0], "height": height, "scale": 0.75}
        taken = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip})
        self._resize(*before, mobile=False)
        png = b64decode(taken["data"])
        assert len(png) <= MAX_PICTURE_BYTES, f"{name} has {len(png)} bytes"
        if DOCS_PICTURES:
            Path(DOCS_PICTURES).mkdir(parents=True, exist_ok=True)
            (Path(DOCS_PICTURES) / f"{name}.png").write_bytes(png)
        return png

    def _everything(self) -> str:
        return " ".join(self.browser.find_element(By.TAG_NAME, "body").text.split())

    def _labelled(self, label: str) -> WebElement:
        return self.browser.find_element(
            By.XPATH,
            f'//select[@aria-label="{label}" or ancestor::label[contains(normalize-space(), "{label}")]'
            f' or @id=//label[starts-with(normalize-space(), "{label}")]/@for]',
        )

    def _left_by(self, action: Callable[[], None]) -> None:
        before = self._page()
        action()
        self._follows(before, "The page stays as it is.")

    def _page(self) -> float:
        """When the page began, which no two pages of a browser share."""
        return float(self.browser.execute_script("return performance.timeOrigin"))

    def _follows(self, before: float, otherwise: str) -> None:
        self._until(lambda: self._page() != before, otherwise)
        self._until(
            lambda: self.browser.execute_script("return document.readyState") == "complete", "The page does not load."
        )

    def _until(self, holds: Callable[[], object], otherwise: str) -> None:
        """Waits; while one page goes and the next comes, Chromium answers questions with errors of several kinds."""
        waiting = WebDriverWait(self.browser, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException])
        waiting.until(lambda _: holds(), otherwise)
