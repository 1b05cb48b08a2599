// Clients whose `subscribe(payload, sink)` returns a function that unsubscribes: graphql-ws and
// graphql-sse have the same shape on purpose.

export function connection(client) {
  const subscribe = (query, variables, onNext) => {
    let unsubscribe;
    const done = new Promise((complete, error) => {
      unsubscribe = client.subscribe({ query, variables }, { next: onNext, error, complete });
    });
    return { done, unsubscribe };
  };
  return {
    subscribe,
    async query(query, variables) {
      let result;
      await subscribe(query, variables, (next) => (result = next)).done;
      return result;
    },
    close: () => client.dispose(),
  };
}
