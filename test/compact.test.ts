// Which segments a compaction merges: their number stays bounded, and so does how often a row is written.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mergeShare, pickRun, restRun } from "../src/store/compact.ts";
import type { SegmentEntry } from "../src/store/manifest.ts";

const GIB = 1024 ** 3;

function entry(id: number, sizeBytes: number, windowStart = 0n): SegmentEntry {
  return {
    ...{
      id,
      sizeBytes,
      windowStart,
      windowEnd: windowStart + 1n,
      minTime: windowStart,
      maxTime: windowStart,
    },
    ...{ database: "db", retentionPolicy: "rp", rows: sizeBytes, hidden: [] },
  };
}

/** Flushes segments one after the other and merges as long as there is a run; merging keeps `kept` of the bytes. */
function simulate(sizes: readonly number[], kept = 1) {
  let segments: SegmentEntry[] = [];
  let id = 0;
  let written = 0;
  let most = 0;
  for (const size of sizes) {
    segments.push(entry(id++, size));
    for (let run = pickRun(segments); run; run = pickRun(segments)) {
      const from = segments.indexOf(run[0]!);
      // neighbours in age, in their order
      expect(segments.slice(from, from + run.length)).toEqual([...run]);
      const merged = run.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) * kept;
      segments = segments.toSpliced(from, run.length, entry(id++, merged));
      written += merged;
    }
    most = Math.max(most, segments.length);
  }
  return { segments, most, amplification: 1 + written / sizes.reduce((sum, size) => sum + size, 0) };
}

/** Numbers that look random and are always the same. */
function* random(seed: number): Generator<number> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    yield x / 2 ** 32;
  }
}

function sizes(count: number, seed: number, of: (u: number) => number): number[] {
  const source = random(seed);
  return Array.from({ length: count }, () => Math.ceil(of(source.next().value)));
}

const shapes: [name: string, of: (u: number) => number][] = [
  ["equal", () => 1e5],
  ["even", (u) => 1 + u * 1e5],
  ["over four powers of ten", (u) => 10 ** (2 + 4 * u)],
  ["mostly small, some huge", (u) => (u < 0.99 ? 1e3 : 1e6)],
];

describe("5,000 flushes", () => {
  for (const [name, of] of shapes) {
    test(`of ${name} sizes leave few segments, each row written few times`, () => {
      for (const seed of [1, 2, 3]) {
        const list = sizes(5_000, seed, of);
        const { segments, most, amplification } = simulate(list);
        expect(segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(
          list.reduce((a, b) => a + b),
        );
        const powers = Math.log(list.reduce((a, b) => a + b) / Math.min(...list)) / Math.log(4);
        expect(most).toBeLessThanOrEqual(3 * (powers + 1));
        expect(amplification).toBeLessThanOrEqual(1 + powers);
      }
    });
  }

  test("of rows that are written again and again stay bounded as well", () => {
    const { most, amplification } = simulate(
      sizes(5_000, 4, (u) => 1e4 + u * 1e5),
      0.4,
    );
    expect(most).toBeLessThanOrEqual(30);
    expect(amplification).toBeLessThanOrEqual(8);
  });

  test("of 200 MiB each never make a segment over 4 GiB, and still are merged when there are such", () => {
    const list = sizes(1_000, 5, (u) => (100 + 200 * u) * 1024 ** 2);
    const { segments, most, amplification } = simulate(list);
    expect(Math.max(...segments.map(({ sizeBytes }) => sizeBytes))).toBeLessThanOrEqual(4 * GIB);
    const total = list.reduce((a, b) => a + b);
    expect(most).toBeLessThanOrEqual((4 * total) / (4 * GIB) + 16);
    expect(amplification).toBeLessThanOrEqual(6);
  });
});

describe("segments of overlapping windows, as there may be of before windows were apart", () => {
  // in their order of age; x has newer values of the times of the first, and of no other
  const at = (id: number, minTime: bigint, windowEnd = 100n): SegmentEntry => ({
    ...entry(id, 10),
    ...{ minTime, maxTime: minTime, windowEnd },
  });
  const [first, second, x] = [at(0, 5n), at(1, 50n), at(2, 5n, 10n)];
  const rest = [at(3, 60n), at(4, 70n), at(5, 80n)];
  const all = [first, second, x, ...rest];
  const idsOf = (run: readonly SegmentEntry[] | null) => run?.map(({ id }) => id) ?? null;

  test("the older stays behind, however far the newer is", () => {
    expect(idsOf(pickRun(all))).toEqual([1, 3, 4, 5]);
    expect(idsOf(pickRun(all.slice(0, -1)))).toBeNull();
    expect(idsOf(restRun(all.slice(0, -1), 100n, new Set()))).toEqual([0, 1]);
    expect(idsOf(restRun(all.slice(1), 100n, new Set()))).toEqual([1, 3, 4, 5]);
    // what none is between may go together
    expect(idsOf(pickRun([x, first, second, ...rest]))).toEqual([0, 1, 3, 4, 5]);
  });
});

const segments = (...sizes: number[]) => sizes.map((size, id) => entry(id, size));

test("a merge has the more of the time, the more segments its window has, and never all of it", () => {
  const few = segments(...new Array(8).fill(1));
  const many = segments(...new Array(40).fill(1));
  const [a, b] = [mergeShare(few, few.slice(4)), mergeShare(many, many.slice(4))];
  expect(a).toBeGreaterThan(0);
  expect(b / a).toBeCloseTo(5);
  const most = segments(...new Array(5000).fill(1));
  expect(mergeShare(most, most.slice(-4))).toBeLessThan(1);
  // those of other windows do not count
  const others = many.map((entry) => ({ ...entry, windowStart: -7n, windowEnd: 0n }));
  expect(mergeShare([...others, ...few], few.slice(4))).toBe(a);
});

describe("pickRun", () => {
  const sizesOf = (run: readonly SegmentEntry[] | null) => run?.map(({ sizeBytes }) => sizeBytes) ?? null;

  test("leaves fewer than four alone, and what is much larger", () => {
    expect(pickRun([])).toBeNull();
    expect(pickRun(segments(1, 1, 1))).toBeNull();
    expect(sizesOf(pickRun(segments(1, 1, 1, 1)))).toEqual([1, 1, 1, 1]);
    expect(sizesOf(pickRun(segments(100, 1, 1, 1, 1)))).toEqual([1, 1, 1, 1]);
    expect(pickRun(segments(1000, 100, 10, 1))).toBeNull();
  });

  test("merges four older ones behind a small newer one", () => {
    expect(sizesOf(pickRun(segments(8, 8, 8, 8, 1)))).toEqual([8, 8, 8, 8]);
  });

  test("goes on merging small segments when the large ones before them are as large as they may be", () => {
    const GB = GIB * 0.9;
    const run = pickRun(segments(3 * GB, GB, GB, GB, GB / 4, GB / 4, GB / 4, GB / 4));
    expect(run).not.toBeNull();
    expect(run!.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(4 * GIB);
  });

  test("never mixes windows, policies or databases", () => {
    const base = fc.record({
      windowStart: fc.constantFrom(0n, 7n),
      database: fc.constantFrom("a", "b"),
      retentionPolicy: fc.constantFrom("x", "y"),
      sizeBytes: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(base, { maxLength: 40 }), (list) => {
        const entries = list.map((part, id) => ({ ...entry(id, 1), ...part }));
        const run = pickRun(entries);
        const name = (e: SegmentEntry) => `${e.database} ${e.retentionPolicy} ${e.windowStart}`;
        if (run === null) {
          // sizes differ by 5 times at most: five neighbours always have a run among them
          for (const group of Map.groupBy(entries, name).values()) expect(group.length).toBeLessThan(12);
          return;
        }
        expect(new Set(run.map(name)).size).toBe(1);
        const window = entries.filter((e) => name(e) === name(run[0]!));
        expect(
          window.slice(window.indexOf(run[0] as never), window.indexOf(run.at(-1) as never) + 1),
        ).toEqual([...run] as never);
      }),
    );
  });
});

describe("restRun", () => {
  const NONE = new Set<number>();
  const segments = (...sizes: number[]) => sizes.map((size, id) => entry(id, size));
  const idsOf = (list: readonly SegmentEntry[], damaged: ReadonlySet<number> = NONE) =>
    restRun(list, 1n, damaged)?.map(({ id }) => id) ?? null;

  test("merges all of a window that is over, however few, unless what is new is little", () => {
    expect(idsOf(segments(8))).toBeNull();
    expect(idsOf(segments(8, 1))).toEqual([0, 1]);
    expect(idsOf(segments(9, 1))).toBeNull();
    expect(idsOf(segments(1, 9, 1))).toEqual([0, 1, 2]);
    expect(idsOf(segments(100, 4, 2))).toEqual([1, 2]);
    expect(restRun(segments(8, 8), 0n, NONE)).toBeNull();
    expect(idsOf([entry(0, 1, 0n), entry(1, 1, 7n), entry(2, 1, 0n)])).toEqual([0, 2]);
  });

  test("leaves the damaged alone, does not reach across them, and makes nothing too large", () => {
    expect(idsOf(segments(1, 1, 1, 1, 1), new Set([2]))).toEqual([0, 1]);
    expect(idsOf(segments(1, 1, 1, 1), new Set([0]))).toEqual([1, 2, 3]);
    expect(idsOf(segments(1, 1), new Set([0]))).toBeNull();
    expect(idsOf(segments(3 * GIB, 2 * GIB, 1 * GIB))).toEqual([1, 2]);
  });

  test("a window that is written late again and again, with a rest after each flush, is not rewritten much", () => {
    let list: SegmentEntry[] = [];
    let written = 0;
    const flushes = 2000;
    for (let id = 0; id < flushes; id++) {
      list.push(entry(id, 1000));
      for (;;) {
        const run = pickRun(list) ?? restRun(list, 1n, NONE);
        if (run === null) break;
        const bytes = run.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        written += bytes;
        list = list.toSpliced(list.indexOf(run[0]!), run.length, entry(run[0]!.id, bytes));
      }
      expect(list.length).toBeLessThan(40);
    }
    expect(written / (flushes * 1000)).toBeLessThan(Math.log(flushes) / Math.log(9 / 8));
  });
});
