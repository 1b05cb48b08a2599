// Every client that the tests run, behind one small adapter:
//
//   name
//   connect(gateway, { retryAttempts }) -> connection; left out, retries are as the client has them
//     query(document, variables)            a query's or mutation's execution result, or the client's error
//     subscribe(document, variables, onNext) -> { done, unsubscribe }
//                                           onNext gets execution results; `done` settles as the stream does
//     close()
//   errors   where the client's user finds GraphQL errors: "thrown", or in a "result"
//     validation, execution, subscription
//   graphqlErrors(thrown) -> the list of GraphQL errors in what the client has thrown
//
// A client that comes back by itself after a lost connection does so with its own defaults. For the
// others the adapter does what their application has to: subscribe again.

import { apolloOverMultipart, apolloOverWebSocket } from "./apollo.js";
import { graphqlSSE, graphqlSSESingle } from "./graphql-sse.js";
import { graphqlWS } from "./graphql-ws.js";
import { urqlOverSSE, urqlOverWebSocket } from "./urql.js";

export const clients = [
  graphqlWS,
  graphqlSSE,
  graphqlSSESingle,
  apolloOverWebSocket,
  apolloOverMultipart,
  urqlOverWebSocket,
  urqlOverSSE,
];
