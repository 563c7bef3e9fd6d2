// What is written is what is read, bit by bit: the ends of every type, every byte that a name may have, long keys; from
// memory, from segments, after a merge and after a restart.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import type { Point } from "../src/ingest/points.ts";

const DATABASE = "exact";

async function withDatabase(run: (reopen: () => Promise<Database>) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-exact-"));
  let db: Database | undefined;
  try {
    await run(async () => {
      await db?.close();
      db = await Database.open({ dataDir, partitions: 3 });
      return db;
    });
  } finally {
    await db?.close();
    rmSync(dataDir, { recursive: true });
  }
}

async function answer(db: Database, text: string) {
  const all: { name: string | undefined; tags: object; columns: readonly string[]; rows: unknown[][] }[] = [];
  for await (const result of db.run(text, { database: DATABASE }))
    for await (const { name, tags, columns, rows } of result.series)
      all.push({ name, tags: Object.fromEntries(tags ?? []), columns, rows: rows.map((row) => [...row]) });
  return all;
}

/** Expects the same from memory, from a segment, after a restart, and after merges. */
async function everywhere(write: (db: Database) => Promise<void>, check: (db: Database) => Promise<void>) {
  await withDatabase(async (reopen) => {
    let db = await reopen();
    await write(db);
    await check(db);
    await db.flush();
    await check(db);
    db = await reopen();
    await check(db);
    // the same points again and again: they stay one each, through overlap and merge
    for (let again = 0; again < 5; again++) {
      await write(db);
      await db.flush();
    }
    await check(db);
    await Bun.sleep(50);
    await check(db);
    db = await reopen();
    await check(db);
  });
}

/** Cells as text that tells apart what == does not: -0, bigint and number. */
const exact = (cell: unknown) =>
  typeof cell === "bigint"
    ? `${cell}`
    : Object.is(cell, -0)
      ? "-0"
      : typeof cell === "number"
        ? `${cell}`
        : cell;

const columns: Record<string, { written: string[]; read?: unknown[] }> = {
  float: {
    written: [
      "-0",
      "0",
      "5e-324",
      "1.7976931348623157e308",
      "-1.7976931348623157e308",
      "0.1",
      "9007199254740993",
    ],
    read: [
      "-0",
      "0",
      "5e-324",
      "1.7976931348623157e+308",
      "-1.7976931348623157e+308",
      "0.1",
      "9007199254740992",
    ],
  },
  integer: {
    written: ["-9223372036854775808i", "9223372036854775807i", "0i", "-1i", "9007199254740993i"],
    read: ["-9223372036854775808", "9223372036854775807", "0", "-1", "9007199254740993"],
  },
  unsigned: {
    written: ["0u", "18446744073709551615u", "9223372036854775808u", "9223372036854775807u"],
    read: ["0", "18446744073709551615", "9223372036854775808", "9223372036854775807"],
  },
  boolean: { written: ["t", "F", "true"], read: [true, false, true] },
  string: {
    written: [
      '""',
      '"ümlaut 😀"',
      '"a \\"quote\\", \\\\ and = , space"',
      `"${"x".repeat(60_000)}"`,
      '"\u0001"',
    ],
    read: ["", "ümlaut 😀", 'a "quote", \\ and = , space', "x".repeat(60_000), "\u0001"],
  },
};

for (const [name, { written, read }] of Object.entries(columns)) {
  test(`${name}: every value as it was written`, async () => {
    const lines = written.map((value, i) => `m v=${value} ${i}`).join("\n");
    await everywhere(
      async (db) => expect((await db.writeLines(lines, { database: DATABASE })).errors).toEqual([]),
      async (db) => {
        const [series] = await answer(db, "SELECT v FROM m");
        expect(series!.rows.map(([, value]) => exact(value))).toEqual(read!);
        const [latest] = await answer(db, "SELECT v FROM m ORDER BY time DESC LIMIT 1");
        expect(latest!.rows.map(([, value]) => exact(value))).toEqual(read!.slice(-1));
        if (name === "boolean" || name === "string") return;
        const [folded] = await answer(db, "SELECT min(v), max(v), first(v), last(v), count(v) FROM m");
        const sorted = written.map((text) => text.replace(/[iu]$/, "")).sort((a, b) => compare(name, a, b));
        const [, min, max, first, last, count] = folded!.rows[0]!;
        expect([min, max].map((value) => Number(value))).toEqual([Number(sorted[0]), Number(sorted.at(-1))]);
        expect([exact(first), exact(last), Number(count)]).toEqual([read![0], read!.at(-1), written.length]);
      },
    );
  });
}

function compare(name: string, a: string, b: string): number {
  if (name === "float") return Number(a) - Number(b);
  return BigInt(a) < BigInt(b) ? -1 : 1;
}

test("what is no number does not come in", async () => {
  await withDatabase(async (reopen) => {
    const db = await reopen();
    for (const value of [
      "NaN",
      "nan",
      "+Inf",
      "-inf",
      "1e309",
      "-1e309",
      "9223372036854775808i",
      "-1u",
      "0x10",
    ]) {
      const { rows, errors } = await db.writeLines(`m v=${value} 1`, { database: DATABASE });
      expect([value, rows, errors.length]).toEqual([value, 0, 1]);
    }
    const target = { database: DATABASE };
    const bad: Partial<Point>[] = [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n, -(2n ** 63n) - 1n].map(
      (v) => ({ fields: { v } }),
    );
    for (const time of [1e16, -1e300, Number.NaN, 2n ** 63n, new Date(Number.NaN)]) bad.push({ time });
    for (const part of bad) {
      const write = async () =>
        db.writePoints([{ measurement: "m", fields: { v: 1 }, time: 1n, ...part }], target);
      await expect(write()).rejects.toBeInstanceOf(InputError);
    }
    expect(await answer(db, "SELECT * FROM m")).toEqual([]);
  });
});

const names = [
  "plain",
  "a b",
  "a,b",
  "a=b",
  "back\\slash",
  'quo"te',
  "ümlaut 😀",
  "#hash",
  "tab\there",
  "a\\ b",
  "x\\,y",
];

test("names and tags of every kind of byte, one series each, found by their value", async () => {
  const points: Point[] = names.flatMap((name, i) => [
    { measurement: name, tags: { [name]: name, other: "o" }, fields: { [name]: i }, time: BigInt(i) },
    { measurement: "all", tags: { name }, fields: { v: i }, time: 1n },
  ]);
  await everywhere(
    async (db) => void (await db.writePoints(points, { database: DATABASE })),
    async (db) => {
      const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;
      const literal = (name: string) => `'${name.replace(/['\\]/g, "\\$&")}'`;
      for (const [i, name] of names.entries()) {
        const tag = `${quoted(name)}::tag = ${literal(name)}`;
        expect(
          await answer(db, `SELECT ${quoted(name)}::field AS v FROM ${quoted(name)} WHERE ${tag} GROUP BY *`),
        ).toEqual([
          { name, tags: { [name]: name, other: "o" }, columns: ["time", "v"], rows: [[BigInt(i), i]] },
        ]);
        const [found] = await answer(db, `SELECT sum(v) FROM "all" WHERE "name" = ${literal(name)}`);
        expect([name, found?.rows]).toEqual([name, [[0n, i]]]);
      }
      const grouped = await answer(db, `SELECT last(v) FROM "all" GROUP BY "name"`);
      expect(grouped.map(({ tags }) => Object.values(tags)[0] as string).sort()).toEqual(names.toSorted());
      const [values] = await answer(db, `SHOW TAG VALUES FROM "all" WITH KEY = "name"`);
      expect(values!.rows.map(([, value]) => value as string).sort()).toEqual(names.toSorted());
    },
  );
}, 30_000);

test("long keys: tag values that together make 64 KB, side by side with short ones", async () => {
  const long = (letter: string) => letter.repeat(15_000);
  const tags = (last: string) => `a=${long("a")},b=${long("b")},c=${long("c")},d=${long("d")}${last}`;
  const lines = ["x", "y"].map((last, i) => `m,${tags(last)} v=${i} ${i}`);
  await everywhere(
    async (db) => {
      const { errors } = await db.writeLines([...lines, "m,a=short v=7 7"].join("\n"), {
        database: DATABASE,
      });
      expect(errors).toEqual([]);
    },
    async (db) => {
      expect((await answer(db, "SELECT count(v) FROM m GROUP BY *")).length).toBe(3);
      const [found] = await answer(db, `SELECT v FROM m WHERE d = '${long("d")}y'`);
      expect(found!.rows).toEqual([[1n, 1]]);
    },
  );
  await withDatabase(async (reopen) => {
    const db = await reopen();
    const { rows, errors } = await db.writeLines(`m,a=${"k".repeat(70_000)} v=1 1\nm v=2 2`, {
      database: DATABASE,
    });
    expect([rows, errors.length]).toEqual([1, 1]);
  });
});

test("a batch with one field in two types, and a line with a field twice: each value in the field's type", async () => {
  await withDatabase(async (reopen) => {
    const db = await reopen();
    const write = async (...lines: string[]) => db.writeLines(lines.join("\n"), { database: DATABASE });
    await write("m f=0.5,i=1i 1");
    expect((await write("m f=2i 2", "m f=3.5 3", "m i=4 4", "m i=5i 5")).errors).toEqual([]);
    const refused = await write("m i=6.5 6", "m i=7 7", "m i=8i 8", 'm i="9" 9');
    expect([refused.rows, refused.dropped, refused.partial]).toEqual([2, 2, true]);
    expect((await write("m f=10,f=11i 10", "m f=12i,f=13 11")).rows).toBe(2);
    const check = async (open: Database) => {
      expect((await answer(open, "SELECT f FROM m"))[0]!.rows).toEqual([
        ...[
          [1n, 0.5],
          [2n, 2],
          [3n, 3.5],
        ],
        ...[
          [10n, 11],
          [11n, 13],
        ],
      ]);
      const integers = (await answer(open, "SELECT i FROM m"))[0]!.rows.map(([, value]) => Number(value));
      expect(integers).toEqual([1, 4, 5, 7, 8]);
    };
    await check(db);
    await check(await reopen());
  });
});
