// Long and short series over several time windows, written late, twice and in three formats, through random steps of flush,
// merge, drop, restart and kill: after every step the database answers as the oracle does. (store-oracle.test.ts has small
// data and every kind of query; here row groups fill, overlap and split.)
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { FieldType } from "../src/model/types.ts";
import type { Session } from "../src/query/session.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";
import { answerOf, expectSameAnswer } from "./oracle/compare.ts";
import { lineOf } from "./oracle/lines.ts";
import { Oracle, type OraclePoint } from "./oracle/oracle.ts";

/** Other runs: STEPS_SEED=17 bun test test/store-steps.test.ts */
const firstSeed = Number(process.env["STEPS_SEED"] ?? 1);
const SEEDS = 3;
const STEPS = 22;

const options = { dataDir: "/data", partitions: 2, maxMemSize: "1MiB" };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const MINUTE_NS = 60_000_000_000n;
const DAYS = 24;

const queries = [
  "SELECT count(f), sum(i), min(u), max(f), first(i), last(f) FROM m GROUP BY host",
  "SELECT count(s), count(b), mean(f), spread(i) FROM m",
  `SELECT sum(i), max(u), count(b) FROM m WHERE time >= -3d AND time < ${DAYS}d GROUP BY time(1d), host`,
  "SELECT mean(f), last(i) FROM m WHERE time >= 0 AND time < 2d AND rack = 'r1' GROUP BY time(2h) fill(none)",
  "SELECT count(f), sum(f) FROM m WHERE i > 50 AND b = true GROUP BY rack",
  "SELECT f, i, s FROM m WHERE host = 'long' AND time >= 100m AND time < 180m",
  "SELECT * FROM m WHERE i < 3 AND s != 'x'",
  "SELECT f, b FROM m GROUP BY host ORDER BY time DESC LIMIT 5",
  "SELECT u, s FROM m WHERE f > 20 GROUP BY * ORDER BY time DESC LIMIT 4",
  "SELECT i FROM m WHERE host =~ /h[0-3]/ LIMIT 9",
  "SELECT count(*) FROM other GROUP BY *",
  "SELECT * FROM other ORDER BY time DESC LIMIT 6",
  "SHOW MEASUREMENTS",
  "SHOW SERIES",
  "SHOW FIELD KEYS",
  "SHOW TAG VALUES WITH KEY IN (host, rack)",
];

class Run {
  readonly #random: () => number;
  readonly #oracle = new Oracle({ blockRows: 1000 });
  #disk: MemoryDisk;

  constructor(
    seed: number,
    public db: Database,
    disk: MemoryDisk,
  ) {
    this.#random = randomNumbers(seed);
    this.#disk = disk;
  }

  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  async start(): Promise<void> {
    await this.db.createDatabase("db0");
    await this.#oracle.createDatabase("db0");
  }

  #session(db: Database): Session {
    return { source: db.source, administration: db, clock, database: "db0" };
  }

  #plainSession(): Session {
    return { source: this.#oracle, administration: this.#oracle, clock, database: "db0" };
  }

  /** Rows of one stretch of time, of a long series or of several short ones. */
  #points(): OraclePoint[] {
    const measurement = this.below(5) === 0 ? "other" : "m";
    const isLong = measurement === "m" && this.below(2) === 0;
    const start = BigInt(this.pick([0, 0, 0, 7, 8, 20, -2])) * 1440n + BigInt(this.below(isLong ? 1500 : 60));
    return Array.from({ length: isLong ? 300 + this.below(1500) : 20 + this.below(150) }, (_, i) => {
      const host = isLong ? "long" : `h${this.below(6)}`;
      const value = this.below(100);
      const fields: Record<string, OraclePoint["fields"][string]> = {};
      const give = (name: string, type: FieldType, given: number | bigint | boolean | string) => {
        if (this.below(4) > 0) fields[name] = { type, value: given };
      };
      give("f", FieldType.Float, value / 2);
      give("i", FieldType.Integer, BigInt(value) - 10n);
      give("u", FieldType.Unsigned, 2n ** 63n + BigInt(value));
      give("b", FieldType.Boolean, value % 3 === 0);
      give("s", FieldType.String, this.pick(["", "x", "text of some length", "ü"]));
      if (Object.keys(fields).length === 0) fields["f"] = { type: FieldType.Float, value: 1 };
      const tags: Record<string, string> = { host };
      if (host !== "h5") tags["rack"] = `r${host.length % 2}`;
      const step = this.below(20) === 0 ? -BigInt(this.below(40)) : 0n;
      return { measurement, tags, fields, timeNs: (start + BigInt(i) + step) * MINUTE_NS };
    });
  }

  async write(): Promise<void> {
    const points = this.#points();
    const target = { database: "db0" };
    const values = (point: OraclePoint) =>
      Object.fromEntries(Object.entries(point.fields).map(([name, { value }]) => [name, value]));
    const way = this.below(3);
    if (way === 0) {
      const { errors } = await this.db.writeLines(points.map(lineOf).join("\n"), target);
      expect(errors).toEqual([]);
    } else if (way === 1) {
      const given = points.map((point) => ({
        measurement: point.measurement,
        tags: point.tags,
        fields: values(point),
        time: point.timeNs,
      }));
      expect((await this.db.writePoints(given, target)).errors).toEqual([]);
    } else {
      // whole floats as integers and integers as floats: converted to the fields' types, once those are known
      const known = new Map(
        (await this.db.source.fields("db0", points[0]!.measurement)).map((f) => [f.name, f]),
      );
      const converted = points.map((point) => ({
        ...point,
        fields: Object.fromEntries(
          Object.entries(point.fields).map(([name, field]) => {
            if (known.has(name) && name === "i")
              return [name, { type: FieldType.Float, value: Number(field.value) }];
            if (known.has(name) && name === "f" && Number.isInteger(field.value))
              return [name, { type: FieldType.Integer, value: BigInt(field.value as number) }];
            return [name, field];
          }),
        ),
      })) as OraclePoint[];
      expect((await this.db.writeLines(converted.map(lineOf).join("\n"), target)).errors).toEqual([]);
    }
    for (const point of points) this.#oracle.write("db0", point);
  }

  async step(): Promise<string> {
    const step = this.pick([
      "write",
      "write",
      "write",
      "write",
      "write",
      "flush",
      "flush",
      "restart",
      "kill",
      "drop",
      "delete",
      "delete",
    ]);
    if (step === "write") await this.write();
    if (step === "flush") await this.db.flush();
    if (step === "restart") await this.db.close();
    if (step === "kill") this.#disk = this.#disk.crash("process");
    if (step === "restart" || step === "kill") this.db = await Database.open(options, this.#disk, clock);
    if (step === "drop") {
      await this.db.dropMeasurement("db0", "other");
      await this.#oracle.dropMeasurement("db0", "other");
    }
    if (step === "delete") {
      const text = this.#deletion();
      const answer = await answerOf(text, this.#session(this.db));
      expect(answer).toEqual(await answerOf(text, this.#plainSession()));
      // a field that nothing has (any more) is refused, and nothing else
      if (answer.length > 0) expect(answer).toMatch(/^DELETE: m has no field \w+ at line 1, char \d+$/);
      return text;
    }
    // a merge may be under way or done
    for (let turns = this.below(30); turns > 0; turns--) await new Promise<void>((r) => setImmediate(r));
    return step;
  }

  /** Rows of some series and stretches of time, by tags or by values. */
  #deletion(): string {
    const from = BigInt(this.pick([0, 0, 7, 8, 20])) * 1440n + BigInt(this.below(1500));
    const range = `time >= ${from}m AND time < ${from + BigInt(this.below(400))}m`;
    return this.pick([
      `DELETE FROM m WHERE ${range}`,
      `DELETE FROM m WHERE host = 'h${this.below(6)}' AND ${range}`,
      `DELETE FROM m WHERE host =~ /h[0-2]/ AND time > ${from}m`,
      `DELETE FROM m WHERE i > ${this.below(100)} AND ${range}`,
      `DELETE FROM m WHERE host = 'long' AND s = 'x' AND ${range}`,
      `DROP SERIES FROM m WHERE host = 'h${this.below(6)}'`,
      "DELETE FROM m WHERE rack = 'r0' AND f > 48",
      "DELETE FROM nothing",
      `DELETE WHERE ${range}`,
      `DELETE f FROM m WHERE ${range}`,
      `DELETE i, s FROM m WHERE host = 'h${this.below(6)}'`,
      `DELETE b, "u" FROM m WHERE i > ${this.below(100)} AND ${range}`,
      `DELETE /^[fiubs]$/ FROM /m|other/ WHERE host =~ /h[0-2]|long/ AND ${range}`,
      `DELETE /^[fi]$/ FROM other`,
      `DELETE s FROM m WHERE s = 'x'`,
      "DELETE nothing FROM m",
    ]);
  }

  async compare(all: boolean): Promise<void> {
    const ours = this.#session(this.db);
    const plain = this.#plainSession();
    for (const text of all ? queries : [this.pick(queries), this.pick(queries), this.pick(queries)]) {
      try {
        expectSameAnswer(await answerOf(text, ours), await answerOf(text, plain), 2 ** 64);
      } catch (error) {
        throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
      }
    }
    expect(this.db.health().message).toBe("ready for queries and writes");
  }
}

test("after every step of a long life the database answers as the oracle does", async () => {
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const steps: string[] = [];
    const disk = new MemoryDisk(seed);
    const run = new Run(seed, await Database.open(options, disk, clock), disk);
    try {
      await run.start();
      for (let i = 0; i < STEPS; i++) {
        steps.push(await run.step());
        await run.compare(i % 8 === 7);
      }
      await run.compare(true);
      await run.db.close();
    } catch (error) {
      throw new Error(`STEPS_SEED=${seed}, after ${steps.join(" ")}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}, 60_000);
