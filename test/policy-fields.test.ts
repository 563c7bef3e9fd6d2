// A measurement in several retention policies, as downsampling leaves it: a query of one shows the fields that it has there.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { resolveOptions } from "../src/db/options.ts";
import { resultJson } from "./oracle/json.ts";

const lines = [
  'm,host=a,core=0 v=1,s="x" 1000000000',
  "m,host=a,core=1 v=3 2000000000",
  "m,host=b,core=0 v=5,n=1i 3000000000",
];
const downsampled =
  "SELECT mean(v) INTO d.year.m FROM m WHERE time >= 0 AND time < 5s GROUP BY time(5s), host";

async function columnsOf(db: Database | Head, text: string): Promise<string[] | null> {
  for await (const result of db.run(text, { database: "d" })) {
    const answer = JSON.parse(await resultJson(result, "ns"));
    expect(answer.error).toBeUndefined();
    return answer.series?.[0].columns ?? null;
  }
  return null;
}

async function expectColumns(db: Database | Head): Promise<void> {
  const expected: [string, string[] | null][] = [
    ["SELECT * FROM year.m", ["time", "core", "host", "mean"]],
    ["SELECT * FROM m", ["time", "core", "host", "n", "s", "v"]],
    ["SELECT count(*) FROM year.m", ["time", "count_mean"]],
    ["SELECT mean(/./) FROM m", ["time", "mean_n", "mean_v"]],
    ["SELECT v FROM year.m", null],
    ["SELECT max(s) FROM year.m", null], // (where it is, it is an error)
    ["SELECT v, mean FROM year.m, autogen.m", ["time", "v", "mean"]],
  ];
  for (const [text, columns] of expected) expect([text, await columnsOf(db, text)]).toEqual([text, columns]);
}

test.each([1, 2])(
  "fields of a retention policy, %d thread(s): in memory, in segments, after a restart, with a new one",
  async (threads) => {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-policy-fields-"));
    const open = () =>
      threads > 1 ? Head.open(resolveOptions({ dataDir, threads })) : Database.open({ dataDir });
    let db = await open();
    try {
      await columnsOf(db, "CREATE DATABASE d");
      await columnsOf(db, "CREATE RETENTION POLICY year ON d DURATION INF REPLICATION 1");
      expect((await db.writeLines(lines.join("\n"), { database: "d" })).dropped).toBe(0);
      await columnsOf(db, downsampled);
      await expectColumns(db);
      await db.flush();
      await expectColumns(db);
      await db.close();
      db = await open();
      await expectColumns(db);
      // fields that the measurement has elsewhere, and one that is new, in a series that may be another thread's
      for (const [fields, columns] of [
        ["n=2i", ["time", "core", "host", "mean", "n"]],
        ["other=1", ["time", "core", "host", "mean", "n", "other"]],
      ] as const) {
        await db.writeLines(`m,host=c,core=9 ${fields} 4000000000`, {
          database: "d",
          retentionPolicy: "year",
        });
        expect(await columnsOf(db, "SELECT * FROM year.m")).toEqual([...columns]);
      }
    } finally {
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  },
);

test.each([1, 2])(
  "fields whose series have gone are shown beside series that are there, %d thread(s), whichever had them",
  async (threads) => {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-policy-fields-"));
    const db =
      threads > 1 ? await Head.open(resolveOptions({ dataDir, threads })) : await Database.open({ dataDir });
    try {
      const measurements = Array.from({ length: 8 }, (_, i) => `m${i}`);
      const lines = measurements.flatMap((m) => [`${m} n=1i,s="x" 1000000000`, `${m},host=a v=1 1000000000`]);
      await db.writeLines(lines.join("\n"), { database: "d" });
      for (const m of measurements) {
        await columnsOf(db, `DELETE FROM ${m} WHERE host = ''`);
        expect(await columnsOf(db, `SELECT * FROM autogen.${m}`)).toEqual(["time", "host", "n", "s", "v"]);
        await columnsOf(db, `DROP SERIES FROM ${m}`);
        expect(await columnsOf(db, `SELECT * FROM autogen.${m}`)).toBeNull();
      }
    } finally {
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  },
);
