// The playground in a real browser: what its first tabs promise holds.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { adminKey } from "./support/credentials.js";
import { Gateway } from "./support/gateway.js";
import { axe, checkPage, openPage, screenshot } from "./support/page.js";
import { changePrice } from "./support/shop.js";
import { until } from "./support/until.js";

const settings = ["--playground", "on", "--introspection"];
let gateway;
before(async () => {
  gateway = await Gateway.start({ url: "" }, ...settings);
});
after(() => gateway?.discard());

/** What the tests do with GraphiQL, in the words of its user. */
class Playground {
  sockets = [];

  static async open(t, { at = gateway, ...options } = {}) {
    const playground = new Playground();
    playground.page = await openPage(t, `${at.origin}/playground`, options);
    playground.page.on("websocket", (socket) => playground.sockets.push(socket));
    await playground.page.locator(".graphiql-query-editor .view-line").first().waitFor();
    return playground;
  }

  tab(name) {
    return this.page.locator(".graphiql-tabs").getByRole("button", { name, exact: true });
  }

  /** Shows the tab of an operation, and waits until its text stands in the editor. */
  async show(name) {
    await this.tab(name).click();
    await this.page.locator(".graphiql-query-editor .view-lines", { hasText: name }).waitFor();
  }

  async run(name, key) {
    await this.show(name);
    if (key) await this.headers(JSON.stringify({ Authorization: `Bearer ${key}` }));
    await this.page.getByRole("button", { name: /^Execute query/ }).click();
  }

  async stop() {
    await this.page.getByRole("button", { name: "Stop", exact: true }).click();
  }

  /** Writes into the editor of headers. */
  async headers(text) {
    await this.page.locator(".graphiql-editor-tool .monaco-editor:visible").last().click();
    await this.page.keyboard.press("ControlOrMeta+A");
    await this.page.keyboard.insertText(text);
    await this.page.keyboard.press("ControlOrMeta+Shift+End"); // what the editor has closed by itself
    await this.page.keyboard.press("Delete");
  }

  streamBy(transport) {
    return this.page.getByLabel("Streams by").selectOption(transport);
  }

  /** Waits until the result, without its spaces, has a text. */
  async result(text) {
    let shown;
    const lines = this.page.locator(".result-window .view-lines");
    const has = async () => (shown = (await lines.innerText()).replace(/\s/g, "")).includes(text);
    await until(`the result has ${text}`, has, { state: () => shown });
  }

  /** Waits until the bar says something of the stream of the tab. */
  async says(text) {
    await this.page.getByRole("region", { name: "Streams" }).getByText(text).first().waitFor();
  }

  /** Waits until the bar counts so many results of the stream of the tab. */
  async events(count) {
    let counted;
    const bar = this.page.getByTestId("events");
    const has = async () => (counted = await bar.innerText()) === String(count);
    await until(`${count} event(s)`, has, { state: () => `of ${counted}` });
  }
}

for (const [transport, name] of [
  ["websocket", "WebSocket"],
  ["sse", "Server-Sent Events"],
]) {
  describe(`the playground, with streams by ${name}`, () => {
    checkPage("the subscription shows what the mutation in the next tab does", async (t) => {
      const playground = await Playground.open(t);
      await playground.streamBy(transport);
      await playground.run("PriceChanged");
      await playground.says("Streaming by");
      await playground.says(name);
      await gateway.members(1);

      await playground.run("ChangePrice", adminKey);
      await playground.result('"price":"9.99"');
      await playground.page.getByTitle("Go to its tab").filter({ hasText: /PriceChanged 1$/ }).click();
      await playground.result('"note":"fromtheplayground"');
      await playground.events(1);
      assert.equal(playground.sockets.length, transport === "websocket" ? 1 : 0, "sockets");

      await playground.tab("PriceChanged").click(); // it is there already
      await gateway.execute(changePrice, { id: "2", price: "8.88" });
      await playground.result('"price":"8.88"');
      await playground.events(2);
      await playground.stop();
      await playground.says("Ended, by");
      await gateway.quiet();
    });

    checkPage("the live query is answered again when its result differs", async (t) => {
      const playground = await Playground.open(t);
      await playground.streamBy(transport);
      await playground.run("LivePrices");
      await playground.events(1);
      await gateway.execute(changePrice, { id: "3", price: "7.77" });
      await playground.result('"price":"7.77"');
      await playground.events(2);
      await playground.stop();
      await gateway.quiet();
    });

    checkPage("a restart of the gateway is shown, and the stream goes on", async (t) => {
      const worker = /^Event$/; // of an editor, which would begin just then
      const playground = await Playground.open(t, { expected: [/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|WebSocket connection/, worker] });
      await playground.streamBy(transport);
      await playground.run("PriceChanged");
      await gateway.members(1);
      await gateway.stop();
      await playground.says("Reconnecting by");
      await gateway.start();
      await gateway.members(1, { within: 20_000 });
      await gateway.execute(changePrice, { id: "1", price: "6.66" });
      await playground.result('"price":"6.66"');
      await playground.stop();
      await gateway.quiet();
    });

    checkPage("bad credentials are an error of GraphQL", async (t) => {
      const playground = await Playground.open(t, { expected: [/status of 401/] });
      await playground.streamBy(transport);
      await playground.run("PriceChanged", "of-nobody");
      await playground.result(transport === "websocket" ? '"code":"CLOSED_4403"' : '"code":"UNAUTHENTICATED"');
      await playground.says("Ended, by");
    });
  });
}

describe("the playground", () => {
  checkPage("a query runs by its keys, and a mutation without a key says what it lacks", async (t) => {
    const playground = await Playground.open(t, { expected: [/status of 401/] });
    await playground.show("Products");
    await playground.page.locator(".graphiql-query-editor .view-line").last().click();
    await playground.page.keyboard.press("ControlOrMeta+Enter");
    await playground.result('"totalCount":');
    await playground.run("ChangePrice");
    await playground.result('"code":"UNAUTHENTICATED"');
  });

  checkPage("what a key runs is shown by the live query of its operations", async (t) => {
    const playground = await Playground.open(t);
    await playground.run("PriceChanged", adminKey);
    await gateway.members(1);
    await playground.run("MyOperations", adminKey);
    await playground.result('"operation":"PriceChanged"');
    await playground.stop();
    await playground.show("PriceChanged");
    await playground.stop();
    await gateway.quiet();
  });

  checkPage("the documentation shows the policy of a field", async (t) => {
    const { page } = await Playground.open(t);
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    const panel = page.locator(".graphiql-plugin");
    await panel.getByRole("link", { name: "Subscription" }).click();
    await panel.getByRole("link", { name: "priceChanged" }).click();
    await panel.getByText('@topic(name: "price.{productIds}")').waitFor();
    await axe(page);
    await page.getByRole("button", { name: "Show Policy" }).click();
    await panel.getByLabel("Search policy").fill("catalog:write");
    await panel.getByText("changePrice").waitFor();
    assert.equal(await panel.getByText("priceChanged").count(), 0);
    await axe(page);
  });

  checkPage("the editor completes by the schema, explains, marks what is wrong, and has its commands", async (t) => {
    const playground = await Playground.open(t);
    const { page } = playground;
    const editor = page.locator(".graphiql-query-editor");
    await playground.show("Products");
    await editor.locator(".view-line").last().click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("{ stre", { delay: 20 });
    await editor.locator(".squiggly-error").first().waitFor();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("{ prod", { delay: 20 });
    await page.locator(".suggest-widget").getByText("products", { exact: true }).first().waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.insertText("ucts { totalCount } }");
    const field = editor.locator(".view-line").getByText("products").first();
    await field.hover();
    await page.locator(".monaco-hover").getByText("Query.products").first().waitFor();
    await page.keyboard.press("F1");
    await page.keyboard.type("Run Operation");
    await page.locator(".quick-input-list").getByRole("option", { name: /^Run Operation/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("ControlOrMeta+F");
    await editor.locator(".find-widget.visible").waitFor();
    await page.keyboard.press("Escape");
    const explained = page.locator(".graphiql-plugin").getByText("products", { exact: true }).first();
    await until("its documentation is shown", async () => { // the editor has to know by then what the field is
      await field.click({ modifiers: ["ControlOrMeta"], force: true }); // the panel that opens moves it away
      return explained.waitFor({ timeout: 1000 }).then(() => true, () => false);
    });
  });

  checkPage("the documentation is found by its keys", async (t) => {
    const { page } = await Playground.open(t);
    const search = page.locator(".graphiql-plugin").getByRole("combobox");
    await until("its keys are known", async () => {
      await page.keyboard.press("ControlOrMeta+Alt+K");
      return search.isVisible();
    });
    await search.fill("priceCh");
    await page.getByRole("option").filter({ hasText: "priceChanged" }).first().waitFor();
  });

  checkPage("a tab is moved to another place, and what is typed as soon as the editor stands runs", async (t) => {
    const playground = await Playground.open(t);
    const { page } = playground;
    await page.locator(".graphiql-query-editor .view-line").first().click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText("query Typed { products { totalCount } }");
    await page.getByRole("button", { name: /^Execute query/ }).click();
    await playground.result('"totalCount":');
    const names = () => page.locator(".graphiql-tab-button").allInnerTexts();
    await until("what moves tabs is there", async () => { // it comes later than they
      if ((await names())[0] === "PriceChanged") return true;
      const from = await playground.tab("Typed").boundingBox();
      const over = await playground.tab("PriceChanged").boundingBox();
      await page.mouse.move(from.x + 20, from.y + 10);
      await page.mouse.down();
      await page.mouse.move(over.x + over.width / 2 + 20, over.y + 10, { steps: 10 });
      await page.mouse.up();
      return (await names())[0] === "PriceChanged";
    }, { state: async () => (await names()).join() });
    assert.deepEqual((await names()).slice(0, 3), ["PriceChanged", "Typed", "ChangePrice"]);
  });

  checkPage("keys are kept nowhere", async (t) => {
    const playground = await Playground.open(t);
    await playground.run("PriceChanged", adminKey);
    await gateway.members(1);
    await playground.show("LivePrices");
    const stored = () => playground.page.evaluate(() => Object.values({ ...localStorage, ...sessionStorage }).join("\n"));
    await until("the tabs are stored", async () => (await stored()).includes('"activeTabIndex":3'), { state: stored });
    assert(!(await stored()).includes(adminKey));
    await playground.page.reload();
    await playground.show("PriceChanged");
    await playground.page.locator(".graphiql-editor-tool", { hasText: "A key or token" }).waitFor();
  });

  checkPage("without introspection operations run all the same", async (t) => {
    const closed = await Gateway.start({ url: "" }, "--playground", "on");
    t.after(() => closed.discard());
    const playground = await Playground.open(t, { at: closed, expected: [/status of (404|422)/] });
    await playground.result('"code":"INTROSPECTION_DISABLED"');
    await playground.page.getByRole("button", { name: "Show Policy" }).click();
    await playground.page.getByText("that needs introspection").waitFor();
    await playground.run("Products");
    await playground.result('"totalCount":');
  });

  checkPage("the first load is under 1.5 MB, and the editor has its workers", async (t) => {
    const { page } = await Playground.open(t);
    const worker = () => page.workers().some((one) => one.url().includes("graphql.worker"));
    await until("the worker of GraphQL runs", worker, { state: () => page.workers().map((one) => one.url()).join() });
    const loaded = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter(({ name }) => !name.includes(".worker-"))
        .map(({ name, encodedBodySize }) => [encodedBodySize, name]),
    );
    const sum = loaded.reduce((total, [size]) => total + size, 0);
    assert(loaded.length > 5 && sum > 500_000 && sum < 1_500_000, `${sum} bytes: ${loaded.join("\n")}`);
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { dark: true }],
    ["narrow", { width: 380 }],
  ]) {
    checkPage(`everybody can use it: ${name}`, async (t) => {
      const playground = await Playground.open(t, options);
      await playground.run("PriceChanged");
      await gateway.members(1);
      await gateway.execute(changePrice, { id: "1", price: "19.90", note: "the first of the day" });
      await playground.result('"note":"thefirstoftheday"');
      const { page } = playground;
      await axe(page);
      await screenshot(page, `playground-${name}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert(wide <= 0, `it is ${wide} pixels wider than its window`);
    });
  }
});
