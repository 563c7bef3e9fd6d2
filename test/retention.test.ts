// Retention policies, shards and deletions through the whole database, with the clock in hand.
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { MemoryDisk } from "./disk/memory.ts";

const HOUR_NS = 3_600_000_000_000n;
const MINUTE_NS = HOUR_NS / 60n;
const START_NS = 1_700_000_000_000_000_000n - (1_700_000_000_000_000_000n % HOUR_NS);
const options = { dataDir: "/data", partitions: 2 };

/** A database whose clock stands until it is moved. */
class Held {
  nowNs = START_NS;
  disk = new MemoryDisk(1);
  db!: Database;
  #ticks: (() => void)[] = [];

  static async open(): Promise<Held> {
    const held = new Held();
    await held.reopen();
    await held.db.createDatabase("d");
    return held;
  }

  async reopen(): Promise<void> {
    this.#ticks = [];
    const clock: Clock = {
      nowNs: () => this.nowNs,
      elapsedMs: () => Number((this.nowNs - START_NS) / 1_000_000n),
      every: (_, run) => {
        this.#ticks.push(run);
        return () => undefined;
      },
    };
    this.db = await Database.open(options, this.disk, clock);
  }

  async kill(): Promise<void> {
    this.disk = this.disk.crash("machine");
    await this.reopen();
  }

  /** Time passes, and what is due by the clock is done. */
  async pass(ns: bigint): Promise<void> {
    this.nowNs += ns;
    const done = () => JSON.stringify(this.disk.counts);
    let before = done();
    for (const run of this.#ticks) run();
    for (await Bun.sleep(20); done() !== before; await Bun.sleep(20)) before = done();
  }

  async write(lines: string, retentionPolicy = ""): Promise<readonly string[]> {
    return (await this.db.writeLines(lines, { database: "d", retentionPolicy })).errors;
  }

  /** Rows of all series of the answer; an error's text. */
  async ask(text: string): Promise<unknown> {
    const rows: unknown[] = [];
    try {
      for await (const { series } of this.db.run(text, { database: "d" }))
        for await (const part of series) rows.push(...part.rows);
    } catch (error) {
      return (error as Error).message;
    }
    return rows;
  }
}

const at = (ns: bigint) => String(START_NS + ns);

test("what is older than the policy keeps is refused, and removed when its window is over", async () => {
  const held = await Held.open();
  expect(await held.ask("CREATE RETENTION POLICY short ON d DURATION 2h REPLICATION 1 DEFAULT")).toEqual([]);
  const errors = await held.write(
    `m,h=a v=1 ${at(-3n * HOUR_NS)}\nm,h=b v=2 ${at(-HOUR_NS)}\nm,h=c v=3 ${at(0n)}`,
  );
  expect(errors).toEqual(["points beyond retention policy at line 1"]);
  expect(await held.ask("SELECT v FROM m")).toEqual([
    [START_NS - HOUR_NS, 2],
    [START_NS, 3],
  ]);
  await held.db.flush();
  await held.pass(2n * HOUR_NS - MINUTE_NS);
  expect(await held.ask("SELECT count(v) FROM m")).toEqual([[0n, 2]]);
  await held.pass(MINUTE_NS);
  expect(await held.ask("SELECT v FROM m")).toEqual([[START_NS, 3]]);
  expect(await held.ask("SHOW SERIES")).toEqual([["m,h=c"]]);
  await held.kill();
  expect(await held.ask("SELECT v FROM m")).toEqual([[START_NS, 3]]);
  expect(
    held.disk
      .list("/data/p00")
      .concat(held.disk.list("/data/p01"))
      .filter((name) => name.endsWith(".seg")),
  ).toHaveLength(1);
  await held.pass(HOUR_NS);
  expect(await held.ask("SHOW MEASUREMENTS")).toEqual([]);
  await held.db.close();
});

test("a shorter duration takes effect at once, a policy is dropped with its data, for good", async () => {
  const held = await Held.open();
  await held.ask("CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1 SHARD DURATION 1h");
  await held.write(`m,h=a v=1 ${at(-5n * HOUR_NS)}\nm,h=b v=2 ${at(0n)}`, "p");
  await held.write(`m,h=z v=9 ${at(0n)}`);
  await held.db.flush();
  expect(await held.ask("ALTER RETENTION POLICY p ON d DURATION 3h")).toEqual([]);
  expect(await held.ask("SELECT v FROM d.p.m")).toEqual([[START_NS, 2]]);
  await held.write(`m,h=c v=3 ${at(1n)}`, "p");
  expect(await held.ask("DROP RETENTION POLICY p ON d")).toEqual([]);
  for (let round = 0; round < 2; round++) {
    expect(await held.ask("SELECT v FROM d.p.m")).toBe("retention policy not found: p");
    expect(await held.write("m v=1", "p").catch((error: Error) => error.message)).toBe(
      "retention policy not found: p",
    );
    expect(await held.ask("SELECT v FROM m")).toEqual([[START_NS, 9]]);
    await held.kill();
  }
  // one of the same name is a new one
  await held.ask("CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
  await held.db.flush();
  expect(await held.ask("SELECT v FROM d.p.m")).toEqual([]);
  expect(await held.ask("SHOW SERIES")).toEqual([["m,h=z"]]);
  await held.db.close();
});

test("policies of a changed shard duration: of overlapping windows the newer value stays", async () => {
  const held = await Held.open();
  const write = async (value: number, h = "a") => {
    await held.write(`m,h=${h} v=${value} ${at(0n)}`);
    await held.db.flush();
  };
  await held.ask("ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
  await write(1);
  await held.ask("ALTER RETENTION POLICY autogen ON d SHARD DURATION 4w");
  await write(2);
  await held.ask("ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
  // of other series: enough segments of one window for a merge
  for (let i = 3; i < 9; i++) await write(i, "b");
  await Bun.sleep(100);
  expect(await held.ask("SELECT v FROM m WHERE h = 'a'")).toEqual([[START_NS, 2]]);
  await held.db.close();
});

test("policies that are made, changed and dropped at any moment of an ALTER of a shard duration are kept", async () => {
  const held = await Held.open();
  const { retention } = held.db;
  for (let turns = 0; turns < 12; turns++) {
    const [beside, gone] = [`beside${turns}`, `gone${turns}`];
    await retention.createPolicy("d", gone, {});
    const shardDurationNs = BigInt(turns + 1) * HOUR_NS;
    const altered = retention.alterPolicy("d", "autogen", { shardDurationNs });
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const others = [
      retention.createPolicy("d", beside, {}),
      retention.alterPolicy("d", beside, { durationNs: 400n * HOUR_NS }),
      retention.dropPolicy("d", gone),
    ];
    await Promise.all([altered, ...others]);
    const policies = held.db.retentionPolicies("d")!;
    const found = (name: string) => policies.find((policy) => policy.name === name);
    expect([turns, found("autogen")?.shardDurationNs]).toEqual([turns, shardDurationNs]);
    expect([turns, found(beside)?.durationNs]).toEqual([turns, 400n * HOUR_NS]);
    expect([turns, found(gone)]).toEqual([turns, undefined]);
  }
  const shown = await held.ask("SHOW RETENTION POLICIES");
  await held.kill();
  expect(await held.ask("SHOW RETENTION POLICIES")).toEqual(shown);
  await held.db.close();
});

test("shards are listed with ids that last, and dropped one by one", async () => {
  const held = await Held.open();
  await held.ask("ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
  await held.write(`m,h=a v=1 ${at(0n)}\nm,h=b v=2 ${at(HOUR_NS)}\nn,h=a v=3 ${at(1n)}`);
  const shards = (await held.ask("SHOW SHARDS")) as [number, ...string[]][];
  expect(shards.map(([, ...rest]) => [rest[0], rest[1], rest[3]])).toEqual([
    ["d", "autogen", "2023-11-14T22:00:00Z"],
    ["d", "autogen", "2023-11-14T23:00:00Z"],
  ]);
  await held.kill();
  expect(await held.ask("SHOW SHARDS")).toEqual(shards);
  expect(await held.ask("DROP SHARD 1")).toEqual([]);
  expect(await held.ask(`DROP SHARD ${shards[0]![0]}`)).toEqual([]);
  for (let round = 0; round < 2; round++) {
    expect(await held.ask("SELECT v FROM m, n")).toEqual([[START_NS + HOUR_NS, 2]]);
    expect(await held.ask("SHOW SHARDS")).toEqual([shards[1]]);
    expect(await held.ask("SHOW SERIES")).toEqual([["m,h=b"]]);
    await held.kill();
  }
  await held.db.close();
});

test("what has been dropped is no shard, and its files go, also after a crash", async () => {
  const held = await Held.open();
  const segments = () =>
    [0, 1].flatMap((store) => held.disk.list(`/data/p0${store}`)).filter((name) => name.endsWith(".seg"));
  await held.write(`m,h=a v=1 ${at(0n)}\nm,h=b v=2 ${at(1n)}\nn,h=a v=3 ${at(2n)}\nn,h=b v=4 ${at(3n)}`);
  expect(await held.ask("SHOW SHARDS")).toHaveLength(1);
  const before = segments();
  await held.ask("DROP MEASUREMENT m");
  expect(await held.ask("SHOW SHARDS")).toHaveLength(1);
  await held.ask("DROP DATABASE d");
  expect(await held.ask("SHOW SHARDS")).toEqual([]);
  expect(await held.ask("SHOW SHARD GROUPS")).toEqual([]);
  await held.kill();
  expect(await held.ask("SHOW SHARDS")).toEqual([]);
  expect(segments()).toEqual(before);
  expect(before.length).toBeGreaterThan(0);
  await held.ask("CREATE DATABASE d");
  await held.write(`m,h=a v=5 ${at(0n)}`);
  await held.pass(HOUR_NS);
  expect(segments().filter((name) => before.includes(name))).toEqual([]);
  await held.kill();
  expect(await held.ask("SELECT v FROM m, n")).toEqual([[START_NS, 5]]);
  await held.db.close();
});

test("deleted points stay deleted, and points written after that stay, in memory, segments and the log", async () => {
  const held = await Held.open();
  const lines = (value: number) =>
    Array.from({ length: 10 }, (_, i) => `m,h=${i % 2} v=${value + i},w=1i ${i}`).join("\n");
  await held.write(lines(0));
  await held.db.flush();
  await held.write("m,h=0 v=100 20");
  expect(await held.ask("DELETE FROM m WHERE v > 6")).toEqual([]);
  const left = Array.from({ length: 7 }, (_, i) => [BigInt(i), i, 1]);
  expect(await held.ask("SELECT v, w FROM m")).toEqual(left);
  // one that was deleted is written again, with one field only
  await held.write("m,h=1 v=200 9");
  const all = [...left, [9n, 200, null]];
  expect(await held.ask("SELECT v, w FROM m")).toEqual(all);
  await held.kill();
  expect(await held.ask("SELECT v, w FROM m")).toEqual(all);
  expect(await held.ask("SELECT count(w), sum(v), max(v), last(v) FROM m")).toEqual([[0n, 7, 221, 200, 200]]);
  await held.db.flush();
  await held.kill();
  expect(await held.ask("SELECT v, w FROM m")).toEqual(all);
  // a merge writes them no more
  await held.db.flush();
  const manifests = () =>
    [0, 1].map((p) => new TextDecoder().decode(held.disk.readFile(`/data/p0${p}/manifest`)));
  const isMerged = () => manifests().every((manifest) => manifest.includes('"tombstoneFile":""'));
  for (let i = 0; i < 300 && !isMerged(); i++) await Bun.sleep(100);
  expect(isMerged()).toBe(true);
  expect(await held.ask("SELECT v, w FROM m")).toEqual(all);
  await held.db.close();
});

test("policies are made and changed by InfluxDB's rules", async () => {
  const held = await Held.open();
  const said = async (text: string) => {
    const answer = await held.ask(text);
    return Array.isArray(answer) && answer.length === 0 ? "" : answer;
  };
  // as influxd 1.6.7 answered
  for (const [text, answer] of [
    ['CREATE DATABASE e WITH DURATION 3d REPLICATION 2 SHARD DURATION 30m NAME "x"', ""],
    ["SHOW RETENTION POLICIES ON e", [["x", "72h0m0s", "1h0m0s", 2, true]]],
    ["CREATE DATABASE e WITH DURATION 5d", "retention policy conflicts with an existing policy"],
    ["CREATE DATABASE e", ""],
    [
      "CREATE RETENTION POLICY a ON e DURATION 30m REPLICATION 1",
      "retention policy duration must be at least 1h0m0s",
    ],
    [
      "CREATE RETENTION POLICY a ON e DURATION 1h REPLICATION 1 SHARD DURATION 2h",
      "retention policy duration must be greater than the shard duration",
    ],
    ["CREATE RETENTION POLICY a ON e DURATION 10d REPLICATION 1", ""],
    ["CREATE RETENTION POLICY a ON e DURATION 10d REPLICATION 1", ""],
    ["CREATE RETENTION POLICY a ON e DURATION 11d REPLICATION 1", "retention policy already exists"],
    [
      "CREATE RETENTION POLICY a ON e DURATION 10d REPLICATION 1 DEFAULT",
      "retention policy conflicts with an existing policy",
    ],
    ["CREATE RETENTION POLICY b ON none DURATION 10d REPLICATION 1", "database not found: none"],
    ["CREATE RETENTION POLICY b ON e DURATION INF REPLICATION 1 DEFAULT", ""],
    [
      "SHOW RETENTION POLICIES ON e",
      [
        ["x", "72h0m0s", "1h0m0s", 2, false],
        ["a", "240h0m0s", "24h0m0s", 1, false],
        ["b", "0s", "168h0m0s", 1, true],
      ],
    ],
    [
      "ALTER RETENTION POLICY b ON e DURATION 1d",
      "retention policy duration must be greater than the shard duration",
    ],
    ["ALTER RETENTION POLICY b ON e DURATION 30m", "retention policy duration must be at least 1h0m0s"],
    ["ALTER RETENTION POLICY b ON e SHARD DURATION 5d", ""],
    ["ALTER RETENTION POLICY b ON e DURATION 8d", ""],
    ["ALTER RETENTION POLICY b ON e SHARD DURATION 30m", ""],
    ["ALTER RETENTION POLICY none ON e DURATION 1d", "retention policy not found: none"],
    ["ALTER RETENTION POLICY a ON e DEFAULT", ""],
    ["ALTER RETENTION POLICY a ON e DURATION 0s REPLICATION 3", ""],
    ["DROP RETENTION POLICY none ON e", ""],
    ["DROP RETENTION POLICY none ON none", ""],
  ] as const)
    expect({ text, answer: await said(text) }).toEqual({ text, answer });
  await held.kill();
  expect(await held.ask("SHOW RETENTION POLICIES ON e")).toEqual([
    ["x", "72h0m0s", "1h0m0s", 2, false],
    ["a", "0s", "24h0m0s", 3, true],
    ["b", "192h0m0s", "1h0m0s", 1, false],
  ]);
  await held.ask("DROP RETENTION POLICY a ON e");
  expect(await held.ask("SELECT v FROM e..m")).toStartWith('database "e" has no default retention policy: ');
  await held.db.close();
});

test("after ALTER of the shard duration a window that is over does not bring back what it overwrote", async () => {
  const held = await Held.open();
  const WEEK_NS = 168n * HOUR_NS;
  const dayNs = 24n * HOUR_NS;
  await held.ask("CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1 SHARD DURATION 7d DEFAULT");
  // the beginning of a week that is just over
  const weekNs = START_NS - (START_NS % WEEK_NS);
  await held.write(`m v=1 ${weekNs}`);
  await held.db.flush();
  await held.ask("ALTER RETENTION POLICY p ON d SHARD DURATION 1d");
  await held.write(`m v=9 ${weekNs}`);
  await held.db.flush();
  expect(await held.ask("SELECT v FROM m")).toEqual([[weekNs, 9]]);
  // the day's window is over, the week's is not
  const sinceNs = weekNs + dayNs + HOUR_NS - (held.nowNs - HOUR_NS);
  if (sinceNs > 0n) await held.pass(sinceNs);
  const hours = (held.nowNs - (weekNs + dayNs)) / HOUR_NS;
  expect(await held.ask(`ALTER RETENTION POLICY p ON d DURATION ${hours > 1n ? hours : 1n}h`)).toEqual([]);
  expect(await held.ask("SELECT v FROM m")).toEqual([[weekNs, 9]]);
  // then the week's as well: both are gone
  await held.pass(WEEK_NS);
  expect(await held.ask("SELECT v FROM m")).toEqual([]);
  await held.db.close();
});
