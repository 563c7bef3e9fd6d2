// Window bounds: cut by UTC, by offset, and by the clock of a zone across daylight saving time (as influxd 1.6.7 cuts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { addMonths } from "../src/query/calendar.ts";
import { WindowRule } from "../src/query/windows.ts";
import { Zone } from "../src/query/zones.ts";

const HOUR = 3_600_000_000_000n;
const DAY = 24n * HOUR;
const ns = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n;
const iso = (time: bigint) => new Date(Number(time / 1_000_000n)).toISOString().slice(5, 16);

const fixed = (everyNs: bigint, offsetNs: bigint) => ({
  everyNs,
  offsetNs,
  everyMonths: 0,
  offsetMonths: 0,
});
const calendar = (everyMonths: number, offsetMonths = 0, offsetNs = 0n) => ({
  everyNs: 30n * DAY * BigInt(everyMonths),
  offsetNs,
  everyMonths,
  offsetMonths,
});

function starts(everyNs: bigint, offsetNs: bigint, zone: string | null, from: string, to: string): string[] {
  const bounds = new WindowRule(fixed(everyNs, offsetNs), zone).bounds(ns(from), ns(to) - 1n);
  return [...bounds].slice(0, -1).map(iso);
}

describe("bounds", () => {
  test("are multiples of the interval, from the window of the first time to that of the last", () => {
    const bounds = new WindowRule(fixed(20n, 0n), null).bounds(25n, 60n);
    expect([...bounds]).toEqual([20n, 40n, 60n, 80n]);
  });

  test("move by the offset, and stand below negative times", () => {
    const rule = new WindowRule(fixed(10n, 3n), null);
    expect([...rule.bounds(-9n, 4n)]).toEqual([-17n, -7n, 3n, 13n]);
  });

  test("days last 23 hours where the clock goes forward and 25 where it goes back", () => {
    expect(starts(DAY, 0n, "Europe/Berlin", "2023-03-25T00:00Z", "2023-03-28T00:00Z")).toEqual([
      "03-24T23:00",
      "03-25T23:00",
      "03-26T22:00",
      "03-27T22:00",
    ]);
    expect(starts(DAY, 0n, "Europe/Berlin", "2023-10-28T00:00Z", "2023-10-31T00:00Z")).toEqual([
      "10-27T22:00",
      "10-28T22:00",
      "10-29T23:00",
      "10-30T23:00",
    ]);
  });

  test("a day begins when the clock jumps over midnight", () => {
    expect(starts(DAY, 0n, "America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-06T00:00Z")).toEqual([
      "11-03T03:00",
      "11-04T03:00",
      "11-05T02:00",
    ]);
  });

  test("a zone of half hours", () => {
    expect(starts(HOUR, 0n, "Asia/Kolkata", "2023-07-01T00:00Z", "2023-07-01T02:00Z")).toEqual([
      "06-30T23:30",
      "07-01T00:30",
      "07-01T01:30",
    ]);
  });

  test("too many windows and unknown zones are the caller's errors", () => {
    expect(() => new WindowRule(fixed(1n, 0n), null).bounds(0n, 10n ** 9n)).toThrow(InputError);
    expect(() => new WindowRule(fixed(1n, 0n), "Mars/Base")).toThrow("unable to find time zone Mars/Base");
  });

  test("ascend, hold their range and stay within the times that can be stored", () => {
    const zones = fc.constantFrom(null, "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe");
    const time = fc.oneof(
      fc.bigInt(ns("1969-01-01T00:00Z"), ns("2030-01-01T00:00Z")),
      fc.constantFrom(MIN_TIME, MAX_TIME),
    );
    fc.assert(
      fc.property(
        time,
        fc.bigInt(1n, 40n),
        fc.bigInt(-30n, 30n),
        fc.bigInt(0n, 200n),
        zones,
        (at, every, offset, length, zone) => {
          const from = at > MAX_TIME - length * HOUR ? MAX_TIME - length * HOUR : at;
          const rule = new WindowRule(fixed(every * HOUR, offset * HOUR), zone);
          const bounds = rule.bounds(from, from + length * HOUR);
          expect(bounds[0]).toBeLessThanOrEqual(from);
          expect(bounds.at(-1)).toBeGreaterThan(from + length * HOUR);
          for (let i = 1; i < bounds.length; i++) expect(bounds[i]!).toBeGreaterThan(bounds[i - 1]!);
        },
      ),
    );
  });
});

describe("months", () => {
  const monthStarts = (
    window: ReturnType<typeof calendar>,
    zone: string | null,
    from: string,
    to: string,
  ): string[] =>
    [...new WindowRule(window, zone).bounds(ns(from), ns(to) - 1n)].map((time) =>
      new Date(Number(time / 1_000_000n)).toISOString().slice(0, 16),
    );

  test("begin with the calendar's, leap years and negative times too", () => {
    expect(monthStarts(calendar(1), null, "2024-01-31T12:00Z", "2024-03-02T00:00Z")).toEqual([
      "2024-01-01T00:00",
      "2024-02-01T00:00",
      "2024-03-01T00:00",
      "2024-04-01T00:00",
    ]);
    expect(monthStarts(calendar(12), null, "1968-06-01T00:00Z", "1970-01-01T00:00Z")).toEqual([
      "1968-01-01T00:00",
      "1969-01-01T00:00",
      "1970-01-01T00:00",
    ]);
  });

  test("begin by the clock of the zone, winter and summer", () => {
    expect(monthStarts(calendar(3), "Europe/Berlin", "2023-01-01T00:00Z", "2023-07-01T00:00Z")).toEqual([
      "2022-12-31T23:00",
      "2023-03-31T22:00",
      "2023-06-30T22:00",
      "2023-09-30T22:00",
    ]);
  });

  test("move by an offset of months, days and hours", () => {
    expect(monthStarts(calendar(12, 3, 5n * DAY), null, "2023-04-05T00:00Z", "2023-04-06T01:00Z")).toEqual([
      "2022-04-06T00:00",
      "2023-04-06T00:00",
      "2024-04-06T00:00",
    ]);
  });

  test("ascend, hold their range and agree with `start`, `after` and `estimate`", () => {
    const time = fc.bigInt(ns("1700-01-01T00:00Z"), ns("2200-01-01T00:00Z"));
    const zones = fc.constantFrom(null, "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe");
    fc.assert(
      fc.property(
        ...([time, fc.bigInt(0n, 2000n), fc.integer({ min: 1, max: 30 })] as const),
        ...([fc.integer({ min: -12, max: 12 }), fc.integer({ min: -40, max: 40 }), zones] as const),
        (from, days, every, offsetMonths, hours, zone) => {
          const rule = new WindowRule(calendar(every, offsetMonths, BigInt(hours) * HOUR), zone);
          const to = from + days * DAY;
          const bounds = rule.bounds(from, to);
          expect(bounds[0]).toBeLessThanOrEqual(from);
          expect(bounds[1]).toBeGreaterThan(from);
          expect(bounds.at(-1)).toBeGreaterThan(to);
          expect(bounds.at(-2)).toBeLessThanOrEqual(to);
          expect(rule.estimate(from, to)).toBe(bounds.length - 1);
          for (let i = 1; i < bounds.length; i++) {
            expect(bounds[i]!).toBeGreaterThan(bounds[i - 1]!);
            expect(rule.start(bounds[i]!)).toBe(bounds[i]!);
            expect(rule.start(bounds[i]! - 1n)).toBe(bounds[i - 1]!);
            expect(rule.after(bounds[0]!, i)).toBe(bounds[i]!);
          }
        },
      ),
    );
  });

  test("windows at the ends of the times that can be stored", () => {
    const rule = new WindowRule(calendar(1), null);
    expect(rule.bounds(MAX_TIME - 1n, MAX_TIME).at(-1)).toBe(MAX_TIME + 1n);
    expect(rule.bounds(MIN_TIME, MIN_TIME + 1n)[0]).toBe(MIN_TIME);
  });

  test("added to a time keep its day, or take the last of the month", () => {
    const added = (text: string, months: number, zone: Zone | null) =>
      new Date(Number(addMonths(ns(text), months, zone) / 1_000_000n)).toISOString().slice(0, 16);
    expect(added("2024-01-31T05:06Z", 1, null)).toBe("2024-02-29T05:06");
    expect(added("2024-03-31T05:06Z", -1, null)).toBe("2024-02-29T05:06");
    expect(added("2024-02-29T00:00Z", -12, null)).toBe("2023-02-28T00:00");
    expect(added("1969-12-31T23:59Z", 2, null)).toBe("1970-02-28T23:59");
    expect(added("2023-01-31T23:30Z", 6, new Zone("Europe/Berlin"))).toBe("2023-07-31T22:30");
  });
});

test("a zone's distance from UTC changes at the second", () => {
  const zone = new Zone("Europe/Berlin");
  expect(zone.offsetNs(ns("2023-03-26T01:00:00Z") - 1n)).toBe(HOUR);
  expect(zone.offsetNs(ns("2023-03-26T01:00:00Z"))).toBe(2n * HOUR);
  expect(new Zone("Asia/Kathmandu").offsetNs(0n)).toBe((11n * HOUR) / 2n);
});
