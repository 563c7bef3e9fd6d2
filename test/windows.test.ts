// Window bounds: cut by UTC, by offset, and by the clock of a zone across daylight saving time (as influxd 1.6.7 cuts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { WindowRule } from "../src/query/windows.ts";
import { Zone } from "../src/query/zones.ts";

const HOUR = 3_600_000_000_000n;
const DAY = 24n * HOUR;
const ns = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n;
const iso = (time: bigint) => new Date(Number(time / 1_000_000n)).toISOString().slice(5, 16);

function starts(everyNs: bigint, offsetNs: bigint, zone: string | null, from: string, to: string): string[] {
  const bounds = new WindowRule({ everyNs, offsetNs }, zone).bounds(ns(from), ns(to) - 1n);
  return [...bounds].slice(0, -1).map(iso);
}

describe("bounds", () => {
  test("are multiples of the interval, from the window of the first time to that of the last", () => {
    const bounds = new WindowRule({ everyNs: 20n, offsetNs: 0n }, null).bounds(25n, 60n);
    expect([...bounds]).toEqual([20n, 40n, 60n, 80n]);
  });

  test("move by the offset, and stand below negative times", () => {
    const rule = new WindowRule({ everyNs: 10n, offsetNs: 3n }, null);
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
    expect(() => new WindowRule({ everyNs: 1n, offsetNs: 0n }, null).bounds(0n, 10n ** 9n)).toThrow(
      InputError,
    );
    expect(() => new WindowRule({ everyNs: 1n, offsetNs: 0n }, "Mars/Base")).toThrow(
      "unable to find time zone Mars/Base",
    );
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
          const rule = new WindowRule({ everyNs: every * HOUR, offsetNs: offset * HOUR }, zone);
          const bounds = rule.bounds(from, from + length * HOUR);
          expect(bounds[0]).toBeLessThanOrEqual(from);
          expect(bounds.at(-1)).toBeGreaterThan(from + length * HOUR);
          for (let i = 1; i < bounds.length; i++) expect(bounds[i]!).toBeGreaterThan(bounds[i - 1]!);
        },
      ),
    );
  });
});

test("a zone's distance from UTC changes at the second", () => {
  const zone = new Zone("Europe/Berlin");
  expect(zone.offsetNs(ns("2023-03-26T01:00:00Z") - 1n)).toBe(HOUR);
  expect(zone.offsetNs(ns("2023-03-26T01:00:00Z"))).toBe(2n * HOUR);
  expect(new Zone("Asia/Kathmandu").offsetNs(0n)).toBe((11n * HOUR) / 2n);
});
