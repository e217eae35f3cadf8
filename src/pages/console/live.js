// What a page does by itself: follows the events of jobs that go on, keeps a slider and its number alike, and shows how far an upload is. Pages do without it.
"use strict";

// Jobs. A browser keeps few connections to one server: the first ones are followed, and the others come with the next page.
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

// ε: along the slider it is a power of ten; the number is what the form sends.
const short = (x) => String(Number(x.toPrecision(2)));

/** What is foretold at an ε: a straight line over ln ε between two points of the curve, as the plot has it. */
function foretold(points, epsilon) {
  const above = points.findIndex(([at]) => at >= epsilon);
  if (above < 0 || (above === 0 && points[0][0] > epsilon)) return null;
  const [low, high] = [points[Math.max(above - 1, 0)], points[above]];
  const along = high[0] > low[0] ? Math.log(epsilon / low[0]) / Math.log(high[0] / low[0]) : 1;
  return high.map((value, i) => low[i] + (value - low[i]) * along);
}

for (const slider of document.querySelectorAll("[data-slides]")) {
  const number = document.getElementById(slider.dataset.slides);
  const said = slider.parentElement.querySelector("[data-foretold]");
  const figures = document.querySelector("[data-points]");
  const points = figures ? JSON.parse(figures.dataset.points) : [];
  const left = figures ? Number(figures.dataset.left) : 0;
  const show = () => {
    const epsilon = Number(number.value);
    if (!(epsilon > 0)) return;
    slider.setAttribute("aria-valuetext", `ε = ${epsilon}`);
    for (const mark of document.querySelectorAll("[data-chosen]")) {
      const [from, to, start, end] = ["from", "to", "left", "right"].map((name) => Number(mark.dataset[name]));
      const along = Math.log(Math.min(Math.max(epsilon, from), to) / from) / Math.log(to / from);
      mark.setAttribute("transform", `translate(${(start + (end - start) * along).toFixed(1)} 0)`);
      mark.querySelector("text").textContent = `ε = ${epsilon}`;
    }
    const told = foretold(points, epsilon);
    if (said) {
      said.textContent = told
        ? `At ε = ${epsilon}: two-way distance ${short(told[3])} (${short(told[2])} to ${short(told[4])}), ρ about ${short(told[1])}, ${told[1] <= left ? "which the budget pays for" : "more than is left"}.`
        : "";
    }
  };
  const place = () => {
    if (Number(number.value) > 0) slider.value = Math.log10(Number(number.value));
  };
  slider.addEventListener("input", () => {
    number.value = short(10 ** Number(slider.value));
    show();
  });
  number.addEventListener("input", () => {
    place();
    show();
  });
  place();
  slider.hidden = false;
  show();
}

// Uploads: the same form to the same place, so that the same token and the same checks hold; what comes back takes the place of the page's content.
const size = (bytes) => (bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(0)} KiB` : bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`);

for (const form of document.querySelectorAll("form[data-upload]")) {
  const file = form.querySelector("[type=file]");
  const sent = form.querySelector("[data-sent]");
  const bar = sent.querySelector("progress");
  const rate = sent.querySelector("[data-rate]");
  const button = form.querySelector("button:not([type])");
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.classList.add("dropping");
    });
  }
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) form.classList.remove("dropping");
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("dropping");
    if (event.dataTransfer.files.length) file.files = event.dataTransfer.files;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    const began = Date.now();
    const over = (text) => {
      rate.textContent = text;
      button.disabled = false;
    };
    let told = 0;
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = (100 * loaded) / total;
      // What is read out comes once a second.
      if (Date.now() - told < 1000 && loaded < total) return;
      told = Date.now();
      const speed = loaded / Math.max((told - began) / 1000, 0.001);
      rate.textContent = loaded < total
        ? `${size(loaded)} of ${size(total)}, ${size(speed)}/s, ${Math.ceil((total - loaded) / speed)} s left`
        : `${size(total)} sent; the server stores them`;
    });
    request.addEventListener("load", () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const main = page.querySelector("main");
      if (!main) return over("The server's answer cannot be shown; try again.");
      document.title = page.title;
      document.querySelector("main").replaceWith(main);
      const heading = main.querySelector("h1");
      heading.tabIndex = -1;
      heading.focus();
    });
    request.addEventListener("error", () => over("The connection broke off, or the server refused the file; nothing was stored. Try again."));
    request.addEventListener("abort", () => over("Stopped; nothing was stored."));
    sent.querySelector("[data-stop]").onclick = () => request.abort();
    sent.hidden = false;
    button.disabled = true;
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
}
