// Puts a newer page in place of this one: its content is exchanged, and its script run again. What the reader chose stands
// in the address; where they are, what is open and what they type in is kept here.
const QUIET_MS = 1500;
const IDLE_SHARE = 20;
const LAST = 10000;
const kept = [];
let wanted = null;
let touched = 0;
let pressed = false;
let notBefore = 0;
// While nothing is trained there is nobody to spare, and nothing follows for which to wait.
let spares = true;
let busy = false;
// The page's script draws one section after the other; until it has, what listens is its.
let draws = false;

// What the page's own script listens to outside of its content ends with that content.
export function rememberListeners() {
  const own = document.currentScript;
  window.addEventListener("pointerdown", function () { pressed = true; touched = Date.now(); }, true);
  window.addEventListener("pointerup", function () { pressed = false; touched = Date.now(); }, true);
  window.addEventListener("pointercancel", function () { pressed = false; }, true);
  window.addEventListener("keydown", function () { touched = Date.now(); }, true);
  document.addEventListener("visibilitychange", swapSoon);
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const running = document.currentScript;
    const lasting = this === window || this === document || this instanceof MediaQueryList;
    const ofPage = running ? running !== own && running.dataset.page !== undefined : draws && !document.documentElement.dataset.drawn;
    if (running && ofPage) draws = true;
    if (lasting && ofPage) kept.push([this, type, listener, options]);
    return add.call(this || window, type, listener, options);
  };
}

export function wantPage(version) {
  if (version === document.documentElement.dataset.version) return;
  wanted = version;
  swapSoon();
}

export function spareTime(trains) {
  const ends = spares && !trains;
  spares = trains;
  if (!ends) return;
  notBefore = 0;
  swapSoon();
}

function swapSoon() {
  if (wanted === null || busy) return;
  const wait = Math.max(notBefore - Date.now(), touched + QUIET_MS - Date.now());
  if (wait > 0) { setTimeout(swapSoon, Math.min(wait, LAST) + 20); return; }
  if (document.visibilityState !== "visible") return;
  if (pressed || selects()) { setTimeout(swapSoon, 500); return; }
  busy = true;
  load().finally(function () { busy = false; swapSoon(); });
}

function selects() {
  const chosen = document.getSelection();
  return chosen && !chosen.isCollapsed && document.querySelector("main").contains(chosen.anchorNode);
}

async function newest() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store", credentials: "same-origin" });
    return answer.ok ? await answer.text() : null;
  } catch (gone) {
    return null;
  }
}

async function load() {
  const version = wanted;
  const text = await newest();
  notBefore = Date.now() + QUIET_MS;
  if (text === null || touched + QUIET_MS > Date.now() || pressed) return;
  if (wanted === version) wanted = null;
  const before = performance.now();
  await drawn();
  await exchange(new DOMParser().parseFromString(text, "text/html"));
  notBefore = spares ? Date.now() + IDLE_SHARE * (performance.now() - before) : 0;
}

// Waits for the end of the drawing, but not for ever; meanwhile `act` is called now and then.
function drawn(act) {
  return new Promise(function (done) {
    const end = performance.now() + LAST;
    const look = function () {
      if (act) act();
      if (!draws || document.documentElement.dataset.drawn || performance.now() > end) { draws = false; done(); } else setTimeout(look, 20);
    };
    look();
  });
}

function placeOf(node) {
  const steps = [];
  for (let one = node; one && one.tagName !== "MAIN"; one = one.parentElement) {
    if (one.id) { steps.unshift("#" + CSS.escape(one.id)); break; }
    const alike = Array.from(one.parentElement.children).filter(function (other) { return other.tagName === one.tagName; });
    steps.unshift(one.tagName.toLowerCase() + ":nth-of-type(" + (alike.indexOf(one) + 1) + ")");
  }
  return steps.join(" > ");
}

function firstInView() {
  return Array.from(document.querySelectorAll("main > *")).find(function (part) { return part.getBoundingClientRect().bottom > 0; });
}

function rememberReader() {
  const focus = document.activeElement;
  const within = focus && focus.closest && focus.closest("main") && !focus.closest("#live");
  const top = firstInView();
  return {
    focus: within ? placeOf(focus) : null,
    range: within && typeof focus.selectionStart === "number" ? [focus.selectionStart, focus.selectionEnd] : null,
    open: Array.from(document.querySelectorAll("main details[open]")).map(placeOf),
    scrolled: Array.from(document.querySelectorAll("main .scroller")).map(function (part) { return [placeOf(part), part.scrollTop, part.scrollLeft]; }),
    top: top ? [placeOf(top), top.getBoundingClientRect().top] : null,
    scroll: window.scrollY
  };
}

function find(place) {
  return place ? document.querySelector("main").querySelector(":scope " + (place.startsWith("#") ? place : "> " + place)) : null;
}

// What had the focus has it again as soon as it can be seen.
function focusAgain(reader) {
  const focus = document.activeElement === document.body ? find(reader.focus) : null;
  if (!focus) return;
  focus.focus({ preventScroll: true });
  if (document.activeElement === focus && reader.range && focus.setSelectionRange) focus.setSelectionRange(reader.range[0], reader.range[1]);
}

function restoreReader(reader) {
  reader.open.forEach(function (place) { const part = find(place); if (part) part.open = true; });
  reader.scrolled.forEach(function (told) {
    const part = find(told[0]);
    if (part) { part.scrollTop = told[1]; part.scrollLeft = told[2]; }
  });
  focusAgain(reader);
  const top = reader.top && find(reader.top[0]);
  const moved = top ? top.getBoundingClientRect().top - reader.top[1] : reader.scroll - window.scrollY;
  if (Math.abs(moved) > 1) window.scrollBy({ top: moved, behavior: "instant" });
}

async function exchange(fresh) {
  const started = Date.now();
  const reader = rememberReader();
  const heights = Array.from(document.querySelectorAll("main .plot")).map(function (plot) { return [placeOf(plot), plot.offsetHeight]; });
  const main = document.querySelector("main");
  const panel = document.getElementById("live");
  main.style.minHeight = main.offsetHeight + "px";
  if (window.Plotly) main.querySelectorAll(".js-plotly-plot").forEach(function (plot) { Plotly.purge(plot); });
  kept.splice(0).forEach(function (told) { told[0].removeEventListener(told[1], told[2], told[3]); });
  const content = document.adoptNode(fresh.querySelector("main"));
  const newPanel = content.querySelector("#live");
  if (!newPanel || newPanel.dataset.kind !== panel.dataset.kind) { location.reload(); return; }
  newPanel.replaceWith(panel);
  main.replaceChildren.apply(main, Array.from(content.childNodes));
  document.querySelector("footer").replaceChildren.apply(document.querySelector("footer"), Array.from(fresh.querySelector("footer").childNodes));
  document.title = fresh.title;
  document.documentElement.dataset.version = fresh.documentElement.dataset.version;
  const told = fresh.getElementById("figures");
  const old = document.getElementById("figures");
  if (old) old.remove();
  if (told) document.body.append(document.adoptNode(told));
  delete document.documentElement.dataset.drawn;
  // What is drawn in a moment takes its room at once, so that nothing jumps.
  heights.forEach(function (pair) { const plot = find(pair[0]); if (plot) plot.style.minHeight = pair[1] + "px"; });
  restoreReader(reader);
  // The first script is this one; the last draws the page, and plotly, between them, is needed once.
  const scripts = Array.from(fresh.querySelectorAll("script:not([type])")).slice(1);
  scripts.forEach(function (script, place) {
    if (place < scripts.length - 1 && window.Plotly) return;
    const made = document.createElement("script");
    made.textContent = script.textContent;
    if (script.dataset.page !== undefined) made.dataset.page = "";
    document.body.append(made);
    made.remove();
  });
  await drawn(function () { focusAgain(reader); });
  document.querySelectorAll("main .plot").forEach(function (plot) { plot.style.minHeight = ""; });
  if (touched < started) restoreReader(reader);
  main.style.minHeight = "";
}
