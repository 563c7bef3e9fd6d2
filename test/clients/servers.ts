// The servers that real clients are sent to: a serie, and beside it an influxd where one is installed, both on free ports of 127.0.0.1.
import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../src/db/database.ts";
import { serve } from "../../src/server.ts";
import { isInfluxdThere, startInfluxd } from "../fuzz/pair.ts";

export interface Servers {
  readonly serieUrl: string;
  /** null: not installed. */
  readonly influxdUrl: string | null;
  stop(): Promise<void>;
}

export async function startServers(options: { readonly authEnabled?: boolean } = {}): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), "serie-clients-"));
  const db = await Database.open({ dataDir: join(folder, "serie") });
  const server = serve(db, { port: 0, ...options });
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

/** Runs what a client does against serie, and against influxd where it is installed: what it sees must be the same. */
export async function sameOnBoth<T>(
  { serieUrl, influxdUrl }: Servers,
  run: (url: string) => Promise<T>,
): Promise<T> {
  const seen = await run(serieUrl);
  if (influxdUrl !== null) expect(seen).toEqual(await run(influxdUrl));
  return seen;
}
