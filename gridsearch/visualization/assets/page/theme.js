// Light or dark: as the system has it, or as chosen here; on paper light.
const KEY = "gridsearch-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];
const printers = [];
let printing = false;

export function isDark() {
  const theme = document.documentElement.dataset.theme;
  return !printing && (theme ? theme === "dark" : system.matches);
}

export function onTheme(listener) {
  listeners.push(listener);
}

// Whoever draws itself, and not by plotly, does so again for the paper and afterwards.
export function onPrint(listener) {
  printers.push(listener);
}

export function printsNow(now) {
  printing = now;
  printers.forEach(function (listener) { listener(); });
}

function remembered() {
  try { return localStorage.getItem(KEY) || "auto"; } catch (refused) { return "auto"; }
}

function choose(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  try { localStorage.setItem(KEY, theme); } catch (refused) { /* a page of a browser that keeps nothing */ }
  listeners.forEach(function (listener) { listener(); });
}

export function startTheme() {
  const field = document.getElementById("theme");
  if (!field) return;
  field.hidden = false;
  const theme = remembered();
  const input = field.querySelector("input[value=" + CSS.escape(theme) + "]");
  if (input) input.checked = true;
  if (theme !== "auto") choose(theme);
  field.addEventListener("change", function (event) { choose(event.target.value); });
  system.addEventListener("change", function () { listeners.forEach(function (listener) { listener(); }); });
}
