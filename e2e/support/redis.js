// A real redis-server on a free port, and the one command that a back-end service needs.

import { once } from "node:events";
import { connect } from "node:net";
import { folder, freePort, start } from "./process.js";
import { until } from "./until.js";

export class Redis {
  #process;
  #socket;
  #waiting = []; // replies are in the order of the commands
  #unread = "";
  #log = "";

  static async start() {
    const redis = new Redis();
    redis.port = await freePort();
    redis.url = `redis://127.0.0.1:${redis.port}`;
    await redis.start();
    return redis;
  }

  /** Again, after `stop`, at the same port. */
  async start() {
    const args = ["--port", this.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder()];
    this.#process = start("redis-server", args.map(String), { onOutput: (text) => (this.#log += text) });
    let ended;
    this.#process.ended.then((how) => (ended = how));
    await until("redis-server answers", () => {
      if (ended !== undefined) {
        throw new Error(`redis-server ended (${ended}); on Debian, apt-get install redis-server\n${this.#log}`);
      }
      return this.#open();
    });
  }

  async #open() {
    const socket = connect(this.port, "127.0.0.1");
    try {
      await once(socket, "connect");
    } catch {
      return false; // not yet
    }
    socket.setEncoding("utf8").on("data", (text) => this.#read(text));
    this.#socket = socket;
    return true;
  }

  #read(text) {
    const lines = (this.#unread + text).split("\r\n");
    this.#unread = lines.pop();
    for (const line of lines) {
      const { resolve, reject } = this.#waiting.shift();
      if (line.startsWith(":")) resolve(Number(line.slice(1)));
      else reject(new Error(`redis-server answered ${line}`));
    }
  }

  /** PUBLISH; resolves to the number of connections that took the message. */
  publish(topic, event) {
    const words = ["PUBLISH", topic, JSON.stringify(event)];
    const command = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`*${words.length}\r\n${command}`);
    });
  }

  async stop() {
    this.#socket?.destroy();
    this.#process.child.kill("SIGKILL");
    await this.#process.ended;
  }
}
