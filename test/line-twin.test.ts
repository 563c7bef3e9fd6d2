// The kernel and its plain twin (test/twin/line.ts) say the same of every body: valid, mutated, cut and random
// ones.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { openBatch } from "../src/model/batchview.ts";
import { fieldTypeNames, type TimeUnit, unitNs } from "../src/model/types.ts";
import { parseLinesPlainly } from "./twin/line.ts";

const kernels = new Kernels();
const parser = new LineParser(kernels);

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** Rows by measurement, in arrival order, as text that shows every bit. */
type Rows = Map<string, string[]>;

function show(key: string, time: bigint, fields: [string, string, unknown][]): string {
  const cells = fields.map(
    ([name, type, value]) => `${name}:${type}=${Object.is(value, -0) ? "-0" : String(value)}`,
  );
  return `${key} ${cells.sort().join(" ")} ${time}`;
}

function byKernel(text: string, nowNs: bigint, precision: TimeUnit) {
  const parsed = parser.parse(Buffer.from(text, "latin1"), { database: "db", nowNs, precision });
  const batch = openBatch(kernels.view(parsed.batch, parsed.batchBytes).slice());
  parsed.free();
  const rows: Rows = new Map();
  for (const table of batch.tables) {
    const list: string[] = [];
    for (const row of table.rows()) {
      const fields = row.values.flatMap((value, i): [string, string, unknown][] => {
        const field = table.fields[i]!;
        if (value === undefined) return [];
        return [
          [
            latin1(field.name),
            fieldTypeNames[field.type],
            value instanceof Uint8Array ? latin1(value) : value,
          ],
        ];
      });
      list.push(show(latin1(table.seriesKey(row.series)), row.time, fields));
    }
    rows.set(latin1(table.measurement), list);
  }
  const errors = parsed.errors.map(({ lineNumber, offset, length, reason }) => ({
    lineNumber,
    offset,
    length,
    reason,
  }));
  return { rows, errors, errorCount: parsed.errorCount };
}

function byTwin(text: string, nowNs: bigint, precision: TimeUnit) {
  const parsed = parseLinesPlainly(text, nowNs, unitNs[precision]);
  const rows: Rows = new Map();
  for (const row of parsed.rows) {
    const list = rows.get(row.measurement) ?? [];
    list.push(
      show(
        row.key,
        row.time,
        [...row.fields].map(([name, [type, value]]) => [name, type, value]),
      ),
    );
    rows.set(row.measurement, list);
  }
  // messages are made of UTF-8, the twin's of bytes
  const errors = parsed.errors.slice(0, 100).map((error) => ({
    ...error,
    reason: Buffer.from(error.reason, "latin1").toString("utf8"),
  }));
  return { rows, errors, errorCount: parsed.errors.length };
}

function agree(text: string, nowNs = -1_234_567_890_123n, precision: TimeUnit = "ns"): void {
  const kernel = byKernel(text, nowNs, precision);
  const twin = byTwin(text, nowNs, precision);
  if (!Bun.deepEquals(kernel, twin)) expect(kernel).toEqual(twin);
}

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "c",
    "host",
    "region",
    "time",
    "usage_guest_nice_longer",
    "é",
    "x\\,y",
    "x\\ y",
    "x\\=y",
    'q"',
    'q\\"',
    "a\\b",
  ),
  fc.string({
    minLength: 1,
    maxLength: 20,
    unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz_0123456789"),
  }),
);
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => `${value}`.replace("e+", "e")),
  fc.tuple(fc.nat(100), fc.nat(99)).map(([whole, part]) => `${whole}.${part}`),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 65n }).map((value) => `${value}i`),
  fc.bigInt({ min: -2n, max: 2n ** 65n }).map((value) => `${value}u`),
  fc.nat(1000).map((value) => `${value}i`),
  fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(..."0123456789.eE+-iuNn") }),
);
const value = fc.oneof(
  { weight: 5, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom("t", "F", "true", "FALSE", "False", "tRUE", "x", "") },
  {
    weight: 2,
    arbitrary: fc
      .string({
        maxLength: 40,
        unit: fc.constantFrom("a", " ", ",", "=", "\n", '\\"', "\\\\", "\\n", "é", "bcdefghijklmnop"),
      })
      .map((inner) => `"${inner}"`),
  },
);
const measurement = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("cpu", "mem") },
  { weight: 1, arbitrary: word },
);
const tags = fc
  .array(fc.tuple(word, word), { maxLength: 4 })
  .map((list) => list.map(([k, v]) => `,${k}=${v}`).join(""));
const fieldSet = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom("f", "g", "h"), word), value), { minLength: 1, maxLength: 5 })
  .map((list) => list.map(([k, v]) => `${k}=${v}`).join(","));
const stamp = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "  17",
    " -5",
    " 9223372036854775806",
    " 9223372036854775807",
    " -",
    " 1x",
    " 1 x",
    " 00000000000000000000012",
  ),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map((time) => ` ${time}`),
  fc.nat().map((time) => ` ${time}`),
);
const line = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(measurement, tags, fieldSet, stamp).map(([m, t, f, s]) => `${m}${t} ${f}${s}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "# comment",
      " \t",
      "m",
      "m ",
      ",t=a f=1",
      "m,t= f=1",
      "m f",
      "m f=",
      "m f=1,",
      '  m f="x',
    ),
  },
);
const ending = fc.constantFrom("\n", "\n", "\r\n", "\n\n");
const body = fc
  .array(fc.tuple(line, ending), { maxLength: 12 })
  .map((lines) => Buffer.from(lines.map(([text, end]) => text + end).join("")).toString("latin1"));
/** The same few series and fields over and over, so that predictions are used and missed. */
const repeating = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(3), { maxLength: 30 }))
  .map(([lines, order]) =>
    Buffer.from(order.map((i) => lines[i % lines.length]).join("\n")).toString("latin1"),
  );
const precision = fc.constantFrom<TimeUnit>("ns", "us", "ms", "s", "m", "h");

test("on valid and nearly valid bodies", () => {
  fc.assert(
    fc.property(
      fc.oneof(body, repeating),
      precision,
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      (text, unit, now) => agree(text, now, unit),
    ),
    { numRuns: 3000 },
  );
});

test("on measurements in several raw forms, and on others that look like them", () => {
  const names = fc.string({
    minLength: 1,
    maxLength: 5,
    unit: fc.constantFrom("x", "\\", "=", '"', "\\=", '\\"', "\\,", "\\ "),
  });
  const some = fc.array(fc.tuple(names, fc.constantFrom("", ",t=a", ",u=b,t=a", ",t=a,u=b", ",t\\=x=1")), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(some, (keys) =>
      agree(keys.map(([name, rest], i) => `${name}${rest} f=${i} ${i}`).join("\n")),
    ),
    { numRuns: 5000 },
  );
});

test("on bodies with bytes changed, put in and taken out", () => {
  const edit = fc.record({
    place: fc.nat(),
    remove: fc.nat(3),
    insert: fc.string({ maxLength: 3, unit: fc.constantFrom(...' ,="\\\n\r\t\0#-.0aeiut\xff') }),
  });
  fc.assert(
    fc.property(fc.oneof(body, repeating), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
      let changed = text;
      for (const { place, remove, insert } of edits) {
        const at = place % (changed.length + 1);
        changed = changed.slice(0, at) + insert + changed.slice(at + remove);
      }
      agree(changed);
    }),
    { numRuns: 4000 },
  );
});

test("on the lines that rows came from", () => {
  fc.assert(
    fc.property(fc.oneof(body, repeating), fc.nat(200), (text, cut) => {
      const bytes = Buffer.from(text.slice(cut < text.length / 2 ? cut : 0), "latin1");
      const options = { database: "db", nowNs: 0n };
      const parsed = parser.parse(bytes, options);
      const { tables } = openBatch(kernels.view(parsed.batch, parsed.batchBytes).slice());
      parsed.free();
      // from behind, as they need not come in the order of the lines
      const refusals = tables
        .flatMap(({ rowCount }, table) =>
          Array.from({ length: rowCount }, (_, row) => ({ reason: `row ${row} of ${table}`, table, row })),
        )
        .reverse();
      const byMeasurement = Map.groupBy(
        parseLinesPlainly(latin1(bytes), 0n, 1n).rows,
        ({ measurement }) => measurement,
      );
      const expected = refusals.map(({ reason, table, row }) => {
        const rows = byMeasurement.get(latin1(tables[table]!.measurement))!;
        const number = rows[row]!.lineNumber;
        return { number, text: `${reason} at line ${number}` };
      });
      expect(parser.locate(bytes, options, refusals)).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test("on every cut of a body", () => {
  const text =
    'cpu,host=a,b\\ c=d\\,e f=1.5,g=2i,s="x \\"y\\" \n,z=",t=true 1700000000000000000\r\n# c\n  mem u=3u\n' +
    "cpu,host=a,b\\ c=d\\,e f=-12.25e-3,g=2i,h\\=i=1 -5 \n\ncpu f=1,f=2i\n";
  for (let cut = 0; cut <= text.length; cut++) {
    agree(text.slice(0, cut));
    agree(text.slice(cut));
  }
});

test("on random bytes, most of them meaningful ones", () => {
  const byte = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...' ,="\\\nm1') },
    { weight: 1, arbitrary: fc.nat(255).map((code) => String.fromCharCode(code)) },
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (chars) => agree(chars.join(""))),
    { numRuns: 15000 },
  );
});

test("on words that look like numbers and booleans", () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 7, unit: fc.constantFrom(..."0123456789.eE+-iunNtTrRuUeEfFaAlLsS") }),
      fc.constantFrom("0", "1", "-", ".", "", "t", "f", "-1e", "12345678"),
      (rest, start) => agree(`m f=${start}${rest}`),
    ),
    { numRuns: 15000 },
  );
});
