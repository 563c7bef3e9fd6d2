// What queries have read of segments does not stay in the process's memory.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import { canGiveBack } from "../src/base/give-back.ts";
import { Database } from "../src/db/database.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { answerOf } from "./oracle/compare.ts";

const SERIES = 40;
const ROWS = 4000;

/** Bytes in memory of the mapped files of a folder. */
function residentBytes(folder: string): number {
  let sum = 0;
  let isOurs = false;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    if (/^[0-9a-f]+-/.test(line)) isOurs = line.includes(folder) && line.endsWith(".seg");
    const kilobytes = isOurs ? /^Rss:\s+(\d+) kB/.exec(line)?.[1] : undefined;
    if (kilobytes !== undefined) sum += Number(kilobytes) * 1024;
  }
  return sum;
}

test.skipIf(!canGiveBack())(
  "what was read of segments goes back once no query came for a while",
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-rest-"));
    let ticks: (() => void)[] = [];
    let elapsedMs = 0;
    const clock: Clock = {
      nowNs: () => 0n,
      elapsedMs: () => elapsedMs,
      every: (_ms, call) => {
        ticks.push(call);
        return () => {
          ticks = ticks.filter((other) => other !== call);
        };
      },
    };
    const pass = (ms: number) => {
      elapsedMs += ms;
      for (const tick of ticks) tick();
    };
    const db = await Database.open({ dataDir, partitions: 1 }, nodeDisk, clock);
    const lines: string[] = [];
    for (let row = 0; row < ROWS; row++)
      for (let host = 0; host < SERIES; host++)
        lines.push(`m,host=h${host} a=${Math.sin(row * SERIES + host)} ${row}000000000`);
    expect((await db.writeLines(lines.join("\n"), { database: "db" })).errors).toEqual([]);
    await db.flush();
    const query = () =>
      answerOf("SELECT sum(a), max(a) FROM m WHERE a < 0.5 GROUP BY host", {
        ...{ source: db.source, administration: db, clock, database: "db" },
      });
    pass(1000);
    const answer = await query();
    const fullBytes = residentBytes(dataDir);
    expect(fullBytes).toBeGreaterThan(1_000_000);
    // while queries come it stays
    for (let second = 0; second < 20; second++) {
      pass(1000);
      if (second % 5 === 0) expect(await query()).toEqual(answer);
    }
    pass(5000);
    expect(residentBytes(dataDir)).toBeGreaterThanOrEqual(fullBytes);
    pass(11_000);
    expect(residentBytes(dataDir)).toBeLessThan(fullBytes / 10);
    // what is touched after that stays until the next query is long ago
    expect(await query()).toEqual(answer);
    expect(residentBytes(dataDir)).toBeGreaterThan(1_000_000);
    pass(1000);
    pass(10_000);
    expect(residentBytes(dataDir)).toBeLessThan(fullBytes / 10);
    await db.close();
    rmSync(dataDir, { recursive: true });
  },
);
