// Folds of row groups as they stand, by their statistics or next to each other (store/whole-groups.ts, segment/group-span.ts), against the
// same folds row by row: a condition that every row satisfies (each has `a`) has them read so.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, type Serie, type SeriesResult } from "../src/index.ts";
import { GroupSpan } from "../src/segment/group-span.ts";

const STEP_S = 600;
const START_S = 1_700_006_400;
/** Several shards of seven days, and in each a row group. */
const LONG_ROWS = 2500;
const LONG_SERIES = 24;
const END_S = START_S + LONG_ROWS * STEP_S;

/** Numbers from 0 on below `limit`, the same ones every time. (Park and Miller, "Random number generators: good ones are hard to find", 1988.) */
class Draws {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % limit;
  }
  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}

type Write = (
  draws: Draws,
  line: (measurement: string, series: number, step: number) => string,
) => string[][];

/** Lines that are written and flushed one after the other; the last are not flushed. */
const stages: Readonly<Record<string, Write>> = {
  "in order": (_, line) => cutAt([1050, 1500], line),
  "in order, the last in memory": (_, line) => cutAt([1050, 1500, 2450], line),
  "some written again": (draws, line) => [
    ...cutAt([1500], line),
    Array.from({ length: 300 }, () => line("long", draws.below(4), draws.below(LONG_ROWS))),
    [],
  ],
  "some written again, in memory": (draws, line) => [
    ...cutAt([1500], line),
    Array.from({ length: 300 }, () => line("long", draws.below(4), draws.below(LONG_ROWS))),
  ],
  "each series behind the other": (_, line) => [
    ...Array.from({ length: 3 }, (_, part) =>
      Array.from({ length: LONG_SERIES }, (_, s) =>
        steps(1000 * part - 40 * s, 1000 * (part + 1) - 40 * s).map((t) => line("long", s, t)),
      ).flat(),
    ),
    [],
  ],
};

const steps = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i).filter((step) => step >= 0 && step < LONG_ROWS);

// Rows of all series up to some steps, each a stage; the last stage has none where the last step is the end.
function cutAt(
  ends: readonly number[],
  line: (measurement: string, series: number, step: number) => string,
): string[][] {
  const made: string[][] = [];
  let from = 0;
  for (const to of [...ends, LONG_ROWS]) {
    made.push(steps(from, to).flatMap((step) => rowsAt(step, line)));
    from = to;
  }
  return made;
}

// A row each of the long series, and now and then one of some of many short ones.
function rowsAt(step: number, line: (measurement: string, series: number, step: number) => string): string[] {
  const rows = Array.from({ length: LONG_SERIES }, (_, s) => line("long", s, step));
  if (step % 50 === 0) for (let s = 0; s < 30; s++) rows.push(line("short", (s * 7 + step / 50) % 200, step));
  return rows;
}

async function withData(
  write: Write,
  seed: number,
  check: (db: Serie, draws: Draws) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-whole-"));
  const db = await open({ dataDir, partitions: 2 });
  const draws = new Draws(seed);
  const line = (measurement: string, series: number, step: number): string => {
    // (few values: extremes are met again and again; of b some are missing)
    const values = [`a=${draws.below(9) - 4}.5`, `n=${draws.below(2000) - 1000}i`];
    if (draws.below(5) > 0) values.push(`b=${draws.below(100_000) / 100}`);
    return `${measurement},host=h${series},dc=d${series % 3} ${values.join(",")} ${START_S + step * STEP_S}`;
  };
  try {
    const parts = write(draws, line);
    for (const [p, lines] of parts.entries()) {
      for (let at = 0; at < lines.length; at += 5000)
        await db.writeLines(lines.slice(at, at + 5000).join("\n"), { database: "d", precision: "s" });
      if (p < parts.length - 1) await db.flush();
    }
    await check(db, draws);
  } finally {
    await db.close();
    rmSync(dataDir, { recursive: true });
  }
}

const functions = ["count", "sum", "mean", "min", "max", "first", "last", "spread"];

function drawQuery(draws: Draws): { readonly select: string; readonly time: string; readonly rest: string } {
  const calls = Array.from(
    { length: 1 + draws.below(3) },
    (_, c) =>
      `${draws.below(20) === 0 ? "stddev" : draws.pick(functions)}(${draws.pick(["a", "b", "n"])}) AS c${c}`,
  );
  const time: string[] = [];
  if (draws.below(3) > 0) time.push(`time >= ${START_S + draws.below(END_S - START_S)}s`);
  if (draws.below(3) > 0) time.push(`time <= ${START_S + draws.below(END_S - START_S)}s`);
  const by: string[] = [];
  if (draws.below(2) === 0) by.push(`time(${draws.pick(["7m", "5h", "1d", "14d", "40d"])})`);
  if (draws.below(2) === 0) by.push(draws.pick(["host", "dc", "dc, host"]));
  const where = draws.below(4) === 0 ? [`dc = '${draws.pick(["d1", "d2"])}'`] : [];
  return {
    select: `SELECT ${calls.join(", ")} FROM ${draws.pick(["long", "long", "short"])}`,
    time: [...time, ...where].join(" AND "),
    rest: `${by.length > 0 ? ` GROUP BY ${by.join(", ")}` : ""}${by[0]?.startsWith("time(7m") ? " fill(none)" : ""}`,
  };
}

/** Sums may be rounded in another order. */
function expectSame(actual: readonly SeriesResult[], expected: readonly SeriesResult[], text: string): void {
  const rowsOf = (series: readonly SeriesResult[]) =>
    series.flatMap(({ tags, rows }) => rows.map((row) => [JSON.stringify(tags), ...row]));
  const [ours, theirs] = [rowsOf(actual), rowsOf(expected)];
  expect(ours.length, text).toBe(theirs.length);
  for (const [r, row] of ours.entries()) {
    for (const [c, cell] of row.entries()) {
      const other = theirs[r]![c];
      if (typeof cell !== "number" || typeof other !== "number") expect(cell, text).toEqual(other!);
      else if (Math.abs(cell - other) > 1e-9 * Math.max(1, Math.abs(other)))
        throw new Error(`${text}: ${cell}, ${other}`);
    }
  }
}

let spans = 0;
const folded = GroupSpan.prototype.fold;

for (const [s, [name, write]] of Object.entries(stages).entries()) {
  test(`folds by statistics are those of rows: ${name}`, async () => {
    GroupSpan.prototype.fold = function (...given) {
      const left = folded.apply(this, given);
      spans += given[3].length - left.length;
      return left;
    };
    try {
      await withData(write, 1 + s, async (db, draws) => {
        const ask = (text: string) => db.query(text, { database: "d" });
        const compare = async (count: number) => {
          for (let q = 0; q < count; q++) {
            const { select, time, rest } = drawQuery(draws);
            const plain = `${select}${time === "" ? "" : ` WHERE ${time}`}${rest}`;
            const byRow = `${select} WHERE (a > 0 OR a <= 0)${time === "" ? "" : ` AND ${time}`}${rest}`;
            expectSame(await ask(plain), await ask(byRow), plain);
          }
        };
        spans = 0;
        await compare(150);
        expect(spans).toBeGreaterThan(20);
        // what is deleted from segments is theirs until they are merged
        const from = START_S + 700 * STEP_S;
        await ask(`DELETE FROM long WHERE time >= ${from}s AND time < ${from + 400 * STEP_S}s AND dc = 'd1'`);
        await ask("DROP SERIES FROM short WHERE dc = 'd2'");
        await compare(60);
      });
    } finally {
      GroupSpan.prototype.fold = folded;
    }
  }, 60_000);
}
