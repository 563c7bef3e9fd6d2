// DELETE of fields through the whole database: what segments, manifests and the log keep of it, step by step. (store-steps and
// store-crash have it among everything else, at random.)
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import type { RowBatch } from "../src/model/scan.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { readManifest } from "../src/store/manifest.ts";
import { MemoryDisk } from "./disk/memory.ts";

const options = { dataDir: "/data", partitions: 2 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };

class Run {
  disk = new MemoryDisk(1);
  db!: Database;

  static async start(): Promise<Run> {
    const run = new Run();
    run.db = await Database.open(options, run.disk, clock);
    await run.db.createDatabase("d");
    return run;
  }

  async kill(): Promise<void> {
    this.disk = this.disk.crash("machine");
    this.db = await Database.open(options, this.disk, clock);
  }

  /** The log is empty then, and the merge that follows a flush has done nothing yet. */
  async killAfterFlush(): Promise<void> {
    await this.db.flush();
    await this.kill();
  }

  async write(...lines: string[]): Promise<void> {
    expect((await this.db.writeLines(lines.join("\n"), { database: "d" })).errors).toEqual([]);
  }

  /** Rows of all series of the answer. */
  async ask(text: string): Promise<unknown[]> {
    const rows: unknown[] = [];
    for await (const { series } of this.db.run(text, { database: "d" }))
      for await (const part of series) rows.push(...part.rows);
    return rows;
  }

  manifests() {
    return [0, 1].map((p) => readManifest(this.disk, `/data/p0${p}/manifest`));
  }

  get rowsInSegments(): number {
    return this.manifests().reduce(
      (sum, { segments }) => sum + segments.reduce((n, { rows }) => n + rows, 0),
      0,
    );
  }

  get tombstones(): number {
    return this.manifests().reduce((sum, { tombstones }) => sum + tombstones.length, 0);
  }

  /** Flushes, and waits for the merges that this begins. */
  async merge(): Promise<void> {
    await this.db.flush();
    for (let turns = 0; this.tombstones > 0 && turns < 200; turns++) await Bun.sleep(5);
    expect(this.tombstones).toBe(0);
  }
}

const texts = [
  "SELECT x, y FROM m",
  "SELECT count(x), sum(y), max(x), last(y) FROM m GROUP BY h",
  "SHOW SERIES",
  "SHOW FIELD KEYS",
];
const answers = (run: Run) => Promise.all(texts.map((text) => run.ask(text)));

test("points without a field left are gone, and with them their series, in memory, segments, merges and the log", async () => {
  for (const isFlushed of [false, true]) {
    const run = await Run.start();
    await run.write(
      "m,h=a x=1 1",
      "m,h=a x=2,y=2 2",
      "m,h=a y=3 3",
      "m,h=b x=4 1",
      "m,h=c x=5 1",
      "m,h=c y=6 1",
    );
    if (isFlushed) await run.db.flush();
    expect(await run.ask("DELETE x FROM m WHERE h != 'z'")).toEqual([]);
    const left = await answers(run);
    expect(left).toEqual([
      [
        [1n, null, 6],
        [2n, null, 2],
        [3n, null, 3],
      ],
      [
        [0n, null, 5, null, 3],
        [0n, null, 6, null, 6],
      ],
      [["m,h=a"], ["m,h=c"]],
      [["y", "float"]],
    ]);
    await run.kill();
    expect(await answers(run)).toEqual(left);
    await run.killAfterFlush();
    if (isFlushed) expect(run.tombstones).toBeGreaterThan(0);
    expect(await answers(run)).toEqual(left);
    await run.merge();
    expect(await answers(run)).toEqual(left);
    expect(run.rowsInSegments).toBe(3);
    await run.kill();
    expect(await answers(run)).toEqual(left);
    await run.db.close();
  }
});

test("a field of which no value is left takes another type, also when only the manifest knows of the deletion", async () => {
  for (const where of ["", " WHERE h = 'a'", " WHERE x > 0"]) {
    const run = await Run.start();
    await run.write("m,h=a x=1,y=1 1", "m,h=b y=2 1");
    await run.db.flush();
    // segments that have a column for it, without a value
    await run.write("m,h=a y=1 1", "m,h=b y=2 1");
    await run.db.flush();
    expect(await run.ask(`DELETE x FROM m${where}`)).toEqual([]);
    await run.killAfterFlush();
    expect(run.tombstones).toBeGreaterThan(0);
    expect(await run.ask("SHOW FIELD KEYS")).toEqual([["y", "float"]]);
    await run.write('m,h=b x="text" 1');
    const rows = [
      [1n, null, 1],
      [1n, "text", 2],
    ];
    expect(await run.ask("SELECT x, y FROM m")).toEqual(rows);
    await run.kill();
    expect(await run.ask("SELECT x, y FROM m")).toEqual(rows);
    await run.merge();
    expect(await run.ask("SELECT x, y FROM m")).toEqual(rows);
    await run.kill();
    expect(await run.ask("SHOW FIELD KEYS")).toEqual([
      ["x", "string"],
      ["y", "float"],
    ]);
    expect(await run.ask("SELECT x, y FROM m")).toEqual(rows);
    await run.ask("DELETE x FROM m");
    await run.merge();
    await run.kill();
    expect(await run.ask("SHOW FIELD KEYS")).toEqual([["y", "float"]]);
    await run.db.close();
  }
});

test("a field with values left keeps its type", async () => {
  const run = await Run.start();
  await run.write("m,h=a x=1 1", "m,h=b x=2 1", "m,h=c x=3 1");
  await run.ask("DELETE x FROM m WHERE x < 3");
  await run.db.flush();
  await run.ask("DELETE x FROM m WHERE x < 2 OR h = 'b'");
  expect(await run.ask("SHOW FIELD KEYS")).toEqual([["x", "float"]]);
  expect((await run.db.writeLines('m,h=c x="text" 1', { database: "d" })).errors[0]).toContain("type float");
  await run.db.close();
});

test("a crash with a field's new type in one store's segments alone costs no value of the other fields", async () => {
  // whichever store is opened first decides what the field is when the log of before its deletion is read
  for (const refused of ["/data/p00/", "/data/p01/"]) {
    const run = await Run.start();
    const hosts = Array.from({ length: 8 }, (_, i) => `h${i}`);
    await run.write(...hosts.map((host, i) => `m,h=${host} x=${i}.5,y=${i} 1`));
    await run.ask("DELETE x FROM m");
    await run.write(...hosts.map((host, i) => `m,h=${host} x="text ${i}" 2`));
    run.disk.fault = (operation, path) =>
      operation === "open" && path.startsWith(refused) && path.endsWith(".seg.tmp") ? "EIO" : undefined;
    await run.db.flush().catch(() => undefined);
    run.disk.fault = undefined;
    await run.kill();
    const rows = [...hosts.map((_, i) => [1n, null, i]), ...hosts.map((_, i) => [2n, `text ${i}`, null])];
    for (let round = 0; round < 2; round++) {
      const found = (await run.ask("SELECT x, y FROM m")) as unknown[][];
      expect(found.sort((a, b) => String(a).localeCompare(String(b)))).toEqual(
        rows.sort((a, b) => String(a).localeCompare(String(b))),
      );
      await run.merge();
    }
    await run.db.close();
  }
});

test("a catalog that is rebuilt from segments has no series that were deleted, nor any twice", async () => {
  for (const deletion of ["DELETE FROM m WHERE h != 'c'", "DELETE x FROM m WHERE h != 'c'"]) {
    const run = await Run.start();
    await run.write("m,h=a x=1 1", "m,h=b x=2 1", "m,h=c x=3 1");
    await run.db.flush();
    await run.ask(deletion);
    await run.write("m,h=a x=4 4");
    await run.killAfterFlush();
    expect(run.tombstones).toBeGreaterThan(0);
    for (const p of [0, 1])
      for (const name of run.disk.list(`/data/p0${p}`))
        if (name.startsWith("catalog-")) run.disk.unlink(`/data/p0${p}/${name}`);
    await run.kill();
    expect(run.db.health().message).toContain("the catalog was rebuilt");
    expect(await run.ask("SHOW SERIES")).toEqual([["m,h=a"], ["m,h=c"]]);
    await run.write("m,h=a x=5 5");
    const rows = [
      [4n, 4],
      [5n, 5],
      [1n, 3],
    ];
    expect(await run.ask("SELECT x FROM m GROUP BY h")).toEqual(rows);
    await run.merge();
    await run.kill();
    expect(await run.ask("SELECT x FROM m GROUP BY h")).toEqual(rows);
    expect(await run.ask("SHOW SERIES EXACT CARDINALITY")).toEqual([[2]]);
    await run.db.close();
  }
});

test("a query that reads on while a field changes its type meets no value of the other type", async () => {
  for (const isFlushed of [false, true]) {
    const run = await Run.start();
    const hosts = Array.from({ length: 8 }, (_, i) => `h${i}`);
    // (a batch is of more series than one when they are short)
    const rows = Array.from({ length: 300 }, (_, row) => row);
    await run.write(
      ...hosts.flatMap((host, i) => rows.map((row) => `m,h=${host} x=${i}.5,y=${i} ${1 + row}`)),
    );
    if (isFlushed) await run.db.flush();
    const selection = { database: "d", retentionPolicy: "autogen", measurement: "m", where: null };
    const scan = run.db.source
      .scan({
        ...{
          ...selection,
          minTime: MIN_TIME,
          maxTime: MAX_TIME,
          fields: ["x", "y"],
          limit: 1000,
          descending: false,
        },
        budget: { check: () => undefined, hold: () => undefined },
      })
      [Symbol.asyncIterator]();
    const batches = [(await scan.next()).value as RowBatch];
    await run.ask("DELETE x FROM m");
    await run.write(...hosts.map((host, i) => `m,h=${host} x="text ${i}" 1`));
    if (isFlushed) await run.db.flush();
    for (let next = await scan.next(); !next.done; next = await scan.next()) batches.push(next.value);
    const types = batches.map(({ columns }) => columns.map((column) => column?.type ?? null));
    const { Float } = FieldType;
    expect(types[0]).toEqual([Float, Float]);
    expect(batches.length).toBeGreaterThan(1);
    // (the store that is being read keeps what it had in segments)
    for (const [x, y] of types) expect([x === Float || x === null, y]).toEqual([true, Float]);
    const [x] = batches.at(-1)!.columns;
    expect(x === null || x!.present?.at(-1) === 0).toBe(true);
    await run.db.close();
  }
});

test("a merge that began before a deletion of its field brings no value back", async () => {
  const run = await Run.start();
  // long enough to be merged in several steps
  for (let n = 0; n < 4; n++) {
    const lines = Array.from({ length: 3000 }, (_, i) => `m,h=${i % 60} x=${i},y=${n} ${i * 4 + n}`);
    await run.write(...lines);
    await run.db.flush();
  }
  const segments = () => run.manifests().map((manifest) => manifest.segments.length);
  await run.ask("DELETE x FROM m");
  expect(segments()).toEqual([4, 4]);
  await run.write('m,h=1 x="new" 0');
  await run.merge();
  expect(await run.ask("SELECT count(x), count(y) FROM m")).toEqual([[0n, 1, 12_000]]);
  await run.kill();
  expect(await run.ask("SELECT count(x), count(y) FROM m")).toEqual([[0n, 1, 12_000]]);
  expect(await run.ask("SELECT x FROM m")).toEqual([[0n, "new"]]);
  await run.db.close();
});
