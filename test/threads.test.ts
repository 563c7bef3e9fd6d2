// A database whose partitions are shared by threads answers as one that has them in one thread, whoever is asked, and loses
// nothing when a thread dies, or when the number of threads changes.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { ownersOf } from "../src/db/layout.ts";
import { type OptionsInput, resolveOptions } from "../src/db/options.ts";
import { type Server, serveThreads } from "../src/server.ts";

// threads start runtimes of their own, which takes its time on a busy machine
setDefaultTimeout(60_000);

let dataDir: string;
let heads: Head[] = [];
let servers: Server[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "serie-threads-"));
});
afterEach(async () => {
  for (const server of servers) await server.stop(100);
  for (const head of heads) await head.close();
  heads = [];
  servers = [];
  rmSync(dataDir, { recursive: true });
});

async function openHead(threads: number, options: OptionsInput = {}): Promise<Head> {
  const head = await Head.open(resolveOptions({ dataDir, threads, ...options }));
  heads.push(head);
  return head;
}

async function closeHead(head: Head): Promise<void> {
  heads = heads.filter((each) => each !== head);
  await head.close();
}

type Runs = Pick<Database, "run">;

/** An answer as it reads: series after series. */
async function ask(db: Runs, text: string, database = "d"): Promise<unknown[]> {
  const answer: unknown[] = [];
  for await (const { series } of db.run(text, { database }))
    for await (const { name, tags, columns, rows } of series)
      answer.push({ name, tags: [...(tags ?? [])], columns, rows: [...rows].map((row) => [...row]) });
  return answer;
}

const hosts = Array.from({ length: 40 }, (_, i) => `h${i}`);
const lines = (from: number, steps: number) =>
  Array.from({ length: steps }, (_, step) =>
    hosts.map(
      (host, i) =>
        `cpu,host=${host},dc=${"abc"[i % 3]} usage=${((i * 37 + step * 11) % 1000) / 10},n=${i}i,note="${host} ${step}",up=${step % 2 === 0} ${(from + step) * 1e9}`,
    ),
  )
    .flat()
    .join("\n");

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

describe("a thread that dies", () => {
  test("is started again with all that was acknowledged; meanwhile writes to its partitions ask to send again", async () => {
    const head = await openHead(2);
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    const acknowledged = new Set<number>();
    let isOver = false;
    let refused = 0;
    const writer = async (from: number) => {
      for (let i = from; !isOver; i += 4) {
        const line = `m,h=${hosts[i % hosts.length]} v=${i}i ${i}`;
        const outcome = await head.writeLines(line, { database: "d" }).catch((error) => error as Error);
        if (outcome instanceof Error) {
          expect([outcome.name, outcome.message]).toEqual([
            "OverloadedError",
            expect.stringContaining("send again"),
          ]);
          refused++;
          await Bun.sleep(1);
        } else {
          expect(outcome.rows).toBe(1);
          acknowledged.add(i);
        }
      }
    };
    const writers = [0, 1, 2, 3].map(writer);
    for (let round = 0; round < 3; round++) {
      await Bun.sleep(150);
      head.kill(1);
      const seen = messages.length;
      while (!messages.slice(seen).some((message) => message.includes("has stopped"))) await Bun.sleep(1);
      const { status, message } = await head.health();
      expect([status, message]).toEqual(["fail", expect.stringContaining("thread 1 of 2 has stopped")]);
      while (!messages.slice(seen).some((message) => message.includes("has its rows again")))
        await Bun.sleep(5);
      expect((await head.health()).status).toBe("pass");
    }
    await Bun.sleep(100);
    isOver = true;
    await Promise.all(writers);
    expect(refused).toBeGreaterThan(0);
    const [{ rows }] = (await ask(head, "SELECT v FROM m")) as [{ rows: [bigint, number][] }];
    const found = new Set(rows.map(([, value]) => Number(value)));
    for (const i of acknowledged) expect([i, found.has(i)]).toEqual([i, true]);
    expect(acknowledged.size).toBeGreaterThan(100);
  }, 30_000);

  test("and dies again while it starts, is there once in the end: its partitions have one thread", async () => {
    const head = await openHead(3);
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    await head.writeLines(lines(0, 50), { database: "d" });
    for (let round = 0; round < 12; round++) {
      head.kill(1 + (round % 2));
      await Bun.sleep((round * 7) % 60);
    }
    const isWell = async () => (await head.health()).status === "pass";
    while (!(await isWell())) await Bun.sleep(10);
    await Bun.sleep(300); // one that was started besides would show now
    expect(await isWell()).toBe(true);
    if (existsSync("/proc/self/fd")) {
      const open = readdirSync("/proc/self/fd").map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return "";
        }
      });
      // a log of each thread, and none of those that died
      expect(open.filter((path) => path.startsWith(`${realpathSync(dataDir)}/wal-`)).length).toBe(3);
    }
    const there = messages.filter((message) => message.includes("has its rows again")).length;
    const gone = messages.filter((message) => message.includes("has stopped: it is started")).length;
    expect([messages, there]).toEqual([messages, gone]);
    expect(await ask(head, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 50 * hosts.length]] },
    ]);
    await head.writeLines(lines(50, 50), { database: "d" });
    await closeHead(head);
    const again = await openHead(3);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 100 * hosts.length]] },
    ]);
  });

  test("misses no drop: a database made anew has nothing of the one before", async () => {
    const head = await openHead(3);
    for (let round = 0; round < 4; round++) {
      await ask(head, "CREATE DATABASE d");
      await head.writeLines(lines(0, 20), { database: "d" });
      head.kill(1 + (round % 2));
      await ask(head, round % 2 === 0 ? "DROP DATABASE d" : "DROP MEASUREMENT cpu");
      await ask(head, "CREATE DATABASE d");
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      expect(await ask(head, "SELECT * FROM cpu")).toEqual([]);
      // types are given anew, too
      expect((await head.writeLines('cpu,host=h1 usage="text" 1', { database: "d" })).errors).toEqual([]);
      await ask(head, "DROP MEASUREMENT cpu");
    }
  });

  test("and others that die while something is dropped leave nothing of it, whoever writes meanwhile", async () => {
    const head = await openHead(3);
    // (a start takes longer than what the head does itself)
    for (let i = 0; i < 4; i++) await head.writeLines(lines(1000 * i, 1000), { database: "kept" });
    await ask(head, "CREATE DATABASE d");
    for (let round = 0; round < 8; round++) {
      await ask(head, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
      let isOver = false;
      let written = 0;
      const writer = async (from: number) => {
        for (let i = from; !isOver; i += 4) {
          const line = `m,h=${hosts[i % hosts.length]} v=${i}i ${i}`;
          const target = { database: "d", retentionPolicy: "p" };
          const outcome = await head.writeLines(line, target).catch(() => null);
          if (outcome === null) await Bun.sleep(1);
          else written++;
        }
      };
      const writers = [0, 1, 2, 3].map(writer);
      while (written < 100) await Bun.sleep(1);
      const dropping = ask(head, "DROP RETENTION POLICY p ON d");
      await Bun.sleep(round % 4);
      head.kill(1 + (round % 2));
      await Bun.sleep(20 * (round % 4));
      head.kill(2 - (round % 2));
      await dropping;
      isOver = true;
      await Promise.all(writers);
      await ask(head, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      expect([round, await ask(head, "SELECT count(v) FROM d.p.m")]).toEqual([round, []]);
      await ask(head, "DROP RETENTION POLICY p ON d");
    }
    expect(await ask(head, "SELECT count(usage) FROM kept.autogen.cpu")).toMatchObject([
      { rows: [[0n, 4000 * hosts.length]] },
    ]);
  });

  test("holds up the new types of what is dropped: a crash then finds those of before or those of after, never both", async () => {
    const head = await openHead(3);
    // (a start takes longer than a drop)
    for (let i = 0; i < 4; i++) await head.writeLines(lines(1000 * i, 1000), { database: "d" });
    let waits = 0;
    for (let round = 0; round < 12; round++) {
      for (const host of hosts) await head.writeLines(`m,h=${host} f=1i 1`, { database: "d" });
      let isOver = false;
      const dropping = ask(head, "DROP MEASUREMENT m").then(() => {
        isOver = true;
      });
      await Bun.sleep(round % 4);
      head.kill(1 + (round % 2));
      while (!isOver) {
        const writes = hosts.slice(0, 12).map((host) =>
          head.writeLines(`m,h=${host} f="text" 1`, { database: "d" }).then(
            ({ rows }) => ({ rows, isAfter: isOver }),
            () => ({ rows: 0, isAfter: false }),
          ),
        );
        for (const { rows, isAfter } of await Promise.all(writes)) {
          if (rows > 0) expect([round, isAfter]).toEqual([round, true]);
          if (rows > 0) waits++;
        }
      }
      await dropping;
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      await ask(head, "DROP MEASUREMENT m");
    }
    expect(waits).toBeGreaterThan(0);
  });

  test("ends what waits for it with an error, not never", async () => {
    const head = await openHead(2);
    await head.writeLines(lines(0, 200), { database: "d" });
    const asked = Array.from({ length: 20 }, () =>
      ask(head, "SELECT * FROM cpu GROUP BY host").catch((error) => error as Error),
    );
    head.kill(1);
    const answers = await Promise.all(asked);
    for (const answer of answers)
      if (answer instanceof Error) expect(answer.message).toContain("send again");
      else expect(answer.length).toBe(hosts.length);
  });
});

describe("closing", () => {
  test("ends all threads and says what one of them could not do; calling again waits for the same", async () => {
    const head = await openHead(3);
    await head.writeLines(lines(0, 10), { database: "d" });
    for (const [partition, owner] of ownersOf(16, 3).entries())
      if (owner === 2) rmSync(join(dataDir, `p${String(partition).padStart(2, "0")}`), { recursive: true });
    heads = [];
    const failures = await Promise.all(
      [head.close(), head.close()].map((closing) => closing.catch((error) => error)),
    );
    for (const { name, message } of failures) {
      expect(name).toBe("DiskError");
      expect(message).toMatch(/p\d\d/);
    }
    // the lock is free, and what was acknowledged is in the logs
    const again = await openHead(3);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 10 * hosts.length]] },
    ]);
  });

  test("while a thread is being started ends that one, too", async () => {
    for (let round = 0; round < 6; round++) {
      const head = await openHead(3);
      await head.writeLines(lines(10 * round, 10), { database: "d" });
      head.kill(1 + (round % 2));
      await Bun.sleep(15 * round);
      await closeHead(head);
    }
    const again = await openHead(2);
    expect(await ask(again, "SELECT count(usage) FROM cpu")).toMatchObject([
      { rows: [[0n, 60 * hosts.length]] },
    ]);
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
  }, 30_000);

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

describe("a server of several threads", () => {
  async function start(options: OptionsInput = {}): Promise<{ head: Head; url: string }> {
    const head = await openHead(3, options);
    const { authEnabled = false } = options;
    const server = await serveThreads(head, { port: 0, authEnabled, logLevel: "silent" });
    servers.push(server);
    return { head, url: server.url };
  }

  const get = (url: string, headers: Record<string, string> = {}) =>
    // a connection of its own: the system gives each to one of the threads
    fetch(url, { headers: { connection: "close", ...headers }, keepalive: false });
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: "POST", body, headers: { connection: "close", ...headers }, keepalive: false });
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const json = async (response: Promise<Response>): Promise<any> => (await response).json();
  const query = (url: string, q: string, headers: Record<string, string> = {}) =>
    json(get(`${url}/query?db=d&q=${encodeURIComponent(q)}`, headers));

  test("what one thread was told, all know: databases, rows, users, queries", async () => {
    const { url } = await start();
    for (let i = 0; i < 20; i++)
      expect((await post(`${url}/write?db=d${i}`, `m,h=${i} v=${i} ${i}`)).status).toBe(204);
    for (let i = 0; i < 20; i++) {
      const answer = await query(url, `SELECT v FROM d${i}..m`);
      expect(answer.results[0].series[0].values[0][1]).toBe(i);
      const { results } = await query(url, "SHOW DATABASES");
      expect(results[0].series[0].values.length).toBe(20);
    }
    const { results } = await query(url, "SHOW QUERIES");
    expect(results[0].series[0].values.length).toBe(1);
    const text = await (await get(`${url}/metrics`)).text();
    expect(text).toContain("\nserie_rows_written_total 20\n");
    expect(text).toContain('serie_http_requests_total{route="/write",status="204"} 20\n');
    expect((await get(`${url}/health`)).status).toBe(200);
    const vars = await json(get(`${url}/debug/vars`));
    expect(vars.httpd.values.writeReq).toBe(20);
  });

  test("large bodies that come at once are stored whole, whichever thread takes them over, and those that are refused are refused", async () => {
    const { url } = await start({ maxMemSize: "4MiB", maxBodySize: 1_000_000 });
    const steps = 60;
    const bodies = Array.from({ length: 24 }, (_, i) => lines(i * steps, steps));
    const answers = bodies.map(async (body, i) => {
      const isZipped = i % 2 === 0;
      const { status } = await fetch(`${url}/write?db=d`, {
        method: "POST",
        body: isZipped ? Bun.gzipSync(body, { level: 0 as 1 }) : body,
        ...(isZipped ? { headers: { "content-encoding": "gzip" } } : {}),
      });
      return status;
    });
    const refused = Array.from({ length: 6 }, async () => {
      const response = await fetch(`${url}/write?db=d`, { method: "POST", body: `${bodies[0]}\ncpu v=` });
      return [response.status, ((await response.json()) as { error: string }).error];
    });
    expect(await Promise.all(answers)).toEqual(bodies.map(() => 204));
    for (const [status, error] of await Promise.all(refused)) {
      expect(status).toBe(400);
      expect(error).toContain(`line ${steps * hosts.length + 1}`);
    }
    const { results } = await query(url, "SELECT count(usage), sum(n) FROM cpu");
    const [, count, sum] = results[0].series[0].values[0];
    expect(count).toBe(24 * steps * hosts.length);
    expect(sum).toBe((24 * steps * hosts.length * (hosts.length - 1)) / 2);
  });

  test("a number beyond 2^53 in JSON needs a field of integers, known to whichever thread: it makes no type", async () => {
    const { url } = await start();
    const wide = (m: string, host: string) =>
      post(
        `${url}/write/json?db=d`,
        `{"metric":"${m}","tags":{"h":"${host}"},"value":9007199254740993,"time":1}`,
      );
    expect((await post(`${url}/write?db=d`, "known,h=x value=1i 1")).status).toBe(204);
    for (const host of hosts) expect((await wide("known", host)).status).toBe(204);
    for (const host of hosts) expect((await wide("new", host)).status).toBe(400);
    const refused = await json(wide("new", "a"));
    expect(refused.error).toContain("value: 9007199254740993 has no exact float");
    expect((await query(url, "SHOW FIELD KEYS")).results[0].series).toEqual([
      { name: "known", columns: ["fieldKey", "fieldType"], values: [["value", "integer"]] },
    ]);
    expect(
      await (await get(`${url}/query?db=d&q=SELECT+value+FROM+known+WHERE+h!='x'+LIMIT+1`)).text(),
    ).toContain("9007199254740993]");
  });

  test("KILL QUERY finds a query in whichever thread it runs", async () => {
    const { url } = await start();
    await post(`${url}/write?db=d`, lines(0, 300));
    const slow = "SELECT percentile_approx(usage, 50) FROM cpu; ".repeat(2000);
    for (let round = 0; round < 4; round++) {
      const running = post(`${url}/query?db=d`, new URLSearchParams({ q: slow }).toString(), {
        "content-type": "application/x-www-form-urlencoded",
      }).then((response) => response.text());
      let id: number | undefined;
      while (id === undefined) {
        const { results } = await query(url, "SHOW QUERIES");
        id = results[0].series[0].values.find((row: [number, string]) => row[1].includes("percentile"))?.[0];
      }
      expect(await query(url, `KILL QUERY ${id}`)).toEqual({ results: [{ statement_id: 0 }] });
      expect(await running).toContain("query interrupted");
    }
  }, 30_000);

  test("DELETE by values can be killed, wherever it was asked: what it has deleted stays deleted", async () => {
    const { url } = await start();
    const rows = 40_000;
    const series = Array.from({ length: 3 }, (_, host) =>
      Array.from({ length: rows }, (_, i) => `m,h=${host} v=${i % 2} ${i}`).join("\n"),
    );
    for (const body of series) expect((await post(`${url}/write?db=d`, body)).status).toBe(204);
    let left = 3 * rows;
    for (let round = 0; round < 3; round++) {
      const running = post(
        `${url}/query?db=d`,
        new URLSearchParams({ q: "DELETE FROM m WHERE v = 1" }).toString(),
        {
          "content-type": "application/x-www-form-urlencoded",
        },
      ).then((response) => response.text());
      const { results } = await query(url, "SHOW QUERIES");
      const row = results[0].series[0].values.find((each: [number, string]) => each[1].startsWith("DELETE"));
      if (row) await query(url, `KILL QUERY ${row[0]}`);
      const answer = await running;
      if (answer.includes("error")) expect(answer).toMatch(/query (interrupted|was killed)/);
      const counted = await query(url, "SELECT count(v), sum(v) FROM m");
      const [, count, sum] = counted.results[0].series[0].values[0];
      expect(count - sum).toBe((3 * rows) / 2); // rows that do not match are all there
      expect(count).toBeLessThanOrEqual(left);
      left = count;
    }
    await query(url, "DELETE FROM m WHERE v = 1"); // (by GET, too)
    const { results } = await query(url, "SELECT count(v), sum(v) FROM m");
    expect(results[0].series[0].values[0].slice(1)).toEqual([(3 * rows) / 2, 0]);
  }, 30_000);

  test("a user made in one thread comes in everywhere, and one that is dropped nowhere", async () => {
    const { url } = await start({ authEnabled: true });
    const admin = { authorization: `Basic ${btoa("root:secret")}` };
    const created = await post(
      `${url}/query`,
      new URLSearchParams({ q: "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES" }).toString(),
      { "content-type": "application/x-www-form-urlencoded" },
    );
    expect(created.status).toBe(200);
    for (let i = 0; i < 12; i++) {
      expect((await get(`${url}/query?q=SHOW+DATABASES`)).status).toBe(401);
      expect((await get(`${url}/query?q=SHOW+DATABASES`, admin)).status).toBe(200);
    }
    await query(url, "CREATE USER guest WITH PASSWORD 'guest'", admin);
    const guest = { authorization: `Basic ${btoa("guest:guest")}` };
    for (let i = 0; i < 6; i++) expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(200);
    await query(url, "DROP USER guest", admin);
    for (let i = 0; i < 12; i++) expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(401);
  }, 30_000);

  test("a thread that dies serves again", async () => {
    const { head, url } = await start();
    for (let i = 0; i < 10; i++) await post(`${url}/write?db=d`, lines(i, 1));
    const messages: string[] = [];
    head.onThread = (message) => messages.push(message);
    const written = async () => {
      const text = await (await get(`${url}/metrics`)).text();
      return [
        /^serie_rows_written_total (\d+)$/m,
        /^serie_http_requests_total\{route="\/write",status="204"\} (\d+)$/m,
      ].map((line) => Number(line.exec(text)?.[1]));
    };
    expect(await written()).toEqual([10 * hosts.length, 10]);
    head.kill(2);
    while (!messages.some((message) => message.includes("has its rows again"))) await Bun.sleep(5);
    for (let i = 0; i < 20; i++) {
      const { results } = await query(url, "SELECT count(usage) FROM cpu");
      expect(results[0].series[0].values[0][1]).toBe(10 * hosts.length);
    }
    // (what it had counted is still counted)
    expect(await written()).toEqual([10 * hosts.length, 10]);
  });

  test("what changes while a thread starts, that thread knows, too", async () => {
    const { head, url } = await start({ authEnabled: true });
    await ask(head, "CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES; CREATE DATABASE d");
    const as = (name: string) => ({ authorization: `Basic ${btoa(`${name}:r`)}` });
    // its log takes a while to read
    for (let i = 0; i < 8; i++) await head.writeLines(lines(1000 * i, 1000), { database: "d" });
    const changes = (round: number) => [
      `DROP USER u${round}`,
      `CREATE DATABASE d${round}`,
      `DROP RETENTION POLICY p${round} ON d`,
    ];
    const statuses = (round: number) => [
      async () => (await get(`${url}/query?q=SHOW+DATABASES`, as(`u${round}`))).status,
      async () => (await post(`${url}/write?db=d${round}`, "m v=1", as("root"))).status,
      async () => (await post(`${url}/write?db=d&rp=p${round}`, "m v=1", as("root"))).status,
    ];
    // (500: InfluxDB's answer where the policy is not there)
    const expected = [401, 204, 500];
    let during = 0;
    for (let round = 0; round < 18; round++) {
      const kind = round % 3;
      await ask(
        head,
        `CREATE USER u${round} WITH PASSWORD 'r'; CREATE RETENTION POLICY p${round} ON d DURATION 1h REPLICATION 1`,
      );
      head.kill(1 + (round % 2));
      await Bun.sleep(12 * round);
      if ((await head.health()).status === "fail") during++;
      await ask(head, changes(round)[kind]!);
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
      const found = await Promise.all(Array.from({ length: 12 }, () => statuses(round)[kind]!()));
      expect([round, ...new Set(found)]).toEqual([round, expected[kind]!]);
    }
    expect(during).toBeGreaterThan(4);
  });

  test("a thread that cannot read what changed serves no more until it can", async () => {
    const { head, url } = await start({ authEnabled: true });
    const admin = { authorization: `Basic ${btoa("root:r")}` };
    const guest = { authorization: `Basic ${btoa("guest:r")}` };
    await ask(
      head,
      "CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES; CREATE USER guest WITH PASSWORD 'r'; CREATE DATABASE d",
    );
    const path = join(dataDir, "users");
    const told = head.users.onChange;
    let whole = new Uint8Array();
    head.users.onChange = async () => {
      whole = readFileSync(path);
      writeFileSync(path, "no users");
      await told();
    };
    await ask(head, "DROP USER guest");
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await get(`${url}/query?q=SHOW+DATABASES`, guest)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect((await head.health()).message).toContain("users");
    // what all threads must do is not begun, what one can do is done
    const refused = await ask(head, "DROP DATABASE d").catch((error) => error as Error);
    expect(refused).toMatchObject({
      name: "OverloadedError",
      message: expect.stringMatching(
        /^thread \d of 3 could not be started, so that nothing was changed: .*users/,
      ),
    });
    expect(await ask(head, "CREATE DATABASE e; SHOW DATABASES")).toMatchObject([{ rows: [["d"], ["e"]] }]);
    writeFileSync(path, whole);
    head.users.onChange = told;
    while ((await head.health()).status !== "pass") await Bun.sleep(5);
    for (let i = 0; i < 12; i++) {
      expect((await get(`${url}/query?q=SHOW+DATABASES`, guest)).status).toBe(401);
      expect((await get(`${url}/query?q=SHOW+DATABASES`, admin)).status).toBe(200);
    }
    await ask(head, "DROP DATABASE d");
  });

  test("a thread that is ended answers what has begun: nobody gets an answer without a body", async () => {
    const { head, url } = await start();
    await ask(head, "CREATE DATABASE d");
    await head.writeLines(lines(0, 200), { database: "d" });
    const path = join(dataDir, "users");
    const told = head.users.onChange;
    let isOver = false;
    const bare: string[] = [];
    const clients = Array.from({ length: 16 }, async (_, i) => {
      while (!isOver) {
        const asked =
          i % 2 === 0
            ? fetch(`${url}/write?db=d`, { method: "POST", body: "m v=1 1" })
            : fetch(`${url}/query?db=d&q=SELECT+note+FROM+cpu`);
        const response = await asked.catch(() => null);
        const text = await response?.text().catch(() => "cut off");
        if (text === "" && response!.status !== 204) bare.push(`${response!.status} of ${response!.url}`);
      }
    });
    for (let round = 0; round < 2; round++) {
      let whole = new Uint8Array();
      head.users.onChange = async () => {
        whole = readFileSync(path);
        writeFileSync(path, "no users");
        await told();
      };
      await ask(head, `CREATE USER u${round} WITH PASSWORD 'r'`);
      head.users.onChange = told;
      writeFileSync(path, whole);
      while ((await head.health()).status !== "pass") await Bun.sleep(5);
    }
    isOver = true;
    await Promise.all(clients);
    expect(bare).toEqual([]);
  });

  test("nobody else's port is shared", async () => {
    const { url } = await start();
    const other = join(dataDir, "other");
    const head = await openHead(2, { dataDir: other });
    const port = Number(new URL(url).port);
    expect(serveThreads(head, { port, logLevel: "silent" })).rejects.toThrow(
      /cannot listen on 127.0.0.1 port/,
    );
  });

  test("continuous queries and subscriptions see what every thread stores", async () => {
    const { head, url } = await start();
    const received: string[] = [];
    const sink = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        received.push(await request.text());
        return new Response(null, { status: 204 });
      },
    });
    await query(url, "CREATE DATABASE d");
    await post(
      `${url}/query`,
      new URLSearchParams({
        q: `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'http://127.0.0.1:${sink.port}'`,
      }).toString(),
      { "content-type": "application/x-www-form-urlencoded" },
    );
    for (const host of hosts) await post(`${url}/write?db=d`, `m,h=${host} v=1 1`);
    while (
      received
        .join("\n")
        .split("\n")
        .filter((line) => line.startsWith("m,h=")).length < hosts.length
    )
      await Bun.sleep(5);
    await sink.stop(true);
    await head.flush();
    expect(existsSync(join(dataDir, "p00"))).toBe(true);
  }, 20_000);
});
