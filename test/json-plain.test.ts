// Plain JSON by way of the kernels says what the reader in TypeScript says, and nothing is plain that it would refuse.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import { parseJson } from "../src/ingest/json.ts";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { openBatch } from "../src/model/batchview.ts";
import type { TimeUnit } from "../src/model/types.ts";

const kernels = new Kernels();
const parser = new LineParser(kernels);
const text = new TextDecoder("utf-8", { ignoreBOM: true });

function rowsOf(batch: Uint8Array): string[] {
  return openBatch(batch).tables.flatMap((table) =>
    [...table.rows()].map(({ series, time, values }) => {
      const cells = values.flatMap((value, i) => {
        const shown = value instanceof Uint8Array ? text.decode(value) : Object.is(value, -0) ? "-0" : value;
        return value === undefined ? [] : [`${text.decode(table.fields[i]!.name)}:${typeof value}=${shown}`];
      });
      return `${text.decode(table.seriesKey(series))} ${cells.sort().join(" ")} ${time}`;
    }),
  );
}

const context = (precision: TimeUnit) => ({ database: "db", precision, nowNs: 5_123_456_789n });

/** null: not plain. */
function byKernel(body: Uint8Array, precision: TimeUnit): string[] | null {
  const parsed = parser.parsePlainJson(body, context(precision));
  if (parsed === null) return null;
  const rows = rowsOf(kernels.view(parsed.batch, parsed.batchBytes).slice());
  expect(parsed.rows).toBe(rows.length);
  parsed.free();
  return rows;
}

/** The rows, or why the body is refused. */
function byReader(body: Uint8Array, precision: TimeUnit): string[] | string {
  try {
    const parsed = parseJson(body, { ...context(precision), typeOf: () => undefined });
    return parsed.errorCount > 0 ? parsed.errors.map(({ text }) => text).join("; ") : rowsOf(parsed.batch);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}

const bytes = (body: string) => new TextEncoder().encode(body);

const plain: readonly string[] = [
  '{"measurement":"m","tags":{"host":"a"},"fields":{"v":1.5},"time":7}',
  '{"metric":"m","value":1}',
  '{"metric":"m","tags":{},"value":"text, with = and \'","timestamp":-12}',
  ' { "time" : 1 , "fields" : { "b" : true , "a" : false , "e" : -1.5E+3 } , "tags" : { "z" : "1" , "a" : "2" } , "measurement" : "m" } \n',
  '{"measurement":"a b,c=d","tags":{"k ,=":"v ,="},"fields":{"f ,=":0},"time":1}',
  '{"measurement":"ä€😀","tags":{"ü":"\u{feff}ö"},"fields":{"ñ":"é"}}',
  '[{"metric":"m","value":1},\n{"metric":"n","value":2},{"metric":"m","value":-0}]',
  '{"metric":"m","value":1}\n{"metric":"n","value":2}\r\n\n{"metric":"m","value":3} \n',
  '{"metric":"m","value":123456789012345}',
  '{"metric":"m","value":1234567890123456789.0,"time":9223372036854775806}',
  '{"measurement":"m","fields":{"time":1,"v":2}}',
  '{"measurement":"m","fields":{"v":1,"v":"x"}}',
  '[{"metric":"m","value":1},{"metric":"m","value":true}]',
];

for (const body of plain)
  test(`plain: ${JSON.stringify(body)}`, () => {
    const rows = byKernel(bytes(body), "ns");
    expect(rows).not.toBeNull();
    expect(rows).toEqual(byReader(bytes(body), "ns") as string[]);
  });

const others: readonly string[] = [
  "",
  "[]",
  "{}",
  "#",
  '{"metric":"m","value":1',
  '{"metric":"m","value":1}}',
  '{"metric":"m","value":1},',
  '{"metric":"m","value":1}{"metric":"m","value":1}',
  '{"metric":"m","value":1} {"metric":"m","value":1}',
  '{"metric":"m","value":1}\n {"metric":"m","value":1}',
  '{"metric":"m",\n"value":1}\n{"metric":"m","value":1}',
  '[{"metric":"m","value":1},]',
  '[{"metric":"m","value":1}]\n{"metric":"m","value":1}',
  '{"metric":"","value":1}',
  '{"metric":"#m","value":1}',
  '{"metric":"m\\u0041","value":1}',
  '{"metric":"m\t","value":1}',
  '{"metric":"m","metric":"n","value":1}',
  '{"metric":"m","measurement":"n","value":1}',
  '{"metric":"m","value":1,"fields":{"a":1}}',
  '{"metric":"m","value":01}',
  '{"metric":"m","value":1.}',
  '{"metric":"m","value":.5}',
  '{"metric":"m","value":+1}',
  '{"metric":"m","value":1e}',
  '{"metric":"m","value":1e400}',
  '{"metric":"m","value":1i}',
  '{"metric":"m","value":tru}',
  '{"metric":"m","value":null}',
  '{"metric":"m","value":1234567890123456}',
  '{"metric":"m","value":1,"time":1.5}',
  '{"metric":"m","value":1,"time":01}',
  '{"metric":"m","value":1,"time":9223372036854775807}',
  '{"metric":"m","value":1,"time":12345678901234567890}',
  '{"metric":"m","value":1,"time":"2020-01-01T00:00:00Z"}',
  '{"metric":"m","value":1,"other":1}',
  '{"metric":"m","value":[1]}',
  '{"measurement":"m","fields":{}}',
  '{"measurement":"m","fields":{"":1}}',
  '{"measurement":"m","fields":{"time":1}}',
  '{"measurement":"m","fields":{"a":{"b":1}}}',
  '{"measurement":"m","fields":{"a":1,}}',
  '{"measurement":"m","fields":{"a":1},"tags":{"t":""}}',
  '{"measurement":"m","fields":{"a":1},"tags":{"t":1}}',
  '{"measurement":"m","fields":{"a":1},"tags":{"time":"x"}}',
  '{"measurement":"m","fields":{"a":1},"tags":{"t":"x","t":"y"}}',
  '\u{feff}{"metric":"m","value":1}',
];

for (const body of others)
  test(`left to the reader: ${JSON.stringify(body)}`, () => expect(byKernel(bytes(body), "ns")).toBeNull());

test("bytes that are not UTF-8 are left to the reader", () => {
  const body = Buffer.concat([bytes('{"metric":"m'), new Uint8Array([0xff]), bytes('","value":1}')]);
  expect(byKernel(body, "ns")).toBeNull();
});

test("points that spread over too many fields for lines are left to the reader", () => {
  const points = Array.from({ length: 70_000 }, (_, i) => `{"measurement":"m","fields":{"f${i}":1}}`);
  expect(byKernel(bytes(`[${points.join(",")}]`), "ns")).toBeNull();
});

const goodName = fc.constantFrom(
  "a",
  "m",
  "value",
  "tags",
  "a b",
  "x,y",
  "k=v",
  "ä€😀",
  "\u{feff}",
  "i",
  "#",
);
const name = fc.oneof(goodName, fc.constantFrom("time", ""), fc.string({ maxLength: 40 }));
const goodNumber = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 1e-7),
);
const number = fc.oneof(goodNumber, fc.maxSafeInteger());
const scalar = fc.oneof(number, fc.boolean(), fc.string({ maxLength: 30 }), fc.constant(null));
const point = fc.record(
  {
    measurement: name,
    metric: name,
    tags: fc.dictionary(name, fc.oneof(name, scalar), { maxKeys: 5 }),
    fields: fc.dictionary(name, scalar, { minKeys: 1, maxKeys: 5 }),
    value: scalar,
    time: fc.oneof(fc.maxSafeInteger(), number),
  },
  { requiredKeys: [] },
);
const good = fc.record(
  {
    measurement: goodName,
    tags: fc.dictionary(goodName, goodName, { maxKeys: 4 }),
    fields: fc.dictionary(goodName, fc.oneof(goodNumber, fc.boolean(), goodName), { minKeys: 1, maxKeys: 4 }),
    time: fc.maxSafeInteger(),
  },
  { requiredKeys: ["measurement", "fields"] },
);
const body = fc
  .tuple(
    fc.oneof(
      fc.array(good, { minLength: 1, maxLength: 4 }),
      fc.array(fc.oneof(good, point), { minLength: 1, maxLength: 3 }),
    ),
    fc.constantFrom("[", "\n", "\r\n", "\n\n", " "),
    fc.constantFrom(0, 0, 1),
  )
  .map(([points, separator, indent]) =>
    separator === "["
      ? JSON.stringify(points, null, indent)
      : points.map((each) => JSON.stringify(each, null, indent)).join(separator),
  );
const change = fc.record({
  at: fc.nat(),
  cut: fc.nat(2),
  put: fc.constantFrom(
    "",
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "\n",
    " ",
    "0",
    "1",
    ".",
    "e",
    "-",
    "null",
  ),
});

test("of bodies of every kind, whole and broken: what is plain is read the same", () => {
  let plainBodies = 0;
  fc.assert(
    fc.property(
      body,
      fc.oneof(fc.constant([]), fc.array(change, { maxLength: 2 })),
      fc.constantFrom<TimeUnit>("ns", "ms", "s"),
      (whole, changes, precision) => {
        let changed = whole;
        for (const { at, cut, put } of changes) {
          const start = at % (changed.length + 1);
          changed = changed.slice(0, start) + put + changed.slice(start + cut);
        }
        const rows = byKernel(bytes(changed), precision);
        if (rows === null) return;
        plainBodies++;
        expect(rows).toEqual(byReader(bytes(changed), precision) as string[]);
      },
    ),
    { numRuns: 20_000 },
  );
  expect(plainBodies).toBeGreaterThan(2000);
});

test("numbers and times in every spelling: what is plain is read the same", () => {
  const digits = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength });
  const optional = (text: fc.Arbitrary<string>) => fc.oneof(fc.constant(""), text);
  const spelled = fc
    .tuple(
      fc.constantFrom("", "", "-"),
      digits(24).map((text) => text.replace(/^0+(?=.)/, "")),
      optional(digits(40).map((text) => `.${text}`)),
      optional(fc.tuple(fc.constantFrom("e", "E", "e-", "e+"), digits(3)).map((parts) => parts.join(""))),
    )
    .map((parts) => parts.join(""));
  let plainBodies = 0;
  fc.assert(
    fc.property(
      spelled,
      fc.oneof(spelled, digits(20)),
      fc.constantFrom<TimeUnit>("ns", "us", "ms", "s", "m", "h"),
      (value, time, precision) => {
        const body = bytes(`{"metric":"m","value":${value},"time":${time}}`);
        const rows = byKernel(body, precision);
        if (rows === null) return;
        plainBodies++;
        expect(rows).toEqual(byReader(body, precision) as string[]);
      },
    ),
    { numRuns: 20_000 },
  );
  expect(plainBodies).toBeGreaterThan(1000);
});
