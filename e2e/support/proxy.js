// What stands between clients and gateways, as a network or a balancer does. It passes bytes on, and breaks
// when it is told to.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { freePort } from "./process.js";

export class Proxy {
  #server;
  #sockets = new Set();
  #broken = false;

  /** What is opened from now on goes there. */
  gateway;
  /** How many connections were opened, those that broke at once too. */
  opened = 0;

  /** Its addresses are named as a gateway's are: clients take it for one. */
  static async start(gateway) {
    const proxy = new Proxy();
    proxy.gateway = gateway;
    const port = await freePort();
    proxy.origin = `http://127.0.0.1:${port}`;
    proxy.url = `${proxy.origin}/graphql`;
    proxy.streamURL = `${proxy.url}/stream`;
    proxy.webSocketURL = `ws://127.0.0.1:${port}/graphql`;
    proxy.#server = createServer({ noDelay: true }, (socket) => proxy.#open(socket)).listen(port, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  #open(socket) {
    this.opened++;
    socket.on("error", () => {}); // its end follows
    if (this.#broken) {
      socket.resetAndDestroy();
      return;
    }
    const beyond = connect({ port: Number(new URL(this.gateway.origin).port), host: "127.0.0.1", noDelay: true });
    beyond.on("error", () => {});
    for (const [end, other] of [
      [socket, beyond],
      [beyond, socket],
    ]) {
      this.#sockets.add(end);
      end.pipe(other);
      end.on("close", () => {
        this.#sockets.delete(end);
        other.destroy();
      });
    }
  }

  /** Resets every connection, whatever is on its way, and each new one until `mend`. */
  cut() {
    this.#broken = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend() {
    this.#broken = false;
  }

  async stop() {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
