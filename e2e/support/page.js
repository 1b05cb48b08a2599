// A page in a real browser, Debian's Chromium, that is watched: whatever it asks of another origin, whatever
// its content security policy forbids, and every error fails the test.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import axeCore from "axe-core";
import { chromium } from "playwright-core";
import { check } from "./check.js";

const images = join(import.meta.dirname, "..", "..", "docs", "images");

let launched; // one browser for all pages of a test file, from the first on
after(async () => (await launched)?.close());

function browser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // root has none
  launched ??= chromium.launch({ executablePath, args }).catch((error) => {
    throw new Error(`${error.message}\non Debian, apt-get install chromium`);
  });
  return launched;
}

/** A test with pages: `body` gets what `openPage` takes for its `t`. What is opened is closed before the test ends. */
export function checkPage(name, body) {
  check(name, async () => {
    const steps = [];
    const failures = [];
    const attempt = (step) => step().catch((error) => failures.push(error));
    await attempt(() => body({ after: (end) => steps.unshift(end) }));
    for (const end of steps) await attempt(async () => end());
    if (failures.length > 0) throw new Error(failures.map(({ message }) => message).join("\n")); // one may explain the other
  });
}

/**
 * Opens a page. `dark` is what its user prefers, `width` in pixels is that of the window; errors on
 * the console that match one of `expected` are no failures. `t` is anything with an `after`, such as
 * a test's context.
 */
export async function openPage(t, url, { dark = false, width = 1280, height = 800, expected = [] } = {}) {
  const context = await (await browser()).newContext({
    colorScheme: dark ? "dark" : "light",
    viewport: { width, height },
    reducedMotion: "reduce", // a picture, and axe, must not meet a colour half way
  });
  const wrong = watch(context, new URL(url).origin, expected);
  t.after(async () => {
    await context.close();
    assert.equal(wrong.length, 0, `${url}:\n${wrong.join("\n")}`);
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(url);
  return page;
}

/** Collects what must not be. A violation of the policy, and a worker's error, are on the console. */
function watch(context, origin, expected) {
  const wrong = [];
  const foreign = (address) => {
    const { protocol, origin: at } = new URL(address.replace(/^ws/, "http"));
    return !["data:", "blob:"].includes(protocol) && at !== origin;
  };
  const complain = (text) => expected.some((known) => known.test(text)) || wrong.push(text);
  context.on("request", (request) => foreign(request.url()) && wrong.push(`request to ${request.url()}`));
  context.on("weberror", (failure) => complain(failure.error().stack || String(failure.error())));
  context.on("console", (said) => said.type() === "error" && complain(`${said.text()} (${said.location().url})`));
  context.on("page", (page) => {
    page.on("websocket", (socket) => foreign(socket.url()) && wrong.push(`socket to ${socket.url()}`));
    page.on("crash", () => wrong.push("the page crashed"));
  });
  return wrong;
}

/** Nothing about the page is serious or critical to those who cannot see it, or use no mouse. */
export async function axe(page) {
  await page.evaluate(axeCore.source); // a script tag is against the page's policy
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations);
  const grave = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = grave.map(({ id, help, nodes }) => {
    const places = nodes.slice(0, 5).map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`);
    return `${id}: ${help}\n${places.join("\n")}`;
  });
  assert.equal(told.length, 0, `axe, of ${page.url()}:\n${told.join("\n")}`);
}

/** Keeps a picture for the documents, docs/images/`name`.png, where SLUICE_SCREENSHOTS=1 wants them. */
export async function screenshot(page, name) {
  if (process.env.SLUICE_SCREENSHOTS !== "1") return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: join(images, `${name}.png`) });
}
