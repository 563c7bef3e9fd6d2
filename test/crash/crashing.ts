// A server whose thread can be made to die as one does from a defect: `crashing.ts DIR PORT`. Thread 1 alone listens; the queries
// CRASHES have it throw, beside the query, what nobody catches, or reject. Prints "ready", then what becomes of the thread.
// (A process of its own: in `bun test` a thread is not asked about what it does not catch.)
import { Head } from "../../src/db/head.ts";
import { resolveOptions } from "../../src/db/options.ts";
import type { Backend } from "../../src/http/backend.ts";
import { type ServeOptions, serve as serveBackend } from "../../src/server.ts";

export const CRASHES = ["SHOW crash", "SHOW rejection"] as const;

export async function prepare(): Promise<void> {}

export function serve(db: Backend, options: ServeOptions) {
  const run = db.run.bind(db);
  db.run = (text, given) => {
    const error = new Error("nobody catches this");
    if (text === CRASHES[0])
      process.nextTick(() => {
        throw error;
      });
    if (text === CRASHES[1]) void Promise.reject(error);
    return run(text, given);
  };
  return serveBackend(db, options);
}

if (import.meta.main) {
  const [dataDir, port] = process.argv.slice(2) as [string, string];
  const head = await Head.open(resolveOptions({ dataDir, threads: 2 }));
  head.onThread = (message) => console.log(message);
  const options = { host: "127.0.0.1", port: Number(port), sharedPort: true };
  await head.serveInThreads({ module: import.meta.url, options });
  console.log("ready");
}
