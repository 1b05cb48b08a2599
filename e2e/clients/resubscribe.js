// What an application does around a client that lets a broken stream end: it subscribes again after
// a short pause, until it is told to stop or the error is GraphQL's and not the network's.

import { setTimeout as pause } from "node:timers/promises";

/** `open(onNext)` subscribes once, as `subscribe` of an adapter does. */
export function resubscribing(open, onNext, isFinal) {
  const stop = new AbortController();
  let current;
  const done = (async () => {
    while (!stop.signal.aborted) {
      current = open(onNext);
      try {
        await current.done;
      } catch (error) {
        if (isFinal(error)) throw error;
      }
      await pause(100, undefined, { signal: stop.signal }).catch(() => {});
    }
  })();
  return {
    done,
    unsubscribe() {
      stop.abort();
      current.unsubscribe();
    },
  };
}
