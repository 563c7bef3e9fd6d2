// Bytes that no encoder wrote are refused with a typed error or give some values: no trap, no stray write, no endless loop.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PageError } from "../src/codec/page-error.ts";
import { FieldType } from "../src/model/types.ts";
import {
  bitsOf,
  decode,
  encode,
  encodeStrings,
  twoDecimals,
  uniform,
  walk,
  wrapped,
} from "./support/columns.ts";

describe("bytes that no encoder wrote", () => {
  const random = uniform(77);
  const present = Uint8Array.from({ length: 120 }, () => (random() < 0.8 ? 1 : 0));
  const words = Array.from({ length: 120 }, (_, i) => ["a", "bcd", "", "efghij"][(i * i) % 4]!);
  const lines = Array.from({ length: 120 }, (_, i) => `message number ${i} of many`);
  const pages: [string, FieldType, Uint8Array][] = [
    ["two decimals", FieldType.Float, encode(FieldType.Float, bitsOf(walk(120, 1).map(twoDecimals)), null)],
    [
      "decimals with exceptions and nulls",
      FieldType.Float,
      encode(
        FieldType.Float,
        bitsOf(walk(120, 2).map((x, i) => (i % 17 === 3 ? x : twoDecimals(x)))),
        present,
      ),
    ],
    ["full precision", FieldType.Float, encode(FieldType.Float, bitsOf(walk(120, 3)), null)],
    [
      "integers",
      FieldType.Integer,
      encode(
        FieldType.Integer,
        wrapped(walk(120, 4).map((x, i) => BigInt(Math.round(i % 31 === 7 ? x * 1e9 : x)))),
        null,
      ),
    ],
    [
      "progression",
      FieldType.Integer,
      encode(FieldType.Integer, wrapped(Array.from({ length: 120 }, (_, i) => BigInt(i) * 10n)), present),
    ],
    [
      "booleans",
      FieldType.Boolean,
      encode(FieldType.Boolean, wrapped(words.map((w) => (w === "" ? 1n : 0n))), null),
    ],
    ["dictionary", FieldType.String, encodeStrings(words, false)],
    [
      "strings, compressed",
      FieldType.String,
      encodeStrings(
        lines.map((x, i) => (present[i] ? x : null)),
        false,
      ),
    ],
  ];
  const attempt = (type: FieldType, bytes: Uint8Array) => {
    try {
      decode(type, bytes, 120);
      return "values";
    } catch (error) {
      expect(error).toBeInstanceOf(PageError);
      return "refused";
    }
  };

  for (const [name, type, bytes] of pages) {
    test(`${name}: every truncation is refused, every flipped bit is refused or gives values`, () => {
      expect(attempt(type, bytes)).toBe("values");
      for (let length = 0; length < bytes.length; length++)
        expect(attempt(type, bytes.subarray(0, length))).toBe("refused");
      for (let at = 0; at < bytes.length; at++)
        for (const mask of [0x01, 0x80, 0x10, 0xff]) {
          const flipped = bytes.slice();
          flipped[at]! ^= mask;
          attempt(type, flipped);
        }
    });
  }

  test("random bytes behind a plausible start", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          1,
          2,
          3,
          4,
          5,
          6,
          7,
          0x81,
          0x83,
          0x46,
          0xc5,
          0x21,
          0x22,
          0x23,
          0x24,
          0x27,
          0xa1,
          0xa7,
        ),
        fc.uint8Array({ maxLength: 400, size: "max" }),
        fc.constantFrom(...Object.values(FieldType)),
        (format, rest, type) => {
          attempt(type, Uint8Array.of(format, ...(format & 0x20 ? [] : [120]), ...rest));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("another type, another row count", () => {
    const [, , bytes] = pages[0]!;
    expect(attempt(FieldType.Integer, bytes)).toBe("refused");
    expect(attempt(FieldType.String, bytes)).toBe("refused");
    expect(() => decode(FieldType.Float, bytes, 121)).toThrow(PageError);
    expect(attempt(FieldType.Float, pages[3]![2])).toBe("refused");
  });
});
