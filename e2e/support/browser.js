// fetch as a page of the gateway's own origin has it: browsers say by themselves where a request
// comes from, and that is how the gateway tells a GET of such a page from one slipped in by another.

export function pageFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("Sec-Fetch-Site", "same-origin");
  return fetch(url, { ...init, headers });
}

/** The same of a page elsewhere. */
export function foreignFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("Sec-Fetch-Site", "cross-site");
  headers.set("Origin", "https://elsewhere.example");
  return fetch(url, { ...init, headers });
}
