// The pages in a real browser: the tour from signing in to publication, a reader's, attempts of a foreign tenant; axe over every page, light and dark, wide and
// narrow; what the browser refuses by the page's own policy; screenshots of every page. Fails on any violation.
//
//     node lane.mjs PROGRAM FOLDER CHROMIUM
import { spawn, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { randomBytes } from "node:crypto";
import assert from "node:assert/strict";
import path from "node:path";

const [program, folder, chromium] = process.argv.slice(2).map((part) => path.resolve(part));
const require = createRequire(path.join(folder, "package.json"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = path.join(folder, "screenshots");
const data = path.join(folder, "data");
for (const old of [shots, data]) rmSync(old, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });

const admin = `ndp_${randomBytes(32).toString("hex")}`;
const trace = path.join(folder, "raw.csv");
execFileSync(program, ["sample", "flows", "--rows", "20000", "--seed", "7", "-o", trace], { stdio: "ignore" });

// The server, on a port of its own.
const server = spawn(program, ["serve"], {
  env: { ...process.env, NETDPSYN_DATA_DIR: data, NETDPSYN_LISTEN: "127.0.0.1:0", NETDPSYN_ADMIN_KEY: admin, NETDPSYN_LOG_FORMAT: "json" },
  stdio: ["ignore", "ignore", "pipe"],
});
const log = createInterface({ input: server.stderr });
const url = await new Promise((found, failed) => {
  log.on("line", (line) => {
    try {
      const { fields } = JSON.parse(line);
      if (fields?.message === "serving") found(`http://${fields.address}`);
    } catch { /* No line of the log. */ }
  });
  server.on("exit", () => failed(new Error("the server ended")));
});

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
});

const faults = [];
const seen = [];

/** A tab of somebody's own, in which what the browser refuses or a script throws is a fault. */
async function tab(who) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${who} ${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // A page that is refused is one that was asked for to be refused.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) faults.push(`${who} ${page.url()}: ${message.text()}`);
  });
  await page.setViewport({ width: 1280, height: 900 });
  return page;
}

/** Looks at the page that is open: axe in every form of it, and a screenshot of each. */
async function look(page, name) {
  seen.push(name);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const width of [1280, 390]) {
      await page.setViewport({ width, height: 900 });
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        // What is behind folds is looked at as well; screenshots show the page as it opens.
        const folds = [...document.querySelectorAll("details:not([open])")];
        folds.forEach((fold) => { fold.open = true; });
        const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
        folds.forEach((fold) => { fold.open = false; });
        const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
        return { wide, passes: passes.length, violations: violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`) };
      });
      assert(found.passes > 5, `axe looked at ${name}`);
      for (const one of found.violations) faults.push(`axe ${name} ${scheme} ${width}: ${one}`);
      if (found.wide) faults.push(`${name} ${scheme} ${width}: the page scrolls sideways`);
      await page.screenshot({ path: path.join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
}

/** Plots are drawn: what an open element swallows has no size. */
async function drawn(page, least = 1) {
  const sizes = await page.$$eval("svg rect, svg circle, svg polygon", (all) => all.map((one) => one.getBoundingClientRect().width));
  assert(sizes.length >= least && sizes.filter((size) => size > 0).length > 0.5 * sizes.length, `${sizes.length} parts of plots are drawn`);
}

/** Drops a file onto the form, as a hand does that drags one from elsewhere. */
async function dropped(page, input, file) {
  const [text, name] = [readFileSync(file, "utf8"), path.basename(file)];
  await page.$eval(input, (element, text, name) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    for (const kind of ["dragenter", "dragover", "drop"]) {
      element.closest("form").dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  }, text, name);
  assert.equal(await page.$eval(input, (element) => element.files[0]?.name), name, "what is dropped is chosen");
}

/** Sends the form with a file and waits for what comes in its place; how far it is was told meanwhile. */
async function uploaded(page) {
  await page.evaluate(() => {
    const rate = document.querySelector("[data-rate]");
    window.told = [];
    new MutationObserver(() => window.told.push(rate.textContent)).observe(rate, { childList: true });
  });
  await page.$eval('form[action$="/upload"] button:not([type])', (button) => button.click());
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Received", { timeout: 60_000 });
  const told = await page.evaluate(() => window.told);
  assert(told.some((one) => /iB sent|iB of .* s left/.test(one)), `how far it is: ${told}`);
}

/** Moves the slider to a power of ten: the number follows. */
async function slid(page, power, epsilon) {
  await page.$eval("[data-slides]", (slider, power) => {
    slider.value = power;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }, power);
  assert.equal(await page.$eval("#epsilon", (number) => number.value), epsilon);
  assert(await page.$eval("[data-slides]", (slider) => slider.getBoundingClientRect().width > 100), "the slider is there");
}

const go = (page, place) => page.goto(url + place, { waitUntil: "load" });

/** Presses a button of the form that is sent there, or follows the link of these words, and waits for what comes. */
async function press(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.$eval(selector, (element) => element.click())]);
}
const send = (page, action) => press(page, `form[action$="${action}"] button:not([type])`);
const follow = (page) => press(page, "a.button");

async function signIn(who, key, shown) {
  const page = await tab(who);
  await go(page, "/");
  if (shown) await look(page, shown);
  await page.type("#key", key);
  await send(page, "/console/sign-in");
  assert(!page.url().includes(key) && !(await page.content()).includes(key), "the key is nowhere");
  assert.equal(await page.evaluate(() => `${document.cookie}${localStorage.length}${sessionStorage.length}`), "00", "no script reads the cookie");
  return page;
}

/** What the API says. */
async function ask(key, place) {
  const answer = await fetch(url + place, { headers: { authorization: `Bearer ${key}` } });
  return answer.json();
}

async function wait(what) {
  for (let tries = 0; tries < 1200; tries += 1) {
    const found = await what();
    if (found) return found;
    await new Promise((passed) => setTimeout(passed, 200));
  }
  throw new Error("waited in vain");
}

const secret = async (page) => (await page.$eval("pre", (pre) => pre.textContent)).trim();

async function tenant(page, name) {
  await go(page, "/console/tenants");
  await page.type("#name", name);
  await page.type("#epsilon", "5");
  await send(page, "/console/tenants");
  if (name === "campus") await look(page, "done");
  await follow(page);
  const place = new URL(page.url()).pathname;
  const keys = {};
  for (const role of ["steward", "reader"]) {
    await go(page, place);
    await page.type("#name", role);
    await page.select("#role", role);
    await send(page, "/keys");
    if (name === "campus" && role === "steward") await look(page, "key");
    keys[role] = await secret(page);
  }
  await go(page, place);
  return keys;
}

try {
  const administrator = await signIn("admin", admin, "sign-in");
  const keys = await tenant(administrator, "campus");
  await look(administrator, "tenant");
  const foreign = await tenant(administrator, "elsewhere");
  await go(administrator, "/console/tenants");
  await look(administrator, "tenants");
  await go(administrator, "/console/populations");
  await look(administrator, "populations");
  await send(administrator, "/console/sign-out");
  await go(administrator, "/console/tenants");
  assert.equal(new URL(administrator.url()).pathname, "/", "signed out");

  const steward = await signIn("steward", keys.steward);
  await look(steward, "datasets-none");
  await steward.type("#name", "campus uplink");
  await send(steward, "/console/datasets");
  await follow(steward);
  const dataset = new URL(steward.url()).pathname;
  await look(steward, "dataset-empty");
  await steward.type("#window", "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z");
  await steward.type('[id="categories.type"]', "normal\nddos\nportscan\nbruteforce");
  await send(steward, "/declare");
  await go(steward, dataset);
  await dropped(steward, "#trace", trace);
  await look(steward, "dataset-dropped");
  await uploaded(steward);
  await look(steward, "received");
  await wait(async () => (await ask(keys.steward, `/v1${dataset.slice("/console".length)}`)).state === "ready");
  await go(steward, "/console/datasets");
  await look(steward, "datasets");
  await go(steward, dataset);
  await look(steward, "dataset");
  await slid(steward, 0.3, "2");
  await steward.click('[name="hold_out"]');
  await send(steward, "/quote");
  await look(steward, "quote");
  await drawn(steward);
  await slid(steward, 0, "1");
  assert.match(await steward.$eval("[data-foretold]", (said) => said.textContent), /^At ε = 1: two-way distance [\d.]+ \([\d.]+ to [\d.]+\), ρ about [\d.]+, which the budget pays for\.$/);
  assert.deepEqual(await steward.$$eval("[data-chosen] text", (all) => all.map((one) => one.textContent)), ["ε = 1", "ε = 1"], "the marks follow");
  await look(steward, "quote-slid");
  await send(steward, "/fit");
  // While it is looked at, a job's page hears nothing: it would load itself again when the job ends.
  let deaf = true;
  await steward.setRequestInterception(true);
  steward.on("request", (request) => {
    if (!deaf || !request.url().endsWith("/events")) request.continue();
  });
  await follow(steward);
  const job = new URL(steward.url()).pathname;
  if (await steward.$("[data-events]")) await look(steward, "job-running");
  deaf = false;
  await go(steward, job);
  // The page follows the job by itself, to its end.
  await steward.waitForFunction(() => document.body.textContent.includes("charged"), { timeout: 240_000, polling: 200 });
  await look(steward, "job");
  assert.equal(new URL(steward.url()).pathname, job);
  const done = await wait(async () => {
    const { items } = await ask(keys.steward, "/v1/jobs");
    assert(!items.some((item) => item.state === "failed"), JSON.stringify(items));
    return items.length === 4 && items.every((item) => item.state === "succeeded") && items;
  });
  await go(steward, "/console/jobs");
  await look(steward, "jobs");
  const id = done.find((item) => item.kind === "generate").release_id;
  const release = `/console/releases/${id}`;

  const reader = await signIn("reader", keys.reader);
  assert((await go(reader, release)).status() === 404, "a reader sees no draft");
  await look(reader, "refused");
  for (const place of [dataset, `${dataset}/compare`, "/console/jobs", job, "/console/budget", "/console/tenants", "/console/storage"]) {
    assert.equal((await go(reader, place)).status(), 403, place);
  }

  await go(steward, "/console/releases");
  await look(steward, "releases");
  await go(steward, release);
  await look(steward, "release-draft");
  await follow(steward);
  await look(steward, "report");
  await drawn(steward, 20);
  await go(steward, release);
  await send(steward, "/report/private");
  assert.match(await steward.$eval("p.private", (mark) => mark.textContent), /^PRIVATE/);
  await look(steward, "report-private");
  await drawn(steward, 20);
  await go(steward, `${dataset}/compare`);
  assert.equal(await steward.$("p.private"), null, "what there is to choose is not private");
  await look(steward, "compare-choose");
  await steward.click('[name="model"]');
  for (const [place, epsilon] of ["0.5", "1", "4"].entries()) await steward.type(`#epsilon-${place}`, epsilon);
  await send(steward, "/compare");
  assert.equal((await steward.$$("p.private")).length, 2, "it is marked at both ends");
  await look(steward, "compare");
  await drawn(steward, 8);
  const compared = new URL(steward.url()).pathname + new URL(steward.url()).search;
  for (const [name, place] of [["compare", compared], ["report", `/v1/releases/${id}/report.html`], ["report-private", `/v1/releases/${id}/report/private`]]) {
    await go(steward, place);
    writeFileSync(path.join(shots, `${name}.pdf`), await steward.pdf({ format: "A4" }));
    await steward.emulateMediaType("print");
    await steward.emulateVisionDeficiency("achromatopsia");
    await steward.setViewport({ width: 794, height: 1123 });
    await steward.screenshot({ path: path.join(shots, `${name}-print.png`) });
    await steward.emulateMediaType(null);
    await steward.emulateVisionDeficiency("none");
  }
  await go(steward, release);
  for (const name of ["read_report", "read_cap", "for_ever"]) await steward.click(`[name="${name}"]`);
  await send(steward, "/publish");
  await go(steward, release);
  await look(steward, "release");
  await go(steward, "/console/budget");
  await look(steward, "budget");
  const keeper = await signIn("keeper", admin);
  await go(keeper, "/console/storage");
  assert.match(await keeper.$eval("main", (main) => main.textContent), /raw traces: \d+\.\d MiB/);
  await look(keeper, "storage");

  const stranger = await signIn("stranger", foreign.steward);
  for (const place of [dataset, `${dataset}/compare`, job, release, `/v1/releases/${id}/report.html`]) {
    assert.equal((await go(stranger, place)).status(), 404, place);
  }

  await go(reader, "/");
  await look(reader, "catalogue");
  await press(reader, "th a");
  await look(reader, "release-reader");
  assert.equal(await reader.$('form[action$="/publish"]'), null);
  await follow(reader);
  assert.match(await reader.$eval(".verdict", (verdict) => verdict.textContent), /Not for following single hosts/);
} finally {
  await browser.close();
  server.kill("SIGTERM");
}

for (const fault of faults) console.error(fault);
console.log(`${seen.length} pages, each light and dark, 1280 and 390 wide: ${faults.length} faults; screenshots in ${shots}`);
process.exit(faults.length ? 1 : 0);
