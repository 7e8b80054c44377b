// Every table that stands in the page saves itself.
import { figures } from "./data.js";
import { tableButtons } from "./download.js";

function readTable(table) {
  const lines = Array.from(table.rows).filter(function (row) { return !row.classList.contains("ellipsis"); });
  const texts = lines.map(function (row) { return Array.from(row.cells).map(function (cell) { return cell.innerText.trim(); }); });
  const numeric = Array.from(lines[0].cells).map(function (cell) { return cell.classList.contains("number"); });
  return { head: texts[0], numeric: numeric, rows: texts.slice(1) };
}

export function startTables() {
  // A file is named after its section, so that its name stays when others come before it.
  const counts = {};
  document.querySelectorAll("main table:not(#trials table, #live table)").forEach(function (table) {
    const section = table.closest("section");
    const title = table.dataset.title || (section && section.querySelector("h2") || {}).textContent || "table";
    const place = table.dataset.name || section && section.id || "table";
    counts[place] = (counts[place] || 0) + 1;
    const name = figures.job + "-" + place + "-" + counts[place];
    const after = table.parentElement.classList.contains("wide") ? table.parentElement : table;
    const foot = document.createElement("div");
    foot.className = "foot";
    foot.append(tableButtons(name, "the table " + title, function () { return readTable(table); }));
    if (after.parentElement.classList.contains("small-tables") || after.parentElement.classList.contains("pair")) {
      const box = document.createElement("div");
      after.replaceWith(box);
      box.append(after, foot);
    } else after.after(foot);
  });
}
