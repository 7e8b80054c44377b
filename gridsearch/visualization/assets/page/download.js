// Files that the page writes: tables as CSV and LaTeX as `gridsearch top` writes them, and pictures.
const LATEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}"
};

export function saveFile(name, content, type) {
  const link = document.createElement("a");
  const url = URL.createObjectURL(new Blob([content], { type: type }));
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(function () { URL.revokeObjectURL(url); }, 10000);
}

// Text that a spreadsheet would run as a formula gets an apostrophe before it.
function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "number" || !/^[=+\-@\t\r]/.test(text) || !Number.isNaN(Number(text)) ? text : "'" + text;
  return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
}

export function asCsv(head, rows) {
  return [head].concat(rows).map(function (row) { return row.map(csvCell).join(",") + "\n"; }).join("");
}

function latexRow(row) {
  const cells = row.map(function (value) {
    const text = value === null || value === undefined ? "" : String(value);
    return text.replace(/\s+/g, " ").replace(/[\\&%$#_{}~^<>]/g, function (sign) { return LATEX[sign]; });
  });
  return "  " + cells.join(" & ") + " \\\\";
}

export function asLatex(head, numeric, rows) {
  const columns = numeric.map(function (number) { return number ? "r" : "l"; }).join("");
  const lines = ["\\begin{tabular}{" + columns + "}", "  \\toprule", latexRow(head), "  \\midrule"];
  return lines.concat(rows.map(latexRow), ["  \\bottomrule", "\\end{tabular}", ""]).join("\n");
}

export function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

// Two buttons that save a table; `read` returns its head, which columns are numbers, its rows for each format.
export function tableButtons(name, words, read) {
  const place = document.createElement("span");
  place.className = "save";
  place.append(
    button("CSV", "Save " + words + " as CSV", function () {
      const table = read();
      saveFile(name + ".csv", asCsv(table.head, table.values || table.rows), "text/csv");
    }),
    button("LaTeX", "Save " + words + " as LaTeX", function () {
      const table = read();
      saveFile(name + ".tex", asLatex(table.head, table.numeric, table.rows), "text/x-tex");
    })
  );
  return place;
}
