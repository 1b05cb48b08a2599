// The shop's page in a real browser: what moves by itself, what it counts, an order and its way.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { sign } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { axe, checkPage, openPage, screenshot } from "./support/page.js";
import { folder } from "./support/process.js";
import { advanceOrder } from "./support/shop.js";
import { until } from "./support/until.js";

const alone = { url: "" }; // without Redis
const database = ["--database", join(folder(), "shop.db")];

// Lost connections, and refusals of HTTP, are errors to a browser's console. The page says them in words.
const lost = [/ERR_CONNECTION_REFUSED/, /ERR_CONNECTION_RESET/, /ERR_EMPTY_RESPONSE/, /WebSocket connection to .* failed/, /status of 503/];
const refused = [/status of 40[13]/];

const restock = /* GraphQL */ `
  mutation Restock($id: ID!, $quantity: Int!) {
    restock(productId: $id, quantity: $quantity) {
      stock
    }
  }
`;

let gateway;
before(async () => {
  gateway = await Gateway.start(alone, ...database, "--demo");
});
after(() => gateway?.discard());

const open = (t, options) => openPage(t, `${gateway.origin}/demo`, options);

const column = (page, side) => page.locator(`.column.${side}`);
const amounts = (page, side) => column(page, side).locator(".amounts").allInnerTexts();

/** The numbers of a row of the table, of both sides. */
async function figures(page, name) {
  const texts = await page.locator(`[data-figure="${name}"] .figure`).allInnerTexts();
  return texts.map((text) => Number.parseFloat(text.replaceAll(",", "")));
}

/** The exact bytes that the page has counted. */
async function data(page) {
  const cells = await page.locator('[data-figure="Data"] .figure').all();
  const titles = await Promise.all(cells.map((cell) => cell.getAttribute("title")));
  return titles.map((title) => Number.parseInt(title.replaceAll(",", ""), 10));
}

/** Waits until something about prices or stock is not as it is. */
async function moves(page, side, options) {
  const first = (await amounts(page, side)).join();
  await until(`the ${side} prices move`, async () => (await amounts(page, side)).join() !== first, options);
}

const states = (page) => page.locator(".column .state").allInnerTexts();
const isLive = (page, options) =>
  until("both columns are connected", async () => (await states(page)).join() === "Live,Asking", options);

/** Nothing is wider than the window. */
async function fits(page) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert(beyond <= 0, `the page is ${beyond} pixels too wide`);
}

const size = (payload) => Buffer.byteLength(payload);

/** What goes over the wire, by the browser's own account; from the page's first byte on. */
async function openWatched(t) {
  const page = await openPage(t, `${gateway.origin}/readyz`);
  const seen = { posts: [], sockets: 0, frames: 0, frameBytes: 0, received: "", loaded: [] };
  const frame = ({ payload }) => {
    seen.frames++;
    seen.frameBytes += size(payload);
  };
  page.on("request", (request) => request.method() === "POST" && seen.posts.push(request));
  page.on("requestfinished", (request) => seen.loaded.push(request));
  page.on("websocket", (socket) => {
    seen.sockets++;
    socket.on("framesent", frame);
    socket.on("framereceived", (received) => {
      frame(received);
      seen.received += received.payload;
    });
  });
  await page.goto(`${gateway.origin}/demo`);
  return { page, seen };
}

describe("the shop's page", () => {
  checkPage("prices move by themselves, on both sides, for anonymous visitors", async (t) => {
    const page = await open(t);
    await isLive(page);
    await moves(page, "pushed");
    await moves(page, "polled");
    await until("the lags are told", async () => (await figures(page, "Behind")).every((lag) => lag > 0));
  });

  checkPage("what it counts is what the browser has sent and received", async (t) => {
    const { page, seen } = await openWatched(t);
    const polled = async () => (await figures(page, "Requests"))[1];
    await until("there are four polls", async () => (await polled()) >= 4);

    let counted;
    await until(
      "the counters are the browser's",
      async () => {
        counted = { requests: await figures(page, "Requests"), bytes: await data(page) };
        const answered = seen.loaded.filter((request) => seen.posts.includes(request));
        const sizes = await Promise.all(answered.map((request) => request.sizes()));
        const postBytes = sizes.reduce((sum, one) => sum + one.requestBodySize + one.responseBodySize, 0);
        const real = { requests: [seen.sockets, seen.posts.length], bytes: [seen.frameBytes, postBytes] };
        counted.real = real;
        return JSON.stringify(real) === JSON.stringify({ requests: counted.requests, bytes: counted.bytes });
      },
      { state: () => JSON.stringify(counted) },
    );
    const { requests, bytes } = counted;
    assert.equal(requests[0], 1, "requests of the column that is pushed");
    assert(requests[1] >= 4, `${requests[1]} requests of the column that polls`);
    assert(bytes[0] < bytes[1], `${bytes[0]} bytes pushed, ${bytes[1]} polled`);
  });

  checkPage("its first load is less than 1.5 MB", async (t) => {
    const { page, seen } = await openWatched(t);
    await isLive(page);
    const files = seen.loaded.filter((request) => request.method() === "GET");
    const sizes = await Promise.all(files.map((request) => request.sizes()));
    const total = sizes.reduce((sum, { responseBodySize, responseHeadersSize }) => sum + responseBodySize + responseHeadersSize, 0);
    assert(total > 10_000 && total < 1.5e6, `${total} bytes in ${files.length} files`);
  });

  checkPage("a live query keeps the window true as well, by patches", async (t) => {
    const { page, seen } = await openWatched(t);
    await isLive(page);
    await page.getByRole("radio", { name: "Subscriptions" }).focus();
    await page.keyboard.press("ArrowRight");
    assert(await page.getByRole("radio", { name: "@live query" }).isChecked());
    await isLive(page);
    await moves(page, "pushed");
    await until("a patch comes", () => seen.received.includes('"patch":['));
    assert.equal((await figures(page, "Requests"))[0], 1, "requests since the choice");
  });

  checkPage("nothing runs while nobody can see it, and both sides begin anew when somebody does", async (t) => {
    const page = await open(t);
    await until("there are three polls", async () => (await figures(page, "Requests"))[1] >= 3);
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    await gateway.quiet();
    await hide(false);
    await until("they count from nothing", async () => (await figures(page, "Requests"))[1] < 3);
    await moves(page, "pushed");
    await moves(page, "polled");
  });

  checkPage("both sides begin to count again, together, when they are told to", async (t) => {
    const page = await open(t);
    await until("there are three polls", async () => (await figures(page, "Requests"))[1] >= 3);
    await page.getByRole("button", { name: "Start again" }).click();
    await until("they count from nothing", async () => (await figures(page, "Requests"))[1] < 3);
    await isLive(page);
    assert.equal((await figures(page, "Requests"))[0], 1);
  });
});

describe("an order at the shop's page", () => {
  const add = (page) => page.getByRole("button", { name: /^Add .* to the basket$/ }).and(page.locator(":enabled"));
  const place = (page) => page.getByRole("button", { name: "Place the order" });
  const signIn = async (page, credentials) => {
    await page.getByLabel("Key or token").fill(credentials);
    await page.getByRole("button", { name: "Use it" }).click();
  };
  const order = async (page, token) => {
    await add(page).first().click();
    await signIn(page, token);
    await page.getByRole("heading", { name: "Your orders" }).waitFor();
    await place(page).click();
    const placed = page.locator("[data-order]").first();
    await placed.waitFor();
    return placed;
  };

  checkPage("it is placed with a token, and its status followed to the end", async (t) => {
    const page = await open(t);
    await add(page).first().click();
    assert(await place(page).isDisabled(), "nobody has said who orders");
    await page.getByText("It can be placed once you have said who orders").waitFor();
    const placed = await order(page, sign("ann"));
    const id = await placed.getAttribute("data-order");
    assert.equal(await placed.getAttribute("data-status"), "PLACED");
    await page.getByText("Nothing yet.").waitFor();
    await axe(page);

    for (const status of ["PACKED", "SHIPPED", "DELIVERED"]) {
      await gateway.execute(advanceOrder, { id });
      await page.getByText(`Order ${id.slice(-6)} is ${status.toLowerCase()}.`).waitFor();
      await page.locator(`[data-order="${id}"][data-status="${status}"]`).waitFor();
    }
    assert.equal(await placed.getByRole("button").count(), 0, "there is no next step");
  });

  checkPage("who has no right to move it on is told so", async (t) => {
    const page = await open(t, { expected: refused });
    const placed = await order(page, sign("bea"));
    await placed.getByRole("button", { name: /next step/ }).click();
    await placed.getByText(/sign in with the API key/).waitFor();
    assert.equal(await placed.getAttribute("data-status"), "PLACED");
  });

  checkPage("who has it moves it on from the page, on a small screen too", async (t) => {
    const page = await open(t, { width: 380 });
    const placed = await order(page, sign("cat", { scope: "orders:write" }));
    await placed.getByRole("button", { name: /next step/ }).click();
    await page.locator('[data-order][data-status="PACKED"]').waitFor();
    await fits(page);
    await axe(page);
  });

  checkPage("bad credentials are refused in words, and everything else works on", async (t) => {
    const page = await open(t, { expected: refused });
    await signIn(page, "dev_nobody-has-this-key");
    await page.getByRole("alert").getByText("does not know this key or token").waitFor();
    await moves(page, "pushed");
    await axe(page);
  });

  checkPage("credentials last as long as the tab's session, or until one signs out", async (t) => {
    const page = await open(t);
    const token = sign("dan");
    await signIn(page, token);
    await page.getByText("None yet.").waitFor();
    await page.reload();
    await page.getByText("None yet.").waitFor();
    const kept = () => page.evaluate(() => [JSON.stringify(sessionStorage), JSON.stringify(localStorage), location.href, document.cookie]);
    const [session, ...elsewhere] = await kept();
    assert(session.includes(token));
    assert(!elsewhere.join().includes(token), "it is nowhere else");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Key or token").waitFor();
    assert.equal((await kept())[0], "{}");
  });

  checkPage("a token that ends leads back to the sign-in, with the reason", async (t) => {
    const page = await open(t, { expected: refused });
    await signIn(page, sign("eve", { life: 3 }));
    await page.getByText("None yet.").waitFor();
    await page.getByRole("alert").getByText("no longer takes this key or token").waitFor();
    await page.getByLabel("Key or token").waitFor();
  });
});

describe("the shop's page over a restart of the gateway", () => {
  for (const [how, way, end] of [
    ["killed", "Subscriptions", () => gateway.discard()],
    ["told to end", "@live query", () => gateway.stop()],
  ]) {
    checkPage(`${how}, by ${way}: it reconnects, says so, and shows what it has missed`, async (t) => {
      const page = await open(t, { expected: lost });
      const choice = page.getByRole("radio", { name: way });
      await choice.check();
      await isLive(page);
      await page.getByLabel("Key or token").fill(sign(`restart by ${way}`));
      await page.getByRole("button", { name: "Use it" }).click();
      await page.getByText("None yet.").waitFor();

      await end();
      await until("both columns say it", async () => (await states(page)).join() === "Reconnecting,Reconnecting");
      assert.equal(await page.locator(".product:not(.waiting)").count(), 16, "what was known is still shown");
      await axe(page);
      await restockMeanwhile("8", 50_000);
      await gateway.start();

      const backOff = { within: 20_000 };
      await isLive(page, backOff);
      for (const side of ["pushed", "polled"]) {
        const stock = column(page, side).locator('[data-product="8"] .stock');
        await until(`${side}: the new stock is shown`, async () => Number.parseInt(await stock.innerText()) >= 50_000);
        await moves(page, side);
      }
      await until("the orders are live again", async () => (await page.locator(".orders .state").innerText()) === "Live", backOff);
    });
  }
});

/** Somebody else delivers while the gateway is down. The feed's orders do not take so much. */
async function restockMeanwhile(id, quantity) {
  const other = await Gateway.start(alone, ...database);
  try {
    await other.execute(restock, { id, quantity });
  } finally {
    await other.stop();
    await other.discard();
  }
}

describe("the shop's page, looked at", () => {
  for (const [name, options] of [
    ["shop-light", {}],
    ["shop-dark", { dark: true }],
    ["shop-narrow", { width: 380 }],
  ]) {
    checkPage(`${name}: nothing is in the way of anybody`, async (t) => {
      const page = await open(t, options);
      await isLive(page);
      await until("something has moved", async () => (await figures(page, "Updates shown")).every((shown) => shown > 2));
      await axe(page);
      await screenshot(page, name);
      for (const summary of await page.locator("summary").all()) await summary.click();
      await axe(page);
      await fits(page);
    });
  }
});
