// The console in a real browser: what operators see and end, the keys that they make, and what consumers see of theirs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { webSocketClient } from "./clients/graphql-ws.js";
import { adminKey, configuration, sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { axe, checkPage, openPage, screenshot } from "./support/page.js";
import { folder, start } from "./support/process.js";
import { Redis } from "./support/redis.js";
import { changePrice, createApiKey, priceChanged, revokeApiKey } from "./support/shop.js";
import { until, within } from "./support/until.js";

const plans = {
  metered: {
    priceChanged: { events: 1000, per: "MONTH", duration: "1h" },
    "Query.products": { events: 50, per: "DAY" },
  },
};
const prices = { metered: { currency: "EUR", month: 29, events: { price: 0.2, per: 1000 } } };

let gateway;
before(async () => {
  const file = join(folder(), "sluice.yaml");
  writeFileSync(file, configuration({ plans, prices }));
  const settings = ["--config", file, "--console", "on", "--introspection", "--demo", "--traffic-seconds", "1h"];
  gateway = await Gateway.start({ url: "" }, ...settings);
});
after(() => gateway?.discard());

const refused = [/401 \(Unauthorized\)/]; // browsers say so, whatever the page makes of it
const gone = [/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/];

async function signIn(page, key = adminKey) {
  await page.getByLabel("API key or token").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Views" }).waitFor();
}

/** Opens the console as somebody who has signed in, at one of its views. */
async function openConsole(t, view = "", { key, ...options } = {}) {
  const page = await openPage(t, `${gateway.origin}/console${view}`, options);
  await signIn(page, key);
  return page;
}

async function makeKey({ name = "A key", consumer = "warehouse", ...more } = {}) {
  const { createApiKey: made } = await gateway.execute(createApiKey, { input: { name, consumer, ...more } });
  return { key: made.key, id: made.apiKey.id };
}

/** A client of the gateway's that subscribes to prices, and what it got. */
function subscriber(t, token) {
  const client = webSocketClient(gateway, { token, retryAttempts: 0 });
  const got = { results: [], ended: undefined };
  client.subscribe(
    { query: priceChanged.replace("subscription PriceChanged", "subscription Watched") },
    {
      next: (result) => got.results.push(result),
      error: (error) => (got.ended = error),
      complete: () => (got.ended = "complete"),
    },
  );
  t.after(() => client.dispose());
  return got;
}

describe("signing in", () => {
  checkPage("a wrong key is said to be wrong, and a right one stays in the tab only", async (t) => {
    const page = await openPage(t, `${gateway.origin}/console`, { expected: refused });
    await axe(page);
    await page.getByLabel("API key or token").fill("sluice_nobody_has_this");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("The gateway does not know this key or token.").waitFor();
    await signIn(page);
    const kept = () =>
      page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]);
    const [local, session, cookie, href] = await kept();
    assert.deepEqual([local, Object.values(session), cookie], [{}, [adminKey], ""]);
    assert(!href.includes(adminKey), href);
    await page.reload();
    await page.getByRole("navigation", { name: "Views" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key or token").waitFor();
    assert.deepEqual((await kept())[1], {});
  });

  checkPage("a key that is revoked leads back to the start, with the reason", async (t) => {
    const { key, id } = await makeKey({ scopes: ["admin"] });
    const page = await openConsole(t, "#operations", { key, expected: refused });
    await page.getByText("ConsoleOperations").waitFor();
    await gateway.execute(revokeApiKey, { id });
    await page.getByRole("alert").getByText("Your key was revoked or replaced.").waitFor();
  });

  checkPage("a token that expires leads back to the start, with the reason", async (t) => {
    const page = await openConsole(t, "#operations", { key: sign("eve", { life: 5 }), expected: refused });
    await page.getByText("ConsoleMyOperations").waitFor();
    await page.getByRole("alert").getByText("Your key or token has expired.").waitFor();
    await page.getByLabel("API key or token").waitFor();
    assert.deepEqual(await page.evaluate(() => ({ ...sessionStorage })), {});
  });
});

describe("what operators see", () => {
  checkPage("charts move under load, and leave nothing behind", async (t) => {
    const page = await openConsole(t, "#now");
    const got = subscriber(t);
    const chart = page.getByRole("img", { name: /^Deliveries per second/ });
    const drawn = () => chart.locator("canvas").evaluate((canvas) => canvas.toDataURL());
    const before = await drawn();
    await page.getByRole("img", { name: /subscriptions [1-9]/ }).waitFor({ timeout: 20_000 });
    await page.getByRole("img", { name: /^Latency of Subscription.priceChanged.*p99 [\d.]+ ms/ }).waitFor();
    await page.getByRole("img", { name: /^Open sessions.*websocket [1-9]/ }).waitFor();
    assert.notEqual(await drawn(), before);
    assert(got.results.length > 0);
    await page.getByRole("region", { name: "Top operations" }).getByText("Watched").waitFor();
    await page
      .getByRole("region", { name: /^database of/ })
      .getByText("up", { exact: true })
      .waitFor();
    await axe(page);
    await forgetsViews(page);
  });

  for (const [how, options] of Object.entries({ light: {}, dark: { dark: true }, narrow: { width: 380 } })) {
    checkPage(`every view is usable, ${how}`, async (t) => {
      subscriber(t, sign("ann"));
      const page = await openConsole(t, "", options);
      for (const { name, path, settled } of views) {
        await page.goto(`${gateway.origin}/console#${path}`);
        await page.getByText(settled).first().waitFor();
        await axe(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(overflow <= 0, `${name} is ${overflow} px too wide`);
        await screenshot(page, `console-${name}-${how}`);
      }
    });
  }

  checkPage("it comes back by itself after the gateway was restarted", async (t) => {
    const page = await openConsole(t, "#operations", { expected: gone });
    await page.getByText("live", { exact: true }).waitFor();
    await gateway.stop();
    await page.getByRole("alert").getByText("The connection to the gateway is lost.").waitFor();
    await axe(page);
    await gateway.start();
    await page.getByText("live", { exact: true }).waitFor({ timeout: 15_000 });
    await page.getByText("ConsoleOperations").waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  });

  checkPage("a back end that is down is said in every view, and that it is back", async (t) => {
    const redis = await Redis.start();
    t.after(() => redis.stop());
    const served = await Gateway.start(redis, "--console", "on", "--introspection");
    t.after(() => served.discard());
    const page = await openPage(t, `${served.origin}/console#now`);
    await signIn(page);
    const state = page.getByRole("region", { name: /^broker of/ });
    await state.getByText("up", { exact: true }).waitFor();
    await redis.stop();
    const notice = page.getByRole("alert").getByText(/^broker of .* is down since/);
    await notice.waitFor();
    await state.getByText("down", { exact: true }).waitFor();
    await axe(page);
    await page.getByRole("link", { name: "Consumers", exact: true }).click();
    await notice.waitFor();
    await redis.start();
    await notice.waitFor({ state: "detached", timeout: 15_000 });
    await page.getByRole("link", { name: "Now", exact: true }).click();
    await state.getByText("up", { exact: true }).waitFor();
    await page.getByText("live", { exact: true }).waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
  });
});

const views = [
  { name: "now", path: "now", settled: "ConsoleTraffic" },
  { name: "operations", path: "operations", settled: "Watched" },
  { name: "consumers", path: "consumers", settled: "operations" },
  { name: "consumer", path: "consumers/operations", settled: "It has no keys in the database." },
  { name: "catalogue", path: "catalogue/Subscription.priceChanged", settled: "price.{productIds}" },
];

/** Goes from view to view, and back: what a view has made must not stay. */
async function forgetsViews(page) {
  const tools = await page.context().newCDPSession(page);
  const count = async () => {
    await tools.send("HeapProfiler.collectGarbage");
    return tools.send("Memory.getDOMCounters");
  };
  const [away, back] = ["Operations", "Now"].map((name) => page.getByRole("link", { name, exact: true }));
  const there = async (times) => {
    for (let i = 0; i < times; i++) {
      await away.click();
      await page.getByRole("searchbox").waitFor();
      await back.click();
      await page.getByRole("img", { name: /^Open sessions/ }).waitFor();
    }
  };
  await there(3);
  const before = await count();
  await there(12);
  const now = await count();
  // A view has hundreds of nodes; twelve of them that stayed would be thousands.
  assert(now.nodes < before.nodes + 1500, `${before.nodes} nodes, then ${now.nodes}`);
  assert(
    now.jsEventListeners < before.jsEventListeners + 200,
    `${before.jsEventListeners} listeners, then ${now.jsEventListeners}`,
  );
  assert.equal(await page.locator("canvas").count(), 4);
}

describe("an operation", () => {
  checkPage("is found and ended, and its client is told why", async (t) => {
    const got = subscriber(t, sign("ann"));
    const page = await openConsole(t, "#operations");
    await page.getByRole("searchbox").fill("watched");
    const row = page.getByRole("row", { name: /Watched/ });
    await row.waitFor();
    await page.getByText("1 in all").waitFor();
    await row.getByRole("button").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("price.{productIds}").waitFor();
    await axe(page);
    await dialog.getByRole("button", { name: "End…" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("maintenance");
    assert.equal(got.ended, undefined, "nothing ends before the operator has said so twice");
    await page.getByRole("button", { name: "End it" }).click();
    await until("the client is told", () => got.ended, { state: () => JSON.stringify(got.ended) });
    assert.equal(got.ended[0].extensions.code, "ENDED_BY_OPERATOR");
    assert.match(got.ended[0].message, /maintenance/);
    await page.getByText("Nothing that runs now is like that.").waitFor();
  });
});

/** Runs what was pasted, in a process of its own, where the clients' packages are. */
function run(t, { name, text, key }) {
  const at = join(import.meta.dirname, ".build", `${name.replaceAll(/\W/g, "-")}.mjs`);
  mkdirSync(join(at, ".."), { recursive: true });
  const program = text.replaceAll("YOUR_KEY", key ?? "YOUR_KEY");
  if (name !== "curl") writeFileSync(at, program);
  const words =
    name === "curl" ? ["bash", ["-c", program]] : [process.execPath, ["--experimental-websocket", "--no-warnings", at]];
  const run = { output: "", ended: false };
  const { child, ended } = start(...words, { env: process.env, onOutput: (said) => (run.output += said) });
  ended.then(() => (run.ended = true));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return run;
}

const says = (run, what, of) => until(`${of} says ${what}`, () => what.test(run.output), { state: () => run.output });

/** Chooses a client of the catalogue's page, and takes its program. */
async function snippet(page, name) {
  await page.getByRole("button", { name, exact: true }).click();
  return page.getByLabel(`Program for ${name}`, { exact: true }).innerText();
}

describe("a key", () => {
  checkPage("is made, used as the catalogue says, and revoked: then its stream ends", async (t) => {
    const page = await openConsole(t, "#consumers");
    await page.getByRole("button", { name: "New key…" }).click();
    await page.getByLabel("Consumer", { exact: true }).fill("kiosk");
    await page.getByLabel("Name", { exact: true }).fill("Front door");
    await page.getByLabel("Plan", { exact: true }).fill("metered");
    await axe(page);
    await page.getByRole("button", { name: "Make it" }).click();
    const key = await page.getByLabel("API key", { exact: true }).innerText();
    assert.match(key, /^sluice_/);
    await axe(page);
    await page.getByRole("button", { name: "I have kept it" }).click();
    assert(!(await page.content()).includes(key), "a secret is shown once");

    await page.goto(`${gateway.origin}/console#catalogue/Subscription.priceChanged`);
    await page.getByLabel("with a key").check();
    const program = run(t, { name: "graphql-ws", text: await snippet(page, "graphql-ws"), key });
    await says(program, /"priceChanged":\{/, "the program");

    await page.getByRole("link", { name: "Consumers", exact: true }).click();
    await page.getByRole("link", { name: "kiosk" }).click();
    await page.getByRole("button", { name: "Revoke Front door" }).click();
    await axe(page);
    await page.getByRole("button", { name: "Revoke it" }).click();
    await until("the program ends", () => program.ended, { state: () => program.output });
    assert.match(program.output, /KEY_REVOKED/);
    await page.getByRole("region", { name: "API keys" }).getByText("revoked").first().waitFor();
  });

  checkPage("gets another secret, and the one before has its grace", async (t) => {
    const { key } = await makeKey({ name: "Turning", consumer: "turner" });
    const page = await openConsole(t, "#consumers/turner");
    await page.getByRole("button", { name: "Rotate Turning" }).click();
    await page.getByLabel("The secret of now").selectOption("is good for another hour");
    await page.getByRole("button", { name: "Rotate it" }).click();
    const second = await page.getByLabel("API key", { exact: true }).innerText();
    assert.notEqual(second, key);
    for (const token of [key, second]) await gateway.execute("{ myOperations { total } }", {}, token);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByText("two secrets").waitFor();
  });
});

describe("the catalogue's programs", () => {
  for (const name of ["Apollo", "urql", "graphql-ws", "graphql-sse", "curl"]) {
    checkPage(`${name} gets events, as it is pasted`, async (t) => {
      const page = await openConsole(t, "#catalogue/Subscription.priceChanged");
      await says(run(t, { name, text: await snippet(page, name) }), /"priceChanged":\{/, name);
    });
  }

  checkPage("EventSource gets events, in a page of this origin", async (t) => {
    const page = await openConsole(t, "#catalogue/Subscription.priceChanged");
    const said = once(page, "console");
    await page.evaluate(await snippet(page, "EventSource"));
    const [message] = await within("an event", said);
    assert.match(message.text(), /"priceChanged":\{/);
  });

  checkPage("a mutation, a query and a live query do what they say", async (t) => {
    const page = await openConsole(t, "#catalogue/Mutation.changePrice");
    await page.getByText("the scope catalog:write").waitFor();
    await says(
      run(t, { name: "curl", text: await snippet(page, "curl"), key: adminKey }),
      /"data":\{"changePrice"/,
      "curl",
    );
    await page.goto(`${gateway.origin}/console#catalogue/Query.products`);
    await says(run(t, { name: "urql", text: await snippet(page, "urql") }), /"products":\{/, "urql");
    await page.getByLabel("keep the result true (@live)").check();
    const live = run(t, { name: "Apollo", text: await snippet(page, "Apollo") });
    await says(live, /"products":\{/, "Apollo");
  });
});

/** Waits until the usage of the key's consumer is in the ledger: batches of ten seconds. */
function billed(key) {
  const query = `query Billed($month: String!) { myInvoice(month: $month) { lines { amount } } }`;
  const month = new Date().toISOString().slice(0, 7);
  const asked = async () => (await gateway.execute(query, { month }, key)).myInvoice?.lines.length > 0;
  return until("there is an invoice", asked, { within: 20_000 });
}

describe("what consumers see", () => {
  checkPage("budgets, usage, an estimate of the bill, and their own operations only", async (t) => {
    const { key } = await makeKey({ consumer: "warehouse", plan: "metered" });
    subscriber(t, sign("ann"));
    const got = subscriber(t, key);
    await until("an event", () => got.results.length > 0);
    await billed(key);
    const page = await openConsole(t, "", { key });
    const budget = page.getByRole("region", { name: "Subscription.priceChanged" });
    await budget.getByText(/of 1,000 left/).waitFor();
    await budget.getByRole("meter").waitFor();
    await page.getByRole("region", { name: "Usage", exact: true }).getByText("Together").waitFor();
    await page.getByRole("region", { name: "Invoice", exact: true }).getByText("Month").waitFor();
    await page
      .getByText(/€29\.\d+/)
      .first()
      .waitFor();
    await axe(page);
    await screenshot(page, "console-consumer-light");
    assert.equal(await page.getByRole("link", { name: "Consumers" }).count(), 0);
    await page.getByRole("link", { name: "Operations", exact: true }).click();
    const row = page.getByRole("row", { name: /Watched/ });
    await row.getByRole("button").click();
    assert.equal(await page.getByRole("button", { name: "End…" }).count(), 0);
    assert.equal(await row.count(), 1, "those of others are not listed");
  });

  checkPage("an end user sees budgets and their own operations", async (t) => {
    const page = await openConsole(t, "", { key: sign("ann"), width: 380, dark: true });
    await page.getByText("Nothing that you may call has a budget.").waitFor();
    await axe(page);
    await page.getByRole("link", { name: "Operations", exact: true }).click();
    await page.getByText("ConsoleMyOperations").waitFor();
  });
});
