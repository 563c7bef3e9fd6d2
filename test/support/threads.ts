// Databases of several threads for a file of tests: a folder for each test, and what was opened in it closed behind it.
//
//   beforeEach(makeFolder); afterEach(closeAll);
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/db/database.ts";
import { Head } from "../../src/db/head.ts";
import { type OptionsInput, resolveOptions } from "../../src/db/options.ts";
import type { Server } from "../../src/server.ts";

/** Of the test that runs. */
export let dataDir: string;
/** What `closeAll` ends. */
export const heads = new Set<Head>();
export const servers = new Set<Server>();

export function makeFolder(): void {
  dataDir = mkdtempSync(join(tmpdir(), "serie-threads-"));
}

export async function closeAll(): Promise<void> {
  for (const server of servers) await server.stop(100);
  for (const head of heads) await head.close();
  heads.clear();
  servers.clear();
  rmSync(dataDir, { recursive: true });
}

export async function openHead(threads: number, options: OptionsInput = {}): Promise<Head> {
  const head = await Head.open(resolveOptions({ dataDir, threads, ...options }));
  heads.add(head);
  return head;
}

export async function closeHead(head: Head): Promise<void> {
  heads.delete(head);
  await head.close();
}

export type Runs = Pick<Database, "run">;

/** An answer as it reads: series after series. */
export async function ask(db: Runs, text: string, database = "d"): Promise<unknown[]> {
  const answer: unknown[] = [];
  for await (const { series } of db.run(text, { database }))
    for await (const { name, tags, columns, rows } of series)
      answer.push({ name, tags: [...(tags ?? [])], columns, rows: [...rows].map((row) => [...row]) });
  return answer;
}

export const hosts = Array.from({ length: 40 }, (_, i) => `h${i}`);
export const lines = (from: number, steps: number) =>
  Array.from({ length: steps }, (_, step) =>
    hosts.map(
      (host, i) =>
        `cpu,host=${host},dc=${"abc"[i % 3]} usage=${((i * 37 + step * 11) % 1000) / 10},n=${i}i,note="${host} ${step}",up=${step % 2 === 0} ${(from + step) * 1e9}`,
    ),
  )
    .flat()
    .join("\n");
