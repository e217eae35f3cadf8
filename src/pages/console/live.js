// Follows the events of jobs that go on, and loads the page again when one ends. The page does without it.
"use strict";
// A browser keeps few connections to one server: the first jobs are followed, and the others come with the next page.
for (const place of [...document.querySelectorAll("[data-events]")].slice(0, 3)) {
  const events = new EventSource(place.dataset.events);
  const show = (event) => {
    const job = JSON.parse(event.data);
    place.querySelector("[data-stage]").textContent = job.stage || "waiting";
    place.querySelector("[data-percent]").textContent = job.percent;
    place.querySelector("progress").value = job.percent;
  };
  events.addEventListener("progress", show);
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
}
