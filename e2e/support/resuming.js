// Clients that go on where they were, behind one small adapter:
//
//   name
//   listen(gateway, { query, variables, place }, sink, options) -> { stop() }
//     place    what the application keeps, see place.js; without one it asks for nothing
//     sink     next(result), with data and extensions; refused(errors), the list of GraphQL errors that
//              ended it; failed(error)
//     options  token; retryWait, left out: the client waits as it likes before it comes back
//
// None has anything of ours but the place in its extensions. Most of them come back by themselves. Around the
// others stands what their application has to do: it subscribes again.

import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient as createSSEClient } from "graphql-sse";
import { createClient } from "graphql-ws";
import { Client, createRequest, fetchExchange, subscriptionExchange } from "urql";
import { onEnd, pipe, subscribe } from "wonka";
import "../clients/graphql-ws.js"; // a WebSocket, where Node has none
import { resubscribing } from "../clients/resubscribe.js";
import { pageFetch } from "./browser.js";
import { authorization } from "./credentials.js";

const extensions = ({ place }) => (place ? { resume: place } : undefined);

/** What a client tells, as a sink is told it, once the application has kept its place. */
function told({ place }, sink) {
  return (result) => {
    if (result.errors) return sink.refused(result.errors);
    place?.keep(result);
    sink.next(result);
  };
}

/** One that comes back for ever, also after a connection that could not be made at all. */
function webSocketClient({ webSocketURL: url }, { token, retryWait } = {}) {
  const connectionParams = () => authorization(token);
  return createClient({ url, connectionParams, retryAttempts: Infinity, shouldRetry: () => true, retryWait });
}

const graphqlWS = {
  name: "graphql-ws",
  listen(gateway, operation, sink, options) {
    const client = webSocketClient(gateway, options);
    const { query, variables } = operation;
    client.subscribe(
      { query, variables, extensions: extensions(operation) },
      {
        next: told(operation, sink),
        error: (error) => (Array.isArray(error) ? sink.refused(error) : sink.failed(error)),
        complete() {},
      },
    );
    return { stop: () => client.dispose() };
  },
};

function graphqlSSE(name, settings) {
  return {
    name,
    listen(gateway, operation, sink, { token, retryWait } = {}) {
      const headers = () => authorization(token);
      const client = createSSEClient({ headers, retryAttempts: Infinity, retry: retryWait, ...settings(gateway) });
      const { query, variables } = operation;
      client.subscribe(
        { query, variables, extensions: extensions(operation) },
        { next: told(operation, sink), error: sink.failed, complete() {} },
      );
      return { stop: () => client.dispose() };
    },
  };
}

const distinct = graphqlSSE("graphql-sse, distinct connections", ({ url }) => ({ url }));
const single = graphqlSSE("graphql-sse, single connection", ({ streamURL }) => ({
  url: streamURL,
  singleConnection: true,
}));

/** One subscription of an Apollo Client, as `resubscribing` takes it. */
function openApollo(link, operation, onNext) {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  let subscription;
  const done = new Promise((complete, error) => {
    subscription = client
      .subscribe({ query: gql(operation.query), variables: operation.variables, extensions: extensions(operation) })
      .subscribe({ next: (result) => (result.error ? error(result.error) : onNext(result)), error, complete });
  });
  return {
    done,
    unsubscribe() {
      subscription.unsubscribe();
      client.stop();
    },
  };
}

/** What has ended a subscription of Apollo or urql. */
function ended(sink) {
  return (error) => {
    const errors = CombinedGraphQLErrors.is(error) ? error.errors : error.graphQLErrors;
    return errors?.length ? sink.refused(errors) : sink.failed(error);
  };
}

const apolloOverWebSocket = {
  name: "Apollo Client over graphql-ws",
  listen(gateway, operation, sink, options) {
    const socket = webSocketClient(gateway, options);
    const { done, unsubscribe } = openApollo(new GraphQLWsLink(socket), operation, told(operation, sink));
    done.catch(ended(sink));
    return {
      stop() {
        unsubscribe();
        return socket.dispose();
      },
    };
  },
};

const apolloOverMultipart = {
  name: "Apollo Client over HTTP multipart",
  listen(gateway, operation, sink, { token } = {}) {
    const credentials = new SetContextLink(() => ({ headers: authorization(token) }));
    const link = credentials.concat(new HttpLink({ uri: gateway.url }));
    const open = (onNext) => openApollo(link, operation, onNext);
    const isFinal = (error) => CombinedGraphQLErrors.is(error);
    const { done, unsubscribe } = resubscribing(open, told(operation, sink), isFinal);
    done.catch(ended(sink));
    return { stop: unsubscribe };
  },
};

/** One subscription of an urql client, as `resubscribing` takes it. */
function openURQL(client, operation, onNext) {
  const request = createRequest(operation.query, operation.variables, extensions(operation));
  let subscription;
  const done = new Promise((complete, fail) => {
    subscription = pipe(
      client.executeSubscription(request),
      onEnd(complete),
      subscribe(({ error, hasNext, ...result }) => {
        if (error) fail(error);
        else if (hasNext) onNext(result); // the last result comes again when the stream ends
      }),
    );
  });
  done.catch(() => subscription.unsubscribe()); // or urql keeps what has failed
  return { done, unsubscribe: () => subscription.unsubscribe() };
}

const urqlOverWebSocket = {
  name: "urql over graphql-ws",
  listen(gateway, operation, sink, options) {
    const socket = webSocketClient(gateway, options);
    const forwardSubscription = (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
    });
    const client = new Client({ url: gateway.url, exchanges: [subscriptionExchange({ forwardSubscription })] });
    const { done, unsubscribe } = openURQL(client, operation, told(operation, sink));
    done.catch(ended(sink));
    return {
      stop() {
        unsubscribe();
        return socket.dispose();
      },
    };
  },
};

const urqlOverSSE = {
  name: "urql over SSE",
  listen(gateway, operation, sink, { token } = {}) {
    const client = new Client({
      url: gateway.url,
      exchanges: [fetchExchange],
      fetchSubscriptions: true,
      fetch: pageFetch,
      fetchOptions: () => ({ headers: authorization(token) }),
    });
    const open = (onNext) => openURQL(client, operation, onNext);
    const { done, unsubscribe } = resubscribing(open, told(operation, sink), (error) => !error.networkError);
    done.catch(ended(sink));
    return { stop: unsubscribe };
  },
};

export const resumingClients = [
  graphqlWS,
  distinct,
  single,
  apolloOverWebSocket,
  apolloOverMultipart,
  urqlOverWebSocket,
  urqlOverSSE,
];
