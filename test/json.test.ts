import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import { parseJson } from "../src/ingest/json.ts";
import { JsonReader } from "../src/ingest/jsontext.ts";
import { openBatch } from "../src/model/batchview.ts";
import { parseRfc3339 } from "../src/model/timetext.ts";
import { FieldType, type TimeUnit } from "../src/model/types.ts";

const text = new TextDecoder();

function parse(body: string | Uint8Array, precision: TimeUnit = "ns", type?: FieldType) {
  const parsed = parseJson(body, { database: "db", precision, nowNs: 5_123_456_789n, typeOf: () => type });
  const rows = openBatch(parsed.batch).tables.flatMap((table) =>
    [...table.rows()].map((row) => ({
      key: text.decode(table.seriesKey(row.series)),
      time: row.time,
      fields: Object.fromEntries(
        row.values.flatMap((value, i) =>
          value === undefined
            ? []
            : [
                [
                  text.decode(table.fields[i]!.name),
                  value instanceof Uint8Array ? text.decode(value) : value,
                ],
              ],
        ),
      ),
    })),
  );
  expect(parsed.rows).toBe(rows.length);
  expect(parsed.errorCount).toBe(parsed.errors.length);
  return { rows, errors: parsed.errors.map(({ text }) => text) };
}

test("both shapes of a point, alone, in an array, and as NDJSON", () => {
  const one =
    '{"measurement":"m","tags":{"b":"x y","a":7},"fields":{"f":1,"s":"é","t":true,"n":null},"time":3}';
  const two =
    '{"metric":"w","tags":{"location":"HELSINKI"},"value":-1.5,"timestamp":"1970-01-01T00:00:00.000000004Z"}';
  const rows = [
    { key: "m,a=7,b=x\\ y", time: 3n, fields: { f: 1, s: "é", t: true } },
    { key: "w,location=HELSINKI", time: 4n, fields: { value: -1.5 } },
  ];
  expect(parse(one)).toEqual({ rows: [rows[0]!], errors: [] });
  expect(parse(JSON.stringify(JSON.parse(two), null, 2))).toEqual({ rows: [rows[1]!], errors: [] });
  expect(parse(` [${one},\n${two} ] `)).toEqual({ rows, errors: [] });
  expect(parse(`${one}\r\n\n${two}\n`)).toEqual({ rows, errors: [] });
  expect(parse(new TextEncoder().encode(`${one}\n${two}`))).toEqual({ rows, errors: [] });
  expect(parse("[]")).toEqual({ rows: [], errors: [] });
});

test("times: units, text, RFC 3339, now", () => {
  const time = (value: string, precision?: TimeUnit) =>
    parse(`{"measurement":"m","fields":{"f":1}${value === "" ? "" : `,"time":${value}`}}`, precision).rows[0]!
      .time;
  expect(time("1700000000", "s")).toBe(1700000000000000000n);
  expect(time("1700000000123456789")).toBe(1700000000123456789n);
  expect(time('"1700000000123456789"')).toBe(1700000000123456789n);
  expect(time('"2023-11-14T23:13:20.123456789+01:00"')).toBe(1700000000123456789n);
  expect(time("-1", "h")).toBe(-3_600_000_000_000n);
  expect(time("", "s")).toBe(5_000_000_000n);
  expect(time("null", "ms")).toBe(5_123_000_000n);
});

test("integers beyond 2^53 are kept exactly in fields of integers", () => {
  const field = (value: string) =>
    parse(`{"measurement":"m","fields":{"f":${value}}}`, "ns", FieldType.Integer).rows[0]!.fields["f"];
  expect(field("9007199254740993")).toBe(9007199254740993n);
  expect(field("-9223372036854775807")).toBe(-9223372036854775807n);
  expect(field("18446744073709551615")).toBe(18446744073709551615n);
  expect(field("9007199254740992")).toBe(9007199254740992);
  expect(field("1e20")).toBe(1e20);
  expect(field("100000000000000000000")).toBe(1e20);
  expect(field("5")).toBe(5);
});

test("and refused where the field is a float or new: how large a number is makes no type", () => {
  const body =
    '[{"metric":"m","value":9007199254740993},{"measurement":"m","fields":{"a":1,"f":9007199254740993}},{"metric":"m","value":1}]';
  for (const [type, reason] of [
    [
      undefined,
      "a number makes a new field a float: write the field's first value as line protocol (9007199254740993i)",
    ],
    [FieldType.Float, "the field's type"],
  ] as const) {
    const { rows, errors } = parse(body, "ns", type);
    expect(rows.map((row) => row.fields)).toEqual([{ value: 1 }]);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toContain(reason);
    expect(errors[0]).toStartWith("[0].value: 9007199254740993 has no exact float");
    expect(errors[1]).toStartWith("[1].fields.f: 9007199254740993 has no exact float");
  }
  const parsed = parseJson(body, { database: "db", nowNs: 0n, typeOf: () => undefined });
  expect(parsed.unknown).toEqual([
    ["m", "value"],
    ["m", "f"],
  ]);
});

test("floats as JSON.stringify prints them are floats; into a field of integers their digits go", () => {
  const floats = [
    1e18 / 3,
    2 ** 64 * 1.1,
    1e20 / 3,
    1e17 + 16,
    1e16 + 2,
    6.02214076e20,
    -1e18 / 3,
    2 ** 53 + 2,
  ];
  const body = JSON.stringify(
    floats.map((value) => ({ measurement: "m", fields: { f: value }, value: undefined })),
  );
  for (const type of [undefined, FieldType.Float]) {
    const { rows, errors } = parse(body, "ns", type);
    expect(errors).toEqual([]);
    expect(rows.map((row) => row.fields)).toEqual(floats.map((f) => ({ f })));
  }
  const { rows } = parse(
    JSON.stringify([{ measurement: "m", fields: { f: 1e18 / 3 } }]),
    "ns",
    FieldType.Integer,
  );
  expect(rows.map((row) => row.fields)).toEqual([{ f: 333333333333333300n }]);
});

test("errors name the index and the path, and the good points are kept", () => {
  const good = '{"measurement":"m","fields":{"f":1},"time":1}';
  const cases: [string, string][] = [
    [
      '{"measurement":"m","fields":{"temp":[1]}}',
      ".fields.temp: expected a number, boolean or string, found an array",
    ],
    [
      '{"measurement":"m","fields":{"temp":100000000000000000001}}',
      ".fields.temp: 100000000000000000001 fits neither",
    ],
    ['{"measurement":7,"fields":{"f":1}}', ".measurement: expected a string, found a number"],
    ['{"fields":{"f":1}}', ".measurement: missing"],
    ['{"measurement":"","fields":{"f":1}}', ".measurement: is empty"],
    ['{"measurement":"m","metric":"m","value":1}', '.metric: stands beside "measurement"'],
    ['{"measurement":"m","fields":{}}', ".fields: a point needs at least one field"],
    ['{"measurement":"m","fields":{"f":null}}', ".fields: a point needs"],
    ['{"measurement":"m"}', ".fields: missing"],
    ['{"measurement":"m","fields":{"f":1},"tag":{"a":"b"}}', ".tag: unknown key"],
    ['{"measurement":"m","tags":{"a":{}},"value":1}', ".tags.a: expected a string, found an object"],
    ['{"measurement":"m","tags":{"time":"1"},"value":1}', ": invalid tag key"],
    ['{"measurement":"m","value":1,"time":1.5}', ".time: expected an integer or RFC 3339 text, found 1.5"],
    [
      '{"measurement":"m","value":1,"time":"soon"}',
      '.time: expected an integer or RFC 3339 text, found "soon"',
    ],
    [
      '{"measurement":"m","value":1,"timestamp":9223372036854775807}',
      ".timestamp: 9223372036854775807 is outside",
    ],
    ['{"measurement":"m","value":1,"time":"9999-01-01T00:00:00Z"}', ".time: 9999-01-01T00:00:00Z is outside"],
    ["[1]", ": expected a point object, found an array"],
    ["null", ": expected a point object, found null"],
  ];
  for (const [bad, message] of cases) {
    const { rows, errors } = parse(`[${good},${bad},${good}]`);
    expect(rows).toHaveLength(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toStartWith(`[1]${message}`);
  }
  expect(parse(cases[0]![0]).errors).toEqual([cases[0]![1].slice(1)]);
});

test("NDJSON: a wrong line is refused alone and named", () => {
  const good = '{"measurement":"m","fields":{"f":1},"time":1}';
  const { rows, errors } = parse(`${good}\n{"measurement": nope}\n{"metric":"m"}\n${good}\n{`);
  expect(rows).toHaveLength(2);
  expect(errors).toEqual([
    'line 2: invalid JSON at column 17: no value starts with "n"',
    "line 3: fields: missing",
    "line 5: invalid JSON at column 2: expected a key in quotes",
  ]);
  expect(parse(`garbage\n${good}`).errors).toHaveLength(1);
});

test("text that is not JSON says where", () => {
  const cases: [string, RegExp][] = [
    ["", /the body is empty/],
    ["  \n", /the body is empty/],
    ["nope", /line 1, column 1: no value starts with "n"/],
    ['{"measurement":"m",\n "fields":{"f":01}}', /line 2, column 17/],
    ['[{"a":1}', /expected "\]" or a comma in an array, found the end/],
    ['[{"a":1}] x', /line 1, column 11: "x" after the end/],
    ['["a\tb"]', /control character/],
    ['["\\x"]', /no escape/],
    ['["\\u12"]', /four hexadecimal/],
    ["[1e999]", /too large/],
    ["[".repeat(100), /nested deeper/],
    ['["abc', /a string has no end/],
  ];
  for (const [body, message] of cases) {
    expect(() => parse(body)).toThrow(message);
    expect(() => parse(body)).toThrow(InputError);
  }
  expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/UTF-8/);
});

test("the reader agrees with JSON.parse on every JSON and refuses what it refuses", () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", "}", "1", '"', ",", "\\", "e"),
      (json, place, insert) => {
        const at = place % (json.length + 1);
        for (const source of [json, json.slice(0, at) + insert + json.slice(at), json.slice(0, at)]) {
          let expected: unknown;
          let fails = false;
          try {
            expected = JSON.parse(source);
          } catch {
            fails = true;
          }
          const read = () => {
            const reader = new JsonReader(source);
            const value = reader.value();
            reader.end();
            return value;
          };
          // what is kept more exactly than JSON.parse does is the one difference
          const seen = (value: unknown) =>
            JSON.stringify(value, (_, v) => (typeof v === "bigint" ? Number(v) : v));
          if (fails) expect(read).toThrow(InputError);
          else if (!/[0-9]e\+?[0-9]{3}/.test(source)) expect(seen(read())).toBe(seen(expected));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("RFC 3339", () => {
  expect(parseRfc3339("2024-02-29T12:00:00Z")).toBe(BigInt(Date.UTC(2024, 1, 29, 12)) * 1_000_000n);
  expect(parseRfc3339("0001-01-01t00:00:00z")).toBe(-62135596800_000_000_000n);
  expect(parseRfc3339("1970-01-01T00:00:00.5-00:30")).toBe(1800_500_000_000n);
  for (const bad of [
    "2023-02-29T12:00:00Z",
    "2024-01-10",
    "2024-01-10T12:00:00",
    "2024-13-01T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:00.1234567890Z",
    "2024-01-01T00:00:00+1:00",
  ])
    expect(parseRfc3339(bad)).toBeUndefined();
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true, min: new Date(0, 0), max: new Date(8e15) }), (date) => {
      if (date.getUTCFullYear() > 9999) return;
      expect(parseRfc3339(date.toISOString())).toBe(BigInt(date.getTime()) * 1_000_000n);
    }),
  );
});
