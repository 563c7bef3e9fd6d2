// Line protocol against what a real influxd (1.6.7) answered: test/observed/line-protocol.json holds its
// transcripts.
import { expect, test } from "bun:test";
import { InputError, OverloadedError } from "../src/base/errors.ts";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { openBatch } from "../src/model/batchview.ts";
import { decodeSeriesKey } from "../src/model/serieskey.ts";
import type { TimeUnit } from "../src/model/types.ts";
import observed from "./observed/line-protocol.json";

const kernels = new Kernels();
const parser = new LineParser(kernels);
const text = new TextDecoder();

interface Row {
  measurement: string;
  tags: Record<string, string>;
  time: bigint;
  fields: Record<string, number | bigint | boolean | string>;
}

function parse(body: string | Uint8Array, precision?: TimeUnit, nowNs = 1_999_999_999n) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const parsed = parser.parse(bytes, { database: "db", nowNs, ...(precision ? { precision } : {}) });
  const batch = openBatch(kernels.view(parsed.batch, parsed.batchBytes).slice());
  parsed.free();
  expect(batch.rowCount).toBe(parsed.rows);
  const rows = batch.tables.flatMap((table) =>
    [...table.rows()].map((row): Row => {
      const key = decodeSeriesKey(table.seriesKey(row.series));
      const fields: Row["fields"] = {};
      for (const [i, value] of row.values.entries())
        if (value !== undefined)
          fields[text.decode(table.fields[i]!.name)] =
            value instanceof Uint8Array ? text.decode(value) : value;
      return {
        measurement: key.measurement,
        tags: Object.fromEntries(key.tags.map(({ key, value }) => [key, value])),
        time: row.time,
        fields,
      };
    }),
  );
  return { rows, errors: parsed.errors, errorCount: parsed.errorCount };
}

// where serie does better than influxd, on purpose: what it says instead (null = the line is good)
const better: Record<string, string | null> = {
  "m f=1u 1700000000000000000": null,
  "m f=1 1700000000000000000\r\n": null,
  "m f=1\r\n": null,
  'm f="x"\r\n': null,
  'm f="a"b 1700000000000000000': "invalid field format",
  "m f=1,f=2i 1700000000000000000": null,
  "m f=1 1700000000000000000\nm f=2i 1700000001000000000\nm g=3 1700000002000000000": null,
  "m time=1 1700000000000000000": 'invalid field name: input field "time" on measurement "m" is invalid',
  "m,time=1 f=2 1700000000000000000": 'invalid tag key: input tag "time" on measurement "m" is invalid',
};

for (const { body, params, status, error, rows } of observed) {
  if ("consistency" in params || "rp" in params) continue;
  if ("precision" in params && params.precision === "us") continue; // 1.6.7 takes what it does not know for ns
  test(`as observed: ${JSON.stringify(body)} ${JSON.stringify(params)}`, () => {
    const precision = (params as { precision?: string }).precision || undefined;
    const parsed = parse(
      Uint8Array.from(body, (char) => char.charCodeAt(0)),
      precision as TimeUnit | undefined,
    );
    const instead = better[body];
    if (instead !== undefined) {
      expect(parsed.errors.map((e) => e.reason)).toEqual(instead === null ? [] : [instead]);
      return;
    }
    if (status === 204) expect(parsed.errors).toEqual([]);
    else {
      const said = parsed.errors.map((e) => e.message.replace(/ at line \d+$/, "")).join("\n");
      expect(error!.replace(/^partial write: /, "").replace(/ dropped=\d+$/, "")).toBe(said);
      expect(parsed.errorCount).toBe(error!.split("\n").length);
    }
    if (rows === null) return;
    // the last row of each time has all that influxd shows of it, a missing one is its own time
    const merged = new Map<bigint, Record<string, unknown>>();
    for (const row of parsed.rows)
      merged.set(row.time, { ...merged.get(row.time), ...row.tags, ...row.fields });
    const shown = rows.values.map((values) => {
      const cells = values.slice(1).map((value, i) => [rows.columns[i + 1], value] as const);
      return Object.fromEntries(cells.filter(([, value]) => value !== null));
    });
    const held = [...merged.values()];
    expect(held).toHaveLength(shown.length);
    for (const [i, row] of shown.entries())
      for (const [name, value] of Object.entries(row)) expect(String(held[i]![name!])).toBe(String(value));
    for (const [i, row] of held.entries())
      expect(Object.keys(row).sort()).toEqual(Object.keys(shown[i]!).sort());
    const stamped = / -?\d+\s*$/.test(body.split("\n").at(-1)!.trimEnd()) || / \d{10,}/.test(body);
    if (stamped)
      expect([...merged.keys()].map(String)).toEqual(rows.values.map((values) => String(values[0])));
  });
}

test("a wrong line is taken back whole, named, and the next goes on", () => {
  const { rows, errors } = parse(
    'm,t=1 f=1,g="x" 1\nm,t=2 f=2,h=3,g="y",f=bad 2\n\n# c\nn f=1 x\r\nm,t=1 f=3 3',
  );
  expect(rows).toEqual([
    { measurement: "m", tags: { t: "1" }, time: 1n, fields: { f: 1, g: "x" } },
    { measurement: "m", tags: { t: "1" }, time: 3n, fields: { f: 3 } },
  ]);
  expect(errors.map((e) => [e.lineNumber, e.offset, e.length, e.message])).toEqual([
    [2, 18, 27, `unable to parse 'm,t=2 f=2,h=3,g="y",f=bad 2': invalid boolean at line 2`],
    [5, 51, 7, "unable to parse 'n f=1 x': bad timestamp at line 5"],
  ]);
});

test("a line number counts the newlines inside strings too", () => {
  const { rows, errors } = parse('m f="a\nb\n" 1\nbad\nm f="\n" x\nbad');
  expect(rows).toHaveLength(1);
  expect(errors.map((e) => [e.lineNumber, e.reason])).toEqual([
    [4, "missing fields"],
    [5, "bad timestamp"],
    [7, "missing fields"],
  ]);
});

test("a field with two types in one batch has two columns, and a row has a value in one of them", () => {
  const { rows } = parse(
    "m f=1 1\nm f=2i 2\nm f=3,f=4i,f=5 3\nm f=6i,f=7,f=8i 4\nm g=1 5\nm f=t 6\nm f=1,f=x 7\nm f=2 7",
  );
  expect(rows.map((row) => row.fields)).toEqual([
    { f: 1 },
    { f: 2n },
    { f: 5 },
    { f: 8n },
    { g: 1 },
    { f: true },
    { f: 2 },
  ]);
});

test("one series in many raw forms is one series, with its tags sorted by their unescaped bytes", () => {
  const bytes = new TextEncoder().encode(
    "m,b=1,a=2 f=1 1\nm,a=2,b=1 f=2 2\nm,b=1,a=2 f=3 3\nm,a\\ x=1,a!=2,a=3 f=1 4\n",
  );
  const parsed = parser.parse(bytes, { database: "db", nowNs: 0n });
  const table = openBatch(kernels.view(parsed.batch, parsed.batchBytes).slice()).tables[0]!;
  parsed.free();
  expect([...table.rowSeries]).toEqual([0, 0, 0, 1]);
  expect([0, 1].map((i) => text.decode(table.seriesKey(i)))).toEqual(["m,a=2,b=1", "m,a=3,a\\ x=1,a!=2"]);
});

test("many tags in any order are sorted", () => {
  const names = Array.from({ length: 5000 }, (_, i) => `k${(i * 7919) % 5000}`);
  const { rows } = parse(`m,${names.map((name) => `${name}=v`).join(",")} f=1 1`);
  expect(Object.keys(rows[0]!.tags)).toEqual(names.toSorted());
  expect(parse(`m,${[...names, "k17"].map((name) => `${name}=v`).join(",")} f=1 1`).errors[0]!.reason).toBe(
    "duplicate tags",
  );
});

test("keys up to 65,535 bytes", () => {
  expect(parse(`m,t=${"x".repeat(65531)} f=1 1`).rows).toHaveLength(1);
  const { errors } = parse(`m,t=${"x".repeat(65532)} f=1 1\n${"m".repeat(70000)} f=1`);
  expect(errors.map((e) => e.reason)).toEqual(["max key length exceeded", "max key length exceeded"]);
  expect(errors[0]!.message.length).toBeLessThan(300);
});

test("times: precision, now, and the limits", () => {
  const times = (body: string, precision?: TimeUnit, now?: bigint) =>
    parse(body, precision, now).rows.map((row) => row.time);
  expect(times("m f=1", "s", 1_999_999_999n)).toEqual([1_000_000_000n]);
  expect(times("m f=1", "ms", -1n)).toEqual([-1_000_000n]);
  expect(times("m f=1 -3", "m")).toEqual([-180_000_000_000n]);
  expect(times("m f=1 9223372036\nm f=1 -9223372036", "s")).toEqual([
    9223372036000000000n,
    -9223372036000000000n,
  ]);
  expect(times("m f=1 000000000000000000000000000005")).toEqual([5n]);
  expect(
    parse("m f=1 9223372037\nm f=1 -\nm f=1 9999999999999999999999", "s").errors.map((e) => e.reason),
  ).toEqual([
    "time outside range -9223372036854775806 - 9223372036854775806",
    'strconv.ParseInt: parsing "-": invalid syntax',
    'strconv.ParseInt: parsing "9999999999999999999999": value out of range',
  ]);
});

test("integers at their limits", () => {
  const { rows, errors } = parse(
    "m a=18446744073709551615u,b=-9223372036854775808i,c=0u,d=00000000000000000000000000000000012i 1\nm a=18446744073709551616u 1\nm a=-1u 1",
  );
  expect(rows.map((row) => row.fields)).toEqual([
    { a: 18446744073709551615n, b: -9223372036854775808n, c: 0n, d: 12n },
  ]);
  expect(errors.map((e) => e.reason)).toEqual([
    'unable to parse unsigned 18446744073709551616: strconv.ParseUint: parsing "18446744073709551616": value out of range',
    'unable to parse unsigned -1: strconv.ParseUint: parsing "-1": invalid syntax',
  ]);
});

test("every spelling of the booleans, and none but those", () => {
  for (const word of ["t", "T", "true", "True", "TRUE"])
    expect(parse(`m f=${word}`).rows[0]!.fields).toEqual({ f: true });
  for (const word of ["f", "F", "false", "False", "FALSE"])
    expect(parse(`m f=${word}`).rows[0]!.fields).toEqual({ f: false });
  for (const word of [
    "tr",
    "truE",
    "TRUe",
    "tRue",
    "TrUE",
    "truee",
    "fals",
    "faLse",
    "FALSe",
    "falsee",
    "x",
    "y",
    "Tf",
  ])
    expect(parse(`m f=${word}`).errors.map((e) => e.reason)).toEqual(["invalid boolean"]);
});

test("memory: what a parse leaves is the body's scratch and the batch", () => {
  parse("m f=1");
  const before = kernels.usedBytes;
  const lines = Array.from({ length: 20000 }, (_, i) => `m${i % 300},t=${i} f${i % 700}=${i},g="${i}"`).join(
    "\n",
  );
  expect(parse(lines).rows).toHaveLength(20000);
  expect(parse(lines).errors).toHaveLength(0);
  parser.close();
  expect(kernels.usedBytes).toBeLessThanOrEqual(before);
});

test("a body whose batch would be far larger than itself is refused, and nothing stays", () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `m f${i}=1 1`).join("\n");
  expect(() => parse(lines)).toThrow(InputError);
  parser.close();
  expect(kernels.usedBytes).toBe(0);
});

test("running out of linear memory is an OverloadedError, and the parser goes on", () => {
  const small = new Kernels();
  const one = new LineParser(small);
  const held: number[] = [];
  // hold the memory, in areas that are never touched
  for (let size = 1 << 30; size >= 1 << 16; size >>= 1)
    for (;;) {
      const area = small.call.areaAlloc(size) >>> 0;
      if (area === 0) break;
      held.push(area);
    }
  const last = held.splice(-3);
  for (const area of last) small.free(area);
  const body = new TextEncoder().encode(Array.from({ length: 2000 }, (_, i) => `m f${i}=1`).join("\n"));
  expect(() => one.parse(body, { database: "db", nowNs: 0n })).toThrow(OverloadedError);
  for (const area of held) small.free(area);
  expect(one.parse(body, { database: "db", nowNs: 0n }).rows).toBe(2000);
});
