// The list of jobs: counts and scores of each, as they change.
function number(value) {
  return value.toLocaleString("en");
}

function fillRow(row, one) {
  const figures = row.querySelector(".figures");
  if (!figures) return;
  figures.textContent = number(one.results) + " of " + number(one.total);
  const bar = row.querySelector(".bar");
  bar.replaceChildren();
  one.counts.forEach(function (pair) {
    const part = document.createElement("span");
    part.className = pair[0];
    part.style.width = (100 * pair[1] / Math.max(1, one.total)) + "%";
    bar.append(part);
  });
  row.querySelector(".progress .small").textContent = one.words;
}

export function startIndex(place) {
  return {
    say: function (kind, text) {
      place.className = "live-state " + kind;
      place.textContent = text;
    },
    tell: function (jobs) {
      if (!Array.isArray(jobs)) return; // of a page that only waits
      jobs.forEach(function (one) {
        const row = document.querySelector("tr[data-job=" + CSS.escape(one.job) + "]");
        if (row) fillRow(row, one);
      });
    }
  };
}
