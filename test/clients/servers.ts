// The servers that real clients are sent to: a serie, and beside it an influxd where one is installed, both on free ports of 127.0.0.1.
import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Head } from "../../src/db/head.ts";
import { resolveOptions } from "../../src/db/options.ts";
import { serveThreads } from "../../src/server.ts";
import { isInfluxdThere, startInfluxd } from "../fuzz/pair.ts";

export interface Servers {
  readonly serieUrl: string;
  /** null: not installed. */
  readonly influxdUrl: string | null;
  stop(): Promise<void>;
}

export async function startServers(options: { readonly authEnabled?: boolean } = {}): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "serie-clients-"));
  // several threads on one port, as `serie server` has them: clients must not notice
  const db = await Head.open(resolveOptions({ dataDir: join(folder, "serie"), threads: 2 }));
  const server = await serveThreads(db, { port: 0, logLevel: "silent", ...options });
  const influxd = isInfluxdThere() ? await startInfluxd(join(folder, "influxd"), options) : null;
  if (influxd === null)
    console.log("influxd is not installed (bun scripts/peers.ts): clients are sent to serie alone");
  return {
    serieUrl: server.url.replace(/\/$/, ""),
    influxdUrl: influxd?.url ?? null,
    stop: async () => {
      await server.stop(0);
      await Promise.all([db.close(), influxd?.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** What a client sees of serie, and of influxd where it is installed. */
export async function onBoth<T>(
  { serieUrl, influxdUrl }: Servers,
  run: (url: string) => Promise<T>,
): Promise<[serie: T, influxd: T | null]> {
  return [await run(serieUrl), influxdUrl === null ? null : await run(influxdUrl)];
}

/** The same, where it must be equal. */
export async function sameOnBoth<T>(servers: Servers, run: (url: string) => Promise<T>): Promise<T> {
  const [serie, influxd] = await onBoth(servers, run);
  if (influxd !== null) expect(serie).toEqual(influxd);
  return serie;
}
