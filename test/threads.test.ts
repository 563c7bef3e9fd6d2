// A database whose partitions are shared by threads answers as one that has them in one thread, whoever is asked, and loses
// nothing when the number of threads changes.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { ownersOf } from "../src/db/layout.ts";
import {
  ask,
  closeAll,
  closeHead,
  dataDir,
  hosts,
  lines,
  makeFolder,
  openHead,
  type Runs,
} from "./support/threads.ts";

// threads start runtimes of their own, which takes its time on a busy machine
setDefaultTimeout(60_000);
beforeEach(makeFolder);
afterEach(closeAll);

const statements = [
  "SELECT count(usage), sum(n), max(usage), min(usage) FROM cpu",
  "SELECT mean(usage) FROM cpu WHERE time >= 0 AND time < 60s GROUP BY time(10s), dc",
  "SELECT mean(usage), stddev(usage) FROM cpu WHERE time >= 0 AND time < 60s GROUP BY host",
  "SELECT * FROM cpu WHERE host = 'h7'",
  "SELECT usage, note FROM cpu WHERE usage > 95 LIMIT 20",
  "SELECT last(usage), host FROM cpu",
  "SELECT * FROM cpu GROUP BY * ORDER BY time DESC LIMIT 1",
  "SELECT * FROM cpu ORDER BY time DESC LIMIT 7",
  "SELECT top(usage, host, 5) FROM cpu",
  "SELECT percentile(usage, 90), median(usage) FROM cpu",
  "SELECT distinct(up) FROM cpu",
  "SELECT derivative(mean(usage)) FROM cpu WHERE time >= 0 AND time < 60s GROUP BY time(5s), dc fill(linear)",
  "SELECT max(m) FROM (SELECT mean(usage) AS m FROM cpu GROUP BY host)",
  "SELECT count_distinct(note), percentile_approx(usage, 50) FROM cpu GROUP BY dc",
  "SHOW MEASUREMENTS",
  "SHOW SERIES WHERE dc = 'a'",
  "SHOW TAG KEYS",
  "SHOW TAG VALUES WITH KEY = host WHERE dc = 'b'",
  "SHOW FIELD KEYS",
  "SHOW SERIES EXACT CARDINALITY",
  "SHOW TAG VALUES CARDINALITY WITH KEY = host",
  "SHOW DATABASES",
  "SHOW RETENTION POLICIES",
];

describe("answers", () => {
  test("are those of one thread, from memory, from segments and from both", async () => {
    const alone = await Database.open({ dataDir: join(dataDir, "alone") });
    const head = await openHead(3, { dataDir: join(dataDir, "threads") });
    for (const flushes of [false, true]) {
      for (const db of [alone, head]) {
        await db.writeLines(lines(flushes ? 20 : 0, 20), { database: "d" });
        if (flushes) await db.flush();
        await db.writeLines(lines(flushes ? 40 : 10, 12), { database: "d" });
      }
      for (const statement of statements)
        expect([statement, await ask(head, statement)]).toEqual([statement, await ask(alone, statement)]);
    }
    await alone.close();
  });

  test("threads without a series of the tags are not asked again, and asked as soon as there is one", async () => {
    const head = await openHead(3);
    const count = async (host: string) => {
      const [found] = (await ask(head, `SELECT count(v) FROM m WHERE host = '${host}'`)) as {
        rows: number[][];
      }[];
      return found?.rows[0]?.[1] ?? 0;
    };
    for (const host of hosts.slice(0, 8)) await head.writeLines(`m,host=${host} v=1 1`, { database: "d" });
    // three times: what the first learns, the second and third go by
    for (let round = 0; round < 3; round++)
      for (const host of hosts)
        expect([host, await count(host)]).toEqual([host, hosts.indexOf(host) < 8 ? 1 : 0]);
    for (const [i, host] of hosts.entries()) {
      // also of a host that is known, in a series that another thread has
      await head.writeLines(`m,host=${host},dc=${i} v=1 2`, { database: "d" });
      expect([host, await count(host)]).toEqual([host, i < 8 ? 2 : 1]);
      expect([host, await count(host)]).toEqual([host, i < 8 ? 2 : 1]);
    }
    await ask(head, "DROP SERIES FROM m WHERE host = 'h3'");
    expect(await count("h3")).toBe(0);
    await head.writeLines("m,host=h3 v=1 1", { database: "d" });
    expect(await count("h3")).toBe(1);
  });

  test("INTO, DELETE, DROP SERIES, DROP MEASUREMENT and DROP DATABASE reach all threads", async () => {
    const alone = await Database.open({ dataDir: join(dataDir, "alone") });
    const head = await openHead(2, { dataDir: join(dataDir, "threads") });
    for (const db of [alone, head]) await db.writeLines(lines(0, 20), { database: "d" });
    const changes = [
      "SELECT mean(usage) AS m INTO means FROM cpu WHERE time >= 0 AND time < 30s GROUP BY time(10s), *",
      "DELETE FROM cpu WHERE host = 'h3' AND time < 5s",
      "DELETE FROM cpu WHERE usage > 90",
      "DELETE note FROM cpu",
      "DELETE up FROM cpu WHERE dc = 'a'",
      "DROP SERIES FROM cpu WHERE dc = 'b'",
      "DROP MEASUREMENT means",
      "CREATE DATABASE other; DROP DATABASE other",
      "CREATE RETENTION POLICY week ON d DURATION 7d REPLICATION 1 DEFAULT",
      "ALTER RETENTION POLICY week ON d DURATION 14d",
      "DROP RETENTION POLICY week ON d",
      "ALTER RETENTION POLICY autogen ON d DEFAULT",
      "DROP DATABASE d",
    ];
    const looks = [
      ...["SELECT * FROM cpu", "SELECT * FROM means", "SHOW FIELD KEYS", "SHOW SERIES", "SHOW DATABASES"],
      ...["SHOW RETENTION POLICIES ON d"],
    ];
    const look = async (db: Runs) => {
      const seen: unknown[] = [];
      for (const statement of looks) seen.push(await ask(db, statement).catch((error) => `${error.message}`));
      return seen;
    };
    for (const change of changes) {
      for (const db of [alone, head]) await ask(db, change);
      expect([change, await look(head)]).toEqual([change, await look(alone)]);
    }
    await alone.close();
  });

  test("a new field of several types in one write has that of its first row, as in one thread", async () => {
    const alone = await Database.open({ dataDir: join(dataDir, "alone") });
    const head = await openHead(3, { dataDir: join(dataDir, "threads") });
    const shown = (db: Runs, m: string) =>
      ask(db, `SHOW FIELD KEYS FROM ${m}; SELECT * FROM ${m} GROUP BY *`);
    const values = ["1.5", "2i", `"x"`, "true", "3u"];
    for (let i = 0; i < 40; i++) {
      const m = `mixed${i}`;
      // the first one is refused, so that its type does not count; `o` is in some rows only
      const body = [`${m},h=a v=f,w= 1`]
        .concat(
          hosts.map(
            (h, r) => `${m},h=${h} ${r % 3 ? "" : `o=${values[(i + r) % 4]},`}v=${values[(i + r) % 5]} ${r}`,
          ),
        )
        .join("\n");
      const written = [
        await alone.writeLines(body, { database: "d" }),
        await head.writeLines(body, { database: "d" }),
      ];
      expect([...written[1]!.errors].sort()).toEqual([...written[0]!.errors].sort());
      expect(written[1]!.rows).toBe(written[0]!.rows);
      expect(await shown(head, m)).toEqual(await shown(alone, m));
    }
    await alone.close();
  });

  test("nor does a row count for the type of a new field that is too old for its policy, or refused for another field", async () => {
    const alone = await Database.open({ dataDir: join(dataDir, "alone") });
    const head = await openHead(3, { dataDir: join(dataDir, "threads") });
    for (const db of [alone, head])
      await ask(db, "CREATE DATABASE d WITH DURATION 1h; CREATE DATABASE other", "");
    for (let i = 0; i < 12; i++) {
      // 2.5 is no integer, "x" no number
      const [first, second] = [
        ["1i", "2.5"],
        ["1i", `"x"`],
        [`"x"`, "2i"],
      ][i % 3]!;
      const now = `${Date.now() * 1e6}`;
      const refused =
        i % 2 === 0 ? `m${i},h=${hosts[i]} v=${first} 1` : `m${i},h=${hosts[i]} k=true,v=${first} ${now}`;
      const body = [refused, ...hosts.map((h) => `m${i},h=${h},x=y v=${second} ${now}`)].join("\n");
      const outcomes = [];
      for (const db of [alone, head]) {
        await db.writeLines(`m${i},h=a k=1 ${now}`, { database: "d" });
        outcomes.push(await db.writeLines(body, { database: "d" }));
      }
      expect(outcomes[1]).toEqual(outcomes[0]!);
      expect([i, outcomes[1]!.rows]).toEqual([i, hosts.length]);
    }
    expect(await ask(head, "SHOW FIELD KEYS")).toEqual(await ask(alone, "SHOW FIELD KEYS"));
    await alone.close();
  });

  test("a refused point makes no types, in whichever thread its series is", async () => {
    const head = await openHead(3);
    const write = async (lines: string) => (await head.writeLines(lines, { database: "d" })).errors;
    await write("m,h=a i=1i 1");
    for (const h of hosts) expect(await write(`m,h=${h} i="x",n${h}=1.5 2`)).toHaveLength(1);
    for (const h of hosts) expect(await write(`m,h=${h} n${h}=true 3`)).toEqual([]);
    // (a number that is converted is no conflict)
    for (const h of hosts) expect(await write(`m,h=${h} i=2,k${h}=1.5 4`)).toEqual([]);
    expect(await ask(head, "SELECT count(*) FROM m")).toMatchObject([
      { rows: [[0n, 1 + hosts.length, ...hosts.map(() => 1), ...hosts.map(() => 1)]] },
    ]);
  });

  test("types stay that any thread has rows of when a policy goes, and go with their last rows", async () => {
    const alone = await Database.open({ dataDir: join(dataDir, "alone") });
    const head = await openHead(3, { dataDir: join(dataDir, "threads") });
    const policy = "RETENTION POLICY p ON d DURATION INF REPLICATION 1";
    for (const db of [alone, head]) {
      await ask(db, `CREATE DATABASE d; CREATE ${policy}`);
      for (let i = 0; i < 24; i++) {
        // a third in the policy that goes, a third in the one that stays, a third in both
        if (i % 3 > 0) await db.writeLines(`m${i},h=${hosts[i]} f=1i 1`, { database: "d" });
        if (i % 3 < 2)
          await db.writeLines(`m${i},h=b${hosts[i]} f=1i 1`, { database: "d", retentionPolicy: "p" });
      }
      await ask(db, "DROP RETENTION POLICY p ON d");
    }
    expect(await ask(head, "SHOW FIELD KEYS")).toEqual(await ask(alone, "SHOW FIELD KEYS"));
    for (let i = 0; i < 24; i++)
      for (const host of hosts.slice(0, 8)) {
        const line = `m${i},h=${host} f="text" 2`;
        const outcomes = [];
        for (const db of [head, alone]) outcomes.push(await db.writeLines(line, { database: "d" }));
        expect([i, outcomes[0]]).toEqual([i, outcomes[1]]);
        expect([i, outcomes[0]!.rows]).toEqual([i, i % 3 > 0 ? 0 : 1]);
      }
    expect(await ask(head, "SELECT count(f) FROM /m/")).toEqual(await ask(alone, "SELECT count(f) FROM /m/"));
    await alone.close();
  });

  test("a field has one type in all threads, whoever meets it first, also after it was deleted", async () => {
    const head = await openHead(3);
    const point = (host: string, value: string) =>
      head.writeLines(`m,h=${host} v=${value} 1`, { database: "d" });
    expect((await point("a", "1i")).rows).toBe(1);
    const outcomes = await Promise.all(hosts.map((host) => point(host, `"text"`)));
    for (const { rows, errors } of outcomes) {
      expect(rows).toBe(0);
      expect(errors[0]).toContain(
        'input field "v" on measurement "m" is type string, already exists as type integer',
      );
    }
    // all begin at once with a new field, each with another type: one wins, everywhere
    const values = ["1i", "2.5", `"x"`, "true"];
    await Promise.all(
      hosts.map((host, i) => head.writeLines(`m,h=${host} w=${values[i % 4]} 2`, { database: "d" })),
    );
    const [, , keys] = (
      (await ask(head, "SHOW FIELD KEYS")) as [{ rows: [string, string][] }]
    )[0].rows.flat();
    expect(keys).toBe("w");
    const [{ rows }] = (await ask(head, "SELECT w FROM m")) as [{ rows: unknown[] }];
    expect(rows.length).toBeGreaterThanOrEqual(hosts.length / 4);
    await ask(head, "DELETE v FROM m");
    for (const host of hosts) expect((await point(host, `"text"`)).rows).toBe(1);
    await ask(head, "DROP MEASUREMENT m");
    for (const host of hosts) expect((await point(host, "true")).rows).toBe(1);
  });
});

describe("the number of threads", () => {
  test("may change at every start, after a close and after a crash", async () => {
    let rows = 0;
    for (const [round, threads] of [1, 3, 2, 1, 4, 4, 2].entries()) {
      const head = threads === 1 ? await Database.open({ dataDir }) : await openHead(threads);
      await ask(head, "CREATE DATABASE d");
      const counted = (await ask(head, "SELECT count(usage) FROM cpu")) as [{ rows: [bigint, number][] }];
      expect(counted.at(0)?.rows.at(0)?.[1] ?? 0).toBe(rows);
      await head.writeLines(lines(1000 * round, 5), { database: "d" });
      rows += 5 * hosts.length;
      if (head instanceof Head) await closeHead(head);
      else await head.close();
    }
    expect(readdirSync(dataDir).filter((name) => name.startsWith("wal"))).toEqual([
      "wal-0-of-2",
      "wal-1-of-2",
    ]);
  });

  test("is nothing to how many records are said to be recovered", async () => {
    const head = await openHead(2);
    await ask(head, "CREATE DATABASE d");
    for (let i = 0; i < 5; i++) await head.writeLines(lines(i, 1), { database: "d" });
    await head.writeLines("cpu,host=h0 usage=1 1", { database: "d" });
    const records = (await head.metrics()).find(({ name }) => name === "serie_log_records_total")!.value;
    expect(records).toBe(11);
    for (const threads of [2, 1, 3]) {
      const crashed = `${dataDir}/crashed-${threads}`;
      const left = readdirSync(dataDir).filter((name) => /^(wal|p\d\d|databases|threads)/.test(name));
      for (const name of left) cpSync(join(dataDir, name), join(crashed, name), { recursive: true });
      const options = { dataDir: crashed };
      const db = threads === 1 ? await Database.open(options) : await openHead(threads, options);
      const { checks } = await db.health();
      expect(checks.find(({ name }) => name === "log")!.message).toBe("11 records recovered");
      if (db instanceof Head) await closeHead(db);
      else await db.close();
    }
  });

  test("gives every thread its share, and each partition to one", () => {
    for (const threads of [1, 2, 3, 4, 7, 16]) {
      const owners = ownersOf(16, threads);
      const counts = Array.from(
        { length: threads },
        (_, thread) => owners.filter((each) => each === thread).length,
      );
      expect(Math.min(...counts)).toBe(Math.floor(16 / threads));
      expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil(16 / threads));
    }
  });
});
