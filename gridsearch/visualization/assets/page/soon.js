// Figures follow the table: what was clicked answers first, and of several changes at once the last is drawn.
const waiting = new Set();

export function soon(act) {
  return function () {
    if (waiting.has(act)) return;
    waiting.add(act);
    requestAnimationFrame(function () {
      setTimeout(function () {
        waiting.delete(act);
        act();
      });
    });
  };
}
