"""Every control that a page has, found in the page itself: each is used, and nothing complains or sticks out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from gridsearch.visualization.dashboards import write_page
from tests.analysis.grids import SHALLOW, grid, shallow_score
from tests.visualization.browser import Browser, in_a_browser
from tests.visualization.test_answer_page import repeated

#: Uses each control that can be seen, and those that come to be seen by it, until there is none left; returns their
#: names. What is chosen in a list, or switched to, must then be what the page shows as chosen.
USE = """
(async () => {
  const turn = () => new Promise(done => setTimeout(done, 30));
  window.print = () => {};
  HTMLAnchorElement.prototype.click = function () { window.saved = (window.saved || []).concat(this.download); };
  const controls = "summary, button, select, input, th[tabindex], th[role], [role=button]";
  const used = new Set(), names = [];
  for (let found = true; found;) {
    found = false;
    for (const one of document.querySelectorAll(controls)) {
      if (!one.getClientRects().length || one.disabled) continue;
      // Some are made anew with what they belong to.
      const name = [one.tagName, one.name || one.id || one.textContent.trim()].join(" ");
      const key = [name, one.value, one.closest("[id]:not(input, select)")?.id].join();
      if (used.has(key)) continue;
      used.add(key);
      found = true;
      names.push(name);
      if (one.tagName === "SELECT") {
        for (const option of [...one.options].reverse()) {
          one.value = option.value;
          one.dispatchEvent(new Event("change", {bubbles: true}));
          await turn();
          if (one.isConnected && one.value !== option.value) throw new Error(names.at(-1) + " forgot " + option.value);
        }
      } else if (one.type === "text" || one.type === "search" || one.type === "number") {
        for (const text of ["neurons > 1", "no such column == 1", ""]) {
          one.value = text;
          for (const event of ["input", "change"]) one.dispatchEvent(new Event(event, {bubbles: true}));
          await turn();
        }
      } else {
        one.click();
        await turn();
        if (one.type === "radio" && one.isConnected && !one.checked) throw new Error(names.at(-1) + " is not chosen");
      }
    }
  }
  return names;
})()
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    jobs = {"shallow": grid(SHALLOW, shallow_score, name="shallow"), "repeated": repeated()}
    for name, data in jobs.items():
        write_page(data, folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in jobs}


class TestEveryControl:
    pytestmark: ClassVar = in_a_browser("every control of a page")

    @pytest.mark.parametrize("name", ["shallow", "repeated"])
    def test_each_control_of_a_page_can_be_used(self, browser: Browser, pages: dict[str, Path], name: str) -> None:
        browser.open(pages[name])
        known = set(browser.run("[...document.querySelectorAll('input, select')].map(one => one.name || one.id)"))
        used = browser.run(USE)
        assert browser.complaints == []
        assert {one.partition(" ")[2] for one in used} >= known - {""}, "a control that nobody can see"
        assert {"SUMMARY Columns", "INPUT filter", "SELECT pair"} <= set(used)
        assert browser.run("window.saved.length") >= 3
        browser.wait("document.body.scrollWidth <= window.innerWidth", seconds=5)
