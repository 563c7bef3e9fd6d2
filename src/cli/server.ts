// `serie server`: opens the database, listens, and leaves in order when told to.
//
// SIGTERM or SIGINT: stop accepting, answer what has begun (at most 10 s), flush, close, exit 0. A second one
// exits at once with 1; what was acknowledged is in the log by then.
import { resolve } from "node:path";
import { version } from "../base/version.ts";
import { Database } from "../db/database.ts";
import { Head } from "../db/head.ts";
import type { Options } from "../db/options.ts";
import { prepare, type Server, serve, serverLog, serveThreads } from "../server.ts";

/** Logs `warnings`; resolves when the server has stopped. Throws what opening the database or listening throws. */
export async function runServer(options: Options, warnings: readonly string[] = []): Promise<void> {
  const log = serverLog(options.logLevel);
  for (const warning of warnings) log.warn(warning);
  const startedMs = performance.now();
  const threads = options.threads || Math.max(1, navigator.hardwareConcurrency - 1);
  const opening = threads > 1 ? Head.open({ ...options, threads }) : Database.open(options);
  const [db] = await Promise.all([opening, prepare(threads)]);
  if (db instanceof Head) db.onThread = (message) => log.warn(message);
  db.onSlowStatement = ({ text, ...figures }) => log.warn({ statement: text, ...figures }, "slow statement");
  db.onSkippedWindows = (run) => log.warn(run, "a continuous query has passed over windows");
  // before anybody can see that it serves: who waits for that may send one at once
  const stopping = stopSignal();
  let server: Server;
  try {
    const { host, port, maxBodySize, maxInflightSize, authEnabled, allowOpen } = options;
    const serving = { host, port, maxBodySize, maxInflightSize, authEnabled, allowOpen, log };
    server =
      db instanceof Head
        ? await serveThreads(db, { ...serving, logLevel: options.logLevel })
        : serve(db, serving);
  } catch (error) {
    await db.close();
    throw error;
  }
  for (const warning of db.warnings) log.warn(warning);
  for (const { name, status, message } of (await db.health()).checks)
    if (status === "fail") log.error({ check: name }, message);
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(
    `serie ${version} on ${server.url}, data in ${resolve(options.dataDir)}, ready in ${tookMs} ms`,
  );

  const signal = await stopping;
  console.log(`serie: ${signal}: finishing what is in flight, then flushing`);
  await server.stop();
  await db.close();
  console.log("serie: stopped");
}

/**
 * Ctrl-C reaches every process of the terminal, and runners such as `bun run` pass it on again: what comes this soon
 * after the first signal is the same one.
 */
const SAME_SIGNAL_MS = 500;

/** The first signal that asks to stop; from then on another one ends the process. */
function stopSignal(): Promise<string> {
  return new Promise((heard) => {
    let firstMs: number | undefined;
    for (const name of ["SIGTERM", "SIGINT"] as const)
      process.on(name, () => {
        if (firstMs === undefined) heard(name);
        else if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(1);
        firstMs ??= performance.now();
      });
  });
}
