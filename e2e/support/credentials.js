// Who the gateways of the tests believe: one key of the back end, and the tokens of one issuer.

import { createHmac } from "node:crypto";

/** A key that may do everything, of nobody in particular. */
export const adminKey = "the-back-end-of-the-tests";

/** For so long, in milliseconds, a token is good after its `exp`. */
export const leeway = 500;

const issuer = {
  issuer: "https://id.test",
  audience: "sluice",
  algorithms: ["HS256"],
  secret: "a secret of thirty-two bytes or more",
  leeway: `${leeway}ms`,
};

/** The text of a gateway's configuration file, with more `sections` if wanted; JSON is YAML. */
export function configuration(sections = {}) {
  const keys = [
    {
      key: adminKey,
      consumer: "operations",
      scopes: ["admin", "catalog:write", "orders:read", "orders:write", "publish"],
      publish: ["price.*", "stock.*", "order.*"],
    },
  ];
  return JSON.stringify({ keys, issuers: [issuer], ...sections });
}

/** A token of a customer, good for `life` seconds; more `claims` may say more, or otherwise. */
export function sign(sub, { life = 3600, ...claims } = {}) {
  const said = { iss: issuer.issuer, aud: issuer.audience, sub, client_id: "web", exp: Date.now() / 1000 + life };
  const parts = [{ alg: "HS256", typ: "JWT" }, { ...said, ...claims }];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createHmac("sha256", issuer.secret).update(text).digest("base64url")}`;
}

/**
 * What a client sends, as headers or connectionParams: `token` is a token or key, or a function that
 * says which is the one of the moment; nothing for a client that has none.
 */
export function authorization(token) {
  const now = typeof token === "function" ? token() : token;
  return now ? { Authorization: `Bearer ${now}` } : {};
}
