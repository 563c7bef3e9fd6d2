// What a statement changes that is documented as one step, it changes whole or not at all, in one thread as in several: whenever the
// client leaves, the query is killed, or a thread dies. Each run has one more look at the signal before it says that the client has
// gone, so that every place where a statement could be cut is one of the runs.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { ownersOf } from "../src/db/layout.ts";
import { resolveOptions } from "../src/db/options.ts";
import { type Server, serveThreads } from "../src/server.ts";

// threads start runtimes of their own, which takes its time on a busy machine
setDefaultTimeout(60_000);

let dataDir: string;
let open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "serie-whole-"));
});
afterEach(async () => {
  for (const each of open) await each.close();
  open = [];
  rmSync(dataDir, { recursive: true });
});

type Db = Database | Head;

async function openDb(threads: number): Promise<Db> {
  const db =
    threads === 1 ? await Database.open({ dataDir }) : await Head.open(resolveOptions({ dataDir, threads }));
  open.push(db);
  return db;
}

async function ask(db: Db, text: string, signal?: AbortSignal): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(text, { database: "d", ...(signal ? { signal } : {}) }))
    for await (const part of series) for (const row of part.rows) rows.push([part.name, ...row]);
  return rows;
}

/** What a text answers, in short. */
async function seen(db: Db, text: string): Promise<string> {
  try {
    const rows = await ask(db, text);
    const all = JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    return `${rows.length} rows: ${all.slice(0, 200)} ${Bun.hash(all)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Says that the client has gone from the look after `looks` on. */
function leaves(looks: number): { readonly signal: AbortSignal; readonly isGone: () => boolean } {
  let seen = 0;
  const signal = {
    get aborted() {
      return ++seen > looks;
    },
  } as AbortSignal;
  return { signal, isGone: () => seen > looks };
}

const SERIES = 40;
const WEEK_NS = 604_800_000_000_000;
const written = (measurement: string) =>
  Array.from({ length: SERIES }, (_, s) =>
    [1, 2].map((i) => `${measurement},w=x,s=${s} n=${i}i,f="t" ${i * WEEK_NS}`).join("\n"),
  ).join("\n");

interface Case {
  readonly statement: string | ((db: Db) => Promise<string>);
  /** What shows whether it was done. */
  readonly look: string;
}

const autogen = "RETENTION POLICY autogen ON d";
const cases: readonly Case[] = [
  { statement: "DELETE FROM a WHERE w = 'x'", look: "SELECT n FROM a" },
  { statement: `DELETE FROM a WHERE time < ${WEEK_NS + 1}`, look: "SELECT n FROM a" },
  { statement: "DELETE WHERE w = 'x'", look: "SELECT n FROM a, b, c" },
  { statement: "DROP SERIES FROM a WHERE w = 'x'", look: "SELECT n FROM a" },
  { statement: "DROP SERIES WHERE w = 'x'", look: "SHOW SERIES" },
  { statement: "DELETE n FROM a", look: "SELECT n FROM a; SHOW FIELD KEYS FROM a" },
  { statement: "DELETE n, f FROM /a|b/", look: "SELECT * FROM a, b; SHOW FIELD KEYS" },
  { statement: "DROP MEASUREMENT a", look: "SELECT n FROM a" },
  { statement: "DROP DATABASE d", look: "SELECT n FROM d..a, d..b; SHOW DATABASES" },
  { statement: `DROP ${autogen}`, look: "SELECT n FROM a, b; SHOW RETENTION POLICIES ON d" },
  { statement: `ALTER ${autogen} SHARD DURATION 1d`, look: "SHOW RETENTION POLICIES ON d" },
  {
    statement: async (db) => {
      const [row] = await ask(db, "SHOW SHARDS");
      return `DROP SHARD ${(row as unknown[])[1]}`;
    },
    look: "SELECT n FROM a, b, c",
  },
];

for (const threads of [1, 3])
  describe(`with ${threads} threads, whenever the client leaves`, () => {
    for (const { statement, look } of cases)
      test(typeof statement === "string" ? statement : "DROP SHARD", async () => {
        const db = await openDb(threads);
        let cut = 0;
        for (let looks = 0, isDone = false; !isDone; looks++) {
          await ask(db, "DROP DATABASE d; CREATE DATABASE d");
          for (const name of ["a", "b", "c"]) await db.writeLines(written(name), { database: "d" });
          const text = typeof statement === "string" ? statement : await statement(db);
          const before = await seen(db, look);
          const { signal, isGone } = leaves(looks);
          const error = await ask(db, text, signal).then(
            () => null,
            ({ message }: Error) => message,
          );
          const after = await seen(db, look);
          if (error === null) {
            isDone = !isGone();
            expect([looks, after]).not.toEqual([looks, before]);
            // nothing is left to do
            await ask(db, text).catch(() => undefined);
            expect([looks, await seen(db, look)]).toEqual([looks, after]);
          } else {
            cut++;
            expect([looks, error, after]).toEqual([looks, "query was killed", before]);
          }
        }
        expect(cut).toBeGreaterThan(0);
      });
  });

describe("with several threads", () => {
  test("a client that leaves a server finds all of a deletion by tags or nothing, whichever thread it asked", async () => {
    const head = (await openDb(2)) as Head;
    const server: Server = await serveThreads(head, { port: 0, logLevel: "silent" });
    try {
      const left: number[] = [];
      for (let k = 0; k < 40; k++) {
        await head.writeLines(written(`a${k}`), { database: "d" });
        const statement = k % 2 === 0 ? `DELETE FROM a${k} WHERE w = 'x'` : `DROP SERIES FROM a${k}`;
        const client = new AbortController();
        const asked = fetch(`${server.url}/query?db=d&q=${encodeURIComponent(statement)}`, {
          ...{ method: "POST", keepalive: false, headers: { connection: "close" }, signal: client.signal },
        }).then(
          (response) => response.text(),
          () => null,
        );
        await Bun.sleep((k % 10) / 2);
        client.abort();
        await asked;
        // it may not have begun, or still run
        await Bun.sleep(60);
        while ((await ask(head, "SHOW QUERIES")).length > 1) await Bun.sleep(5);
        left.push((await ask(head, `SELECT n FROM a${k}`)).length);
      }
      expect(left.filter((count) => count !== 0 && count !== 2 * SERIES)).toEqual([]);
      expect(left).toContain(0);
    } finally {
      await server.stop(100);
    }
  });

  test("a deletion by tags is done in a thread that dies meanwhile as soon as that is there again", async () => {
    const head = (await openDb(3)) as Head;
    let done = 0;
    for (let round = 0; round < 16; round++) {
      for (const name of ["a", "b", "c"]) await head.writeLines(written(name), { database: "d" });
      const deleting = ask(head, round % 2 === 0 ? "DELETE WHERE w = 'x'" : "DROP SERIES FROM a, b, c").then(
        () => null,
        ({ message }: Error) => message,
      );
      await Bun.sleep(round / 4);
      head.kill(1 + (round % 2));
      const error = await deleting;
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      const left = (await ask(head, "SELECT n FROM a, b, c")).length;
      // (it died before the statement knew what there is to delete)
      if (error !== null) expect([error, left]).toEqual([expect.stringContaining("send again"), 6 * SERIES]);
      else expect([round, left]).toEqual([round, 0]);
      if (error === null) done++;
    }
    expect(done).toBeGreaterThan(0);
  });

  test("a thread whose disk has failed has all of them refuse, with nothing changed", async () => {
    const head = (await openDb(3)) as Head;
    for (const name of ["a", "b"]) await head.writeLines(written(name), { database: "d" });
    await ask(
      head,
      "CREATE CONTINUOUS QUERY cq ON d BEGIN SELECT mean(n) INTO c FROM a GROUP BY time(1h) END",
    );
    const [shard] = await ask(head, "SHOW SHARDS");
    await ask(head, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://localhost:9'`);
    await head.writeLines(written("c"), { database: "d" });
    for (const [partition, owner] of ownersOf(16, 3).entries())
      if (owner === 2) rmSync(join(dataDir, `p${String(partition).padStart(2, "0")}`), { recursive: true });
    expect(await head.flush().catch(({ message }) => message)).toMatch(/p\d\d/);
    const looks = ["SELECT * FROM c", "SHOW MEASUREMENTS", "SHOW FIELD KEYS", "SHOW DATABASES"];
    looks.push("SHOW CONTINUOUS QUERIES", "SHOW SUBSCRIPTIONS", "SHOW RETENTION POLICIES ON d");
    const lookAll = () => Promise.all(looks.map((text) => seen(head, text)));
    const before = await lookAll();
    const statements = [
      "DELETE FROM c WHERE w = 'x'",
      "DELETE n FROM c",
      "DROP SERIES FROM c",
      "DROP MEASUREMENT c",
    ];
    statements.push("DROP DATABASE d", `DROP ${autogen}`, `DROP SHARD ${(shard as unknown[])[1]}`);
    for (const text of statements) {
      const error = await ask(head, text).then(
        () => null,
        ({ message }: Error) => message,
      );
      expect([text, error]).toEqual([
        text,
        expect.stringContaining("writes are refused since the disk failed"),
      ]);
      expect([text, await lookAll()]).toEqual([text, before]);
    }
    open = [];
    await head.close().catch(() => undefined);
  });

  test("closing waits for what has begun, and what has not is refused", async () => {
    const outcomes = new Set<string>();
    let head = (await openDb(2)) as Head;
    for (let round = 0; round < 9; round++) {
      await ask(head, "CREATE DATABASE d");
      for (const name of ["a", "b", "c"]) await head.writeLines(written(name), { database: "d" });
      const text = ["DELETE WHERE w = 'x'", "DROP MEASUREMENT a", "DROP DATABASE d"][round % 3]!;
      const look = "SELECT n FROM a; SHOW SERIES; SHOW DATABASES";
      const before = await seen(head, look);
      const change = ask(head, text).then(
        () => "done",
        () => "refused",
      );
      // (the first has not begun by then, and the last is done)
      if (round > 0) await Bun.sleep(round === 8 ? 1000 : round);
      open = [];
      await head.close();
      const outcome = await change;
      outcomes.add(outcome);
      head = (await openDb(2)) as Head;
      const after = await seen(head, look);
      const isDone = outcome === "done";
      expect([text, outcome, after === before]).toEqual([text, outcome, !isDone]);
      // and done as a whole
      if (!isDone) continue;
      await ask(head, text).catch(() => undefined);
      expect([text, await seen(head, look)]).toEqual([text, after]);
    }
    expect([...outcomes].sort()).toEqual(["done", "refused"]);
  });
});
