// Clients that keep a page true by a live query, behind one small adapter:
//
//   name
//   comesBack   by itself, after the gateway was restarted
//   watch(gateway, query, onResult, onError) -> { stop() }
//                onResult gets execution results, onError what the client throws
//
// Each has what its documentation says for queries that give many results, and nothing of ours.

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition } from "@apollo/client/utilities";
import { applyLiveQueryJSONPatch } from "@n1ru4l/graphql-live-query-patch-json-patch";
import { EventSource } from "eventsource";
import { createClient as createSSEClient } from "graphql-sse";
import { meros } from "meros";
import { Client, fetchExchange, subscriptionExchange } from "urql";
import { pipe, subscribe } from "wonka";
import { pageFetch } from "../support/browser.js";
import { webSocketClient } from "./graphql-ws.js";

export const graphqlWS = {
  name: "graphql-ws",
  comesBack: true,
  watch(gateway, query, onResult, onError, token) {
    const client = webSocketClient(gateway, { token });
    client.subscribe({ query }, { next: onResult, error: onError, complete() {} });
    return { stop: () => client.dispose() };
  },
};

const patches = {
  name: "graphql-ws with @n1ru4l/graphql-live-query-patch-json-patch",
  comesBack: true,
  watch(gateway, query, onResult, onError) {
    const client = webSocketClient(gateway);
    const results = client.iterate({ query, extensions: { livePatch: "json-patch" } });
    const seen = { wholes: 0, patches: 0 };
    const counted = async function* () {
      for await (const result of results) {
        if (result.patch) seen.patches++;
        else seen.wholes++;
        yield result;
      }
    };
    const page = applyLiveQueryJSONPatch(counted());
    const reading = (async () => {
      for await (const result of page) onResult(structuredClone(result)); // it changes what it gave before
    })().catch(onError);
    return {
      seen,
      async stop() {
        await results.return();
        await reading;
        await client.dispose();
      },
    };
  },
};

const urql = {
  name: "urql with enableAllOperations",
  comesBack: true,
  watch(gateway, query, onResult, onError) {
    const socket = webSocketClient(gateway);
    const forwardSubscription = (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
    });
    const exchange = subscriptionExchange({ enableAllOperations: true, forwardSubscription });
    const client = new Client({ url: gateway.url, exchanges: [exchange] });
    const { unsubscribe } = pipe(
      client.query(query, {}),
      subscribe(({ data, error }) => (error ? onError(error) : onResult({ data }))),
    );
    return {
      stop() {
        unsubscribe();
        return socket.dispose();
      },
    };
  },
};

/** Without any set-up: it says that it reads streams, and so it is sent one. */
const urqlByFetch = {
  name: "urql over fetch",
  comesBack: false,
  watch(gateway, query, onResult, onError) {
    const client = new Client({ url: gateway.url, exchanges: [fetchExchange], fetch: pageFetch });
    const { unsubscribe } = pipe(
      client.query(query, {}),
      subscribe(({ data, error }) => (error ? onError(error) : onResult({ data }))),
    );
    return { stop: unsubscribe };
  },
};

function isLive({ query }) {
  const { directives } = getMainDefinition(query);
  return directives.some(({ name }) => name.value === "live");
}

const apollo = {
  name: "Apollo Client with a split link",
  comesBack: true,
  watch(gateway, query, onResult, onError) {
    const socket = webSocketClient(gateway);
    const link = ApolloLink.split(isLive, new GraphQLWsLink(socket), new HttpLink({ uri: gateway.url }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const subscription = client.watchQuery({ query: gql(query) }).subscribe({
      next: ({ data, error, dataState }) => {
        if (error) onError(error);
        else if (dataState === "complete") onResult({ data });
      },
      error: onError,
    });
    return {
      stop() {
        subscription.unsubscribe();
        client.stop();
        return socket.dispose();
      },
    };
  },
};

const graphqlSSE = {
  name: "graphql-sse, distinct connections",
  comesBack: true,
  watch(gateway, query, onResult, onError) {
    const client = createSSEClient({ url: gateway.url });
    client.subscribe({ query }, { next: onResult, error: onError, complete() {} });
    return { stop: () => client.dispose() };
  },
};

const eventSource = {
  name: "EventSource",
  comesBack: false, // after a while that is its own
  watch(gateway, query, onResult) {
    const url = new URL(gateway.url);
    url.searchParams.set("query", query);
    const source = new EventSource(url, { fetch: pageFetch });
    source.addEventListener("next", ({ data }) => onResult(JSON.parse(data)));
    return { stop: () => source.close() };
  },
};

const incremental = {
  name: "fetch and meros, multipart/mixed",
  comesBack: false,
  watch(gateway, query, onResult, onError) {
    const abort = new AbortController();
    const headers = { "Content-Type": "application/json", Accept: "multipart/mixed, application/json" };
    const body = JSON.stringify({ query });
    const reading = (async () => {
      const answer = await fetch(gateway.url, { method: "POST", headers, body, signal: abort.signal });
      for await (const part of await parts(answer)) if (part.body.data) onResult(part.body);
    })().catch((error) => abort.signal.aborted || onError(error));
    return {
      async stop() {
        abort.abort();
        await reading;
      },
    };
  },
};

/** meros takes the responses of node:http in Node, which have headers and are iterable. */
function parts(answer) {
  const response = { headers: Object.fromEntries(answer.headers) };
  return meros(Object.assign(answer.body, response));
}

export const liveClients = [graphqlWS, patches, urql, urqlByFetch, apollo, graphqlSSE, eventSource, incremental];
