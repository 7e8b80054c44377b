// The page is seen first; then one step after the other draws what it has. Tests wait for the end.
export function inTurn(steps) {
  const left = steps.slice();
  const next = function () {
    const step = left.shift();
    if (step) {
      step();
      setTimeout(next);
    } else {
      performance.mark("drawn");
      document.documentElement.dataset.drawn = "yes";
    }
  };
  requestAnimationFrame(function () { setTimeout(next); });
}
