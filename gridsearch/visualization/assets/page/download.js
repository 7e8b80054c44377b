// Files that the page writes: tables as CSV and LaTeX as `gridsearch top` writes them, and pictures.
const LATEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
  "\u00a0": "~", "\u2026": "\\ldots{}", "\u2013": "\\textendash{}", "\u2014": "\\textemdash{}",
  "`": "\\textasciigrave{}", "\u00b1": "\\ensuremath{\\pm}", "\u00d7": "\\ensuremath{\\times}",
  "\u2212": "\\ensuremath{-}", "\u00b2": "\\texttwosuperior{}", "\u00b7": "\\ensuremath{\\cdot}",
  "\u2019": "\\textquoteright{}", "\u201c": "\\textquotedblleft{}", "\u201d": "\\textquotedblright{}"
};
// A sign that fonts may lack, and the command that it takes.
const OTHER = /[^\x00-\x7f\xc0-\u017f]/gu;
const SIGN = "\\gridsearchsign";
const DEFINITION = "\\providecommand{\\gridsearchsign}[2]{\\ifdefined\\pdftexversion\\texttt{U+#1}\\else\\iffontchar\\font\"#1\\relax#2\\else\\texttt{U+#1}\\fi\\fi}";

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

function latexText(value) {
  const text = (value === null || value === undefined ? "" : String(value)).replace(/\s+/g, " ");
  const known = Array.from(text, function (sign) { return LATEX[sign] || sign; }).join("");
  const signs = known.replace(OTHER, function (sign) {
    return SIGN + "{" + sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "}{" + sign + "}";
  });
  return signs.replace(/-(?=-)/g, "-\\kern0pt\\relax");
}

function latexRow(row) {
  const cells = row.map(latexText);
  // The end of the row before would take a bracket or an asterisk for its own.
  return "  " + (/^[[*]/.test(cells[0] || "") ? "{}" : "") + cells.join(" & ") + " \\\\";
}

export function asLatex(head, numeric, rows) {
  const columns = numeric.map(function (number) { return number ? "r" : "l"; }).join("");
  const top = ["\\begin{tabular}{" + columns + "}", "  \\toprule", latexRow(head), "  \\midrule"];
  const lines = top.concat(rows.map(latexRow), ["  \\bottomrule", "\\end{tabular}", ""]);
  return (lines.some(function (line) { return line.includes(SIGN); }) ? [DEFINITION] : []).concat(lines).join("\n");
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
