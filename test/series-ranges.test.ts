// Ranges of time by series, the tombstones made of them, and the kernels that take rows out by them: against sets of single times.
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeDeletion, encodeDeletion, recordKind } from "../src/db/record.ts";
import { Kernels, Scratch } from "../src/kernels/kernels.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import type { SegmentEntry } from "../src/store/manifest.ts";
import { maskSlice, withoutRows } from "../src/store/mask.ts";
import {
  type Bounds,
  concatenated,
  joined,
  RangesBuilder,
  SeriesRanges,
  type TimeRange,
  united,
} from "../src/store/series-ranges.ts";
import { decodeTombstones, encodeTombstones } from "../src/store/tombstone-file.ts";
import {
  Deleted,
  type DeletedRanges,
  type Tombstone,
  touches,
  withTombstone,
} from "../src/store/tombstones.ts";

const kernels = new Kernels();
afterAll(() => expect(kernels.usedBytes).toBe(0));

const END = 60n;
const someRanges = fc
  .array(fc.tuple(fc.bigInt(0n, END - 1n), fc.bigInt(0n, 9n)), { maxLength: 9 })
  .map((list) => list.map(([first, length]): TimeRange => [first, first + length]));
const isIn = (ranges: readonly TimeRange[], time: bigint) =>
  ranges.some(([first, last]) => first <= time && time <= last);

function pairsOf(bounds: Bounds): TimeRange[] {
  return Array.from({ length: bounds.length / 2 }, (_, i) => [bounds[2 * i]!, bounds[2 * i + 1]!]);
}

function expectApart(bounds: Bounds): void {
  for (let i = 0; i < bounds.length; i += 2) {
    expect(bounds[i]! <= bounds[i + 1]!).toBe(true);
    if (i > 0) expect(bounds[i]! > bounds[i - 1]!).toBe(true);
  }
}

test("united and joined ranges hold the times of all, ascending and apart", () => {
  fc.assert(
    fc.property(someRanges, someRanges, (a, b) => {
      const both = joined(united(a), united(b))!;
      for (const bounds of [united(a), united([...a, ...b]), both]) expectApart(bounds);
      for (let time = -1n; time < END + 12n; time++) {
        expect(isIn(pairsOf(united(a)), time)).toBe(isIn(a, time));
        expect(isIn(pairsOf(both), time)).toBe(isIn(a, time) || isIn(b, time));
      }
      expect(pairsOf(both)).toEqual(pairsOf(united([...a, ...b])));
    }),
  );
  const [early, late] = [united([[1n, 2n]]), united([[5n, 6n]])];
  expect(joined(late, early, false)).toEqual(BigInt64Array.of(1n, 2n, 5n, 6n));
  expect(joined(united([[1n, 9n]]), late, false)).toBeNull();
});

const byseries = fc.uniqueArray(fc.tuple(fc.nat(12), someRanges), { selector: ([id]) => id, maxLength: 8 });

function built(list: readonly (readonly [number, readonly TimeRange[]])[]): SeriesRanges {
  const builder = new RangesBuilder();
  for (const [id, ranges] of list.toSorted((a, b) => a[0] - b[0])) builder.add(id, united(ranges));
  return builder.build();
}

test("what is meant of each series is found, alone and united with others", () => {
  fc.assert(
    fc.property(byseries, byseries, fc.bigInt(-2n, END), fc.bigInt(0n, 20n), (a, b, from, length) => {
      const to = from + length;
      const both = built(a).with(built(b))!;
      for (const [made, lists] of [
        [built(a), [a]],
        [both, [a, b]],
      ] as const) {
        let touched = false;
        for (let id = 0; id <= 13; id++) {
          const own = lists.flatMap((list) =>
            list.filter(([each]) => each === id).flatMap(([, ranges]) => ranges),
          );
          const within = united(
            own.length === 0 ? [] : pairsOf(united(own)).filter(([f, l]) => f <= to && l >= from),
          );
          expect(pairsOf(made.within(id, from, to))).toEqual(pairsOf(within));
          expect(pairsOf(made.of(id))).toEqual(pairsOf(united(own)));
          if (within.length > 0) touched = true;
        }
        expect(made.mayTouch(from, to)).toBe(touched);
      }
    }),
  );
});

test("ranges that all series or some have", () => {
  const ranges: TimeRange[] = [
    [10n, 20n],
    [1n, 3n],
    [4n, 5n],
  ];
  const every = SeriesRanges.shared(null, ranges);
  const some = SeriesRanges.shared(Uint32Array.of(2, 5), ranges);
  for (const id of [0, 2, 5, 6]) {
    expect(pairsOf(every.within(id, 5n, 10n))).toEqual([
      [1n, 5n],
      [10n, 20n],
    ]);
    expect(pairsOf(some.of(id))).toEqual(
      id === 2 || id === 5
        ? [
            [1n, 5n],
            [10n, 20n],
          ]
        : [],
    );
  }
  expect(every.with(some)).toBeNull();
  expect([SeriesRanges.shared(null, []).mayTouch(MIN_TIME, MAX_TIME), every.mayTouch(6n, 9n)]).toEqual([
    false,
    false,
  ]);
  expect(SeriesRanges.shared(null, [[MIN_TIME, MAX_TIME]]).mayTouch(MAX_TIME, MAX_TIME)).toBe(true);
});

test("of very many ranges those far from a segment do not touch it, and none that does is missed", () => {
  const HOUR_NS = 3_600_000_000_000n;
  const builder = new RangesBuilder();
  // two days of a year
  const times = [0n, 360n * 24n * HOUR_NS].flatMap((from) =>
    Array.from({ length: 5000 }, (_, i) => from + BigInt(i) * 17_000_000_000n),
  );
  builder.add(7, united(times.map((time) => [time, time])));
  const one = builder.build();
  const more = new RangesBuilder();
  more.add(3, united(times.map((time) => [time + 100n * HOUR_NS, time + 100n * HOUR_NS])));
  for (const made of [one, one.with(more.build())!]) {
    for (const time of times) expect(made.mayTouch(time, time)).toBe(true);
    for (let day = 20n; day < 350n; day++)
      expect(made.mayTouch(day * 24n * HOUR_NS, (day + 1n) * 24n * HOUR_NS)).toBe(false);
    expect(made.mayTouch(MIN_TIME, MAX_TIME)).toBe(true);
  }
  // one that is wide hides what lies beside it, but never itself
  more.add(9, BigInt64Array.of(0n, 300n * 24n * HOUR_NS));
  expect(more.build().mayTouch(40n * 24n * HOUR_NS, 41n * 24n * HOUR_NS)).toBe(true);
});

const named = { database: "d", retentionPolicy: "p", measurement: "m", before: 5 };
const step = fc.record({
  before: fc.constantFrom(5, 5, 5, 6),
  fields: fc.constantFrom(undefined, undefined, ["x"], ["x", "y"]),
  own: byseries,
});
const madeOf = ({
  before,
  fields,
  own,
}: {
  before: number;
  fields: readonly string[] | undefined;
  own: Parameters<typeof built>[0];
}): Tombstone => ({
  ...named,
  before,
  taken: built(own),
  ...(fields === undefined ? {} : { fields }),
});

test("tombstones of many steps become few, of each kind apart, and take what all of them took", () => {
  const entry = { ...named, id: 4, minTime: 0n, maxTime: END, hidden: [] } as unknown as SegmentEntry;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const all = steps.map(madeOf);
      let few: readonly Tombstone[] = [];
      for (const each of all) few = withTombstone(few, each);
      const back = decodeTombstones(encodeTombstones(few), "file");
      for (const list of [few, back])
        for (let id = 0; id <= 12; id++) {
          const of = (tombstones: readonly Tombstone[]) => {
            const deleted = Deleted.of(tombstones, entry, "m");
            const within = (ranges: DeletedRanges | null | undefined) =>
              ranges ? pairsOf(ranges.within(id, -1n, END + 20n)) : [];
            return [within(deleted?.rows), within(deleted?.values("x")), within(deleted?.values("y"))];
          };
          expect(of(list)).toEqual(of(all));
        }
      expect(few.some((each) => touches(each, entry))).toBe(all.some((each) => touches(each, entry)));
    }),
  );
  let few: readonly Tombstone[] = [];
  for (let i = 0; i < 1000; i++)
    few = withTombstone(few, { ...named, taken: built([[i % 10, [[BigInt(5000 - i), BigInt(5000 - i)]]]]) });
  expect(few.length).toBeLessThan(12);
  expect(few.reduce((sum, { taken }) => sum + taken.rangeCount, 0)).toBe(1000);
});

/** Ascending times without one twice, and a column of them. */
const rows = fc
  .tuple(
    fc.uniqueArray(fc.bigInt(0n, END + 10n), { maxLength: 40 }),
    fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
  )
  .map(([times, flags]) => ({ times: times.sort((a, b) => Number(a - b)), flags }));

test("rows and values are taken out by ranges of time as one by one", () => {
  const room = new Scratch(kernels);
  const other = new Scratch(kernels);
  fc.assert(
    fc.property(rows, someRanges, someRanges, fc.boolean(), ({ times, flags }, gone, values, isFull) => {
      const count = times.length;
      const at = other.reserve(count * 17 + 64);
      const [valuesAt, presentAt] = [at + count * 8, at + count * 16];
      kernels.i64(at, count).set(BigInt64Array.from(times));
      kernels
        .i64(valuesAt, count)
        .set(BigInt64Array.from(times, (time, i) => (isFull || flags[i] ? time * 3n : 0n)));
      kernels.view(presentAt, count).set(times.map((_, i) => (flags[i] ? 1 : 0)));
      const column = { values: valuesAt, present: isFull ? 0 : presentAt, heap: 0 };
      const slice = { rowCount: count, times: at, columns: [null, column] };
      const read = (made: typeof slice | ReturnType<typeof maskSlice>) =>
        Array.from({ length: made.rowCount }, (_, i) => {
          const own = made.columns[1];
          const has = own && (own.present === 0 || kernels.view(own.present, made.rowCount)[i] === 1);
          const value = own ? kernels.i64(own.values, made.rowCount)[i]! : 0n;
          if (!has) expect(value).toBe(0n);
          return [kernels.i64(made.times, made.rowCount)[i]!, has ? value : null];
        });
      const has = (i: number) => isFull || flags[i]!;
      const all = times.map((time, i) => [time, has(i) ? time * 3n : null] as const);
      expect(read(withoutRows(kernels, slice, united(gone), room))).toEqual(
        all.filter(([time]) => !isIn(gone, time)) as unknown as ReturnType<typeof read>,
      );
      const masked = maskSlice(kernels, slice, [null, values.length === 0 ? null : united(values)], room);
      expect(read(masked)).toEqual(
        all.map(([time, value]) => [time, isIn(values, time) ? null : value]) as ReturnType<typeof read>,
      );
      expect(read(slice)).toEqual(all as unknown as ReturnType<typeof read>);
    }),
  );
  room.release();
  other.release();
  expect(FieldType.Integer).toBe(2);
});

test("records of points come back from the log, and those that logs of before have", () => {
  const key = Buffer.from("m,h=ü\\ x").toString("latin1");
  const common = { database: "d", retentionPolicy: "p", measurement: "m" };
  for (const fields of [{}, { fields: ["x", "ü"] }]) {
    const points = [
      [key, BigInt64Array.of(MIN_TIME, -5n, 7n, MAX_TIME)],
      ["m", concatenated([BigInt64Array.of(1n, 1n), BigInt64Array.of(2n ** 60n, 2n ** 60n)], 4)],
    ] as const;
    const record = encodeDeletion({ ...common, points, ...fields });
    expect(recordKind(record)).toBe("deletion");
    // also where it stands at an odd place, and as a Buffer, whose slices are views
    const shifted = Buffer.alloc(record.length + 3);
    shifted.set(record, 3);
    for (const bytes of [record, shifted.subarray(3)])
      expect<unknown>(decodeDeletion(bytes)).toEqual({ ...common, points, ...fields });
    const text = JSON.stringify({
      ...common,
      points: [
        [
          key,
          [
            [{ int64: String(MIN_TIME) }, { int64: "-5" }],
            [{ int64: "7" }, { int64: String(MAX_TIME) }],
          ],
        ],
      ],
      ...fields,
    });
    const before = Buffer.concat([Buffer.from("fields" in fields ? "SDF1" : "SDL1"), Buffer.from(text)]);
    expect(recordKind(before)).toBe("deletion");
    expect<unknown>(decodeDeletion(before)).toEqual({ ...common, points: points.slice(0, 1), ...fields });
  }
  const ranged = { ...common, where: null, ranges: [[1n, 2n]] as const };
  expect<unknown>(decodeDeletion(encodeDeletion(ranged))).toEqual(ranged);
});
