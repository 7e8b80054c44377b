// Choices stand in the address, behind the #: a link shows what its sender saw.
const listeners = [];

function parameters() {
  return new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
}

export function chosenInAddress(name) {
  return parameters().get(name);
}

// Keeps a choice; nothing is kept of what the page opens with.
export function keepInAddress(name, value, usual) {
  const all = parameters();
  if (value === null || value === usual) all.delete(name);
  else all.set(name, value);
  const written = all.toString();
  const target = written ? "#" + written : location.pathname + location.search;
  try { history.replaceState(null, "", target); } catch (refused) { if (written) location.hash = written; }
}

export function onAddress(listener) {
  listeners.push(listener);
}

window.addEventListener("hashchange", function () { listeners.forEach(function (listener) { listener(); }); });
