// Child processes, ports and folders of one test file. Whatever it started ends with it, also when
// it fails or is interrupted.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const children = new Set();
const folders = new Set();
const ports = new Set(); // given away, perhaps not listened on yet

// Before the test runner's own listeners: one that throws, as for a closed pipe, keeps the rest from running.
process.prependListener("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

// On Linux the kernel ends a child whose parent was killed without a word.
const guard = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] : [];

/** A folder that is removed at the end. */
export function folder() {
  const made = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  folders.add(made);
  return made;
}

/** Starts a program; `onOutput` gets what it writes to either stream. */
export function start(program, args, { env, onOutput }) {
  const [command, ...words] = [...guard, program, ...args];
  const child = spawn(command, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.stdout.setEncoding("utf8").on("data", onOutput);
  child.stderr.setEncoding("utf8").on("data", onOutput);
  const ended = new Promise((resolve) => {
    child.once("error", (error) => {
      onOutput(`${program} could not be started: ${error.message}\n`);
      resolve("not started");
    });
    child.once("close", (code, signal) => resolve(signal ?? code));
  }).finally(() => children.delete(child));
  return { child, ended };
}

/**
 * A free loopback port, below those that the kernel gives to outgoing connections: one of these
 * must not take the port while the program that listens there is restarted.
 */
export async function freePort() {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    if (ports.has(port)) continue;
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue; // taken
    }
    server.close();
    await once(server, "close");
    ports.add(port);
    return port;
  }
}
