// The answer formats, as influxd prints them (see the cases in CLIENTS.md) and at their edges.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeChunkedJson } from "../src/http/output/chunked.ts";
import { decimalText, encodeCsv } from "../src/http/output/csv.ts";
import { encodeJson } from "../src/http/output/json.ts";
import { JsonApart } from "../src/http/output/json-apart.ts";
import type { JsonFormat } from "../src/http/output/json-writer.ts";
import { numberText } from "../src/http/output/number.ts";
import { epochText, rfc3339Text } from "../src/http/output/time.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import type { Cell, ResultSeries, StatementResult } from "../src/query/result.ts";
import { uniform } from "./support/columns.ts";
import { seed } from "./support/seed.ts";

const T0 = 1_700_000_000_000_000_000n;
const compact: JsonFormat = { epoch: null, pretty: false };

function series(rows: Cell[][], more: Partial<ResultSeries> = {}): ResultSeries {
  return { name: "cpu", columns: ["time", "value"], timeColumn: 0, rows, ...more };
}

async function* statements(...lists: (readonly (ResultSeries | Error)[])[]): AsyncGenerator<StatementResult> {
  for (const [statementId, list] of lists.entries()) {
    const parts = async function* () {
      for (const item of list) {
        if (item instanceof Error) throw item;
        yield item;
      }
    };
    yield { statementId, messages: [], series: parts() };
  }
}

async function joined(pieces: AsyncIterable<string | Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of pieces)
    text += typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}

const json = (format: JsonFormat, ...lists: (ResultSeries | Error)[][]) =>
  joined(encodeJson(statements(...lists), format));

describe("JSON", () => {
  test("one series", async () => {
    expect(await json(compact, [series([[T0, 0.5]])])).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","value"],"values":[["2023-11-14T22:13:20Z",0.5]]}]}]}\n',
    );
  });

  test("times by the clock of a zone, integers as ever", async () => {
    const summer = 1_690_000_000_250_000_000n;
    const whole = (zone: string) => [
      series(
        [
          [T0, 1],
          [summer, 2],
        ],
        { zone },
      ),
    ];
    expect(await json(compact, whole("Europe/Berlin"))).toContain(
      '"values":[["2023-11-14T23:13:20+01:00",1],["2023-07-22T06:26:40.25+02:00",2]]',
    );
    expect(await json(compact, whole("America/New_York"))).toContain('"2023-11-14T17:13:20-05:00"');
    expect(await json({ ...compact, epoch: "s" }, whole("Asia/Kolkata"))).toContain(
      '"values":[[1700000000,1],[1690000000,2]]',
    );
  });

  test("a statement without series, a series without rows, tags, no name", async () => {
    expect(await json(compact, [])).toBe('{"results":[{"statement_id":0}]}\n');
    const empty = { columns: ["user", "admin"], timeColumn: -1, rows: [] };
    expect(await json(compact, [empty])).toBe(
      '{"results":[{"statement_id":0,"series":[{"columns":["user","admin"]}]}]}\n',
    );
    const tagged = series([[T0, 1]], { tags: new Map([["host", 'a"b']]) });
    expect(await json({ ...compact, epoch: "ms" }, [tagged])).toContain(
      '"name":"cpu","tags":{"host":"a\\"b"},"columns":["time","value"],"values":[[1700000000000,1]]',
    );
  });

  test("no statement at all still gives results[0]", async () => {
    expect(await json(compact)).toBe('{"results":[{"statement_id":0}]}\n');
  });

  test("every kind of cell", async () => {
    const row: Cell[] = [T0 + 1n, null, true, -0, 1e21, 1e-7, Number.NaN, 9223372036854775807n, "é\n\u0000"];
    const columns = row.map((_, index) => `c${index}`);
    const text = await json(compact, [series([row], { columns })]);
    expect(text).toContain(
      '["2023-11-14T22:13:20.000000001Z",null,true,-0,1e+21,1e-7,null,9223372036854775807,"é\\n\\u0000"]',
    );
  });

  test("parts of a series become one series", async () => {
    const parts = [
      series([], { partial: true }),
      series([[1n, 1]], { partial: true }),
      series([[2n, 2]], { partial: true }),
      series([]),
      series([[3n, 3]], { name: "mem" }),
    ];
    expect(JSON.parse(await json({ ...compact, epoch: "ns" }, parts)).results[0].series).toEqual([
      {
        name: "cpu",
        columns: ["time", "value"],
        values: [
          [1, 1],
          [2, 2],
        ],
      },
      { name: "mem", columns: ["time", "value"], values: [[3, 3]] },
    ]);
  });

  test("an error ends its statement only, wherever it comes", async () => {
    const failures = [
      [new Error("at once")],
      [series([[1n, 1]]), new Error("after a series")],
      [series([[2n, 2]], { partial: true }), new Error("inside a series")],
      [series([], { partial: true }), new Error("before its first row")],
      [series([[3n, 3]])],
    ];
    const { results } = JSON.parse(await json({ ...compact, epoch: "ns" }, ...failures));
    expect(results.map((result: { error?: string }) => result.error)).toEqual([
      "at once",
      "after a series",
      "inside a series",
      "before its first row",
      undefined,
    ]);
    expect(results[2].series[0].values).toEqual([[2, 2]]);
    expect(results[4].series[0].values).toEqual([[3, 3]]);
  });

  test("tags stand in their order, also those that are called by numbers", async () => {
    const tags = new Map([
      ["10", "a"],
      ["2", 'b"'],
    ]);
    for (const pretty of [false, true]) {
      const text = await json({ epoch: "ns", pretty }, [series([[T0, 1]], { tags })]);
      expect(text.replace(/\n */g, "").replaceAll('": ', '":')).toContain('"tags":{"10":"a","2":"b\\""}');
    }
  });

  test("pretty is the same document, as influxd indents it", async () => {
    expect(await json({ ...compact, pretty: true }, [series([[T0, 0.5]])])).toBe(`{
    "results": [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "cpu",
                    "columns": [
                        "time",
                        "value"
                    ],
                    "values": [
                        [
                            "2023-11-14T22:13:20Z",
                            0.5
                        ]
                    ]
                }
            ]
        }
    ]
}
`);
    const lists = [[series([[1n, "a"]], { tags: new Map([["k", "v"]]) }), new Error("x")], [], [series([])]];
    const pretty = await json({ ...compact, pretty: true }, ...lists);
    expect(JSON.parse(pretty)).toEqual(JSON.parse(await json(compact, ...lists)));
    expect(pretty).toBe(`${JSON.stringify(JSON.parse(pretty), null, 4)}\n`);
  });

  test("rows of few and of many, of every kind of cell: what the kernel writes is what JavaScript writes", async () => {
    const cell = fc.oneof<fc.Arbitrary<Cell>[]>(
      fc.double(),
      fc.integer({ min: -100_000, max: 100_000 }).map((value) => value / 100),
      fc.constantFrom<Cell>(-0, 2 ** 53, 1e21, 5e-324, 123456789.125, null, true, false),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.string({ unit: "grapheme" }).map((value) => value.replaceAll('"', "'")),
    );
    const time = fc.bigInt({ min: -(10n ** 18n), max: 2n * 10n ** 18n });
    const part = fc.integer({ min: 1, max: 4 }).chain((width) =>
      fc.record({
        host: fc.string(),
        rows: fc.array(fc.tuple(time, ...Array.from({ length: width }, () => cell)), { maxLength: 30 }),
        width: fc.constant(width),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part), fc.constantFrom(null, "ns", "ms"), async (parts, epoch) => {
        const list = parts.map(({ host, rows, width }) => {
          const columns = Array.from({ length: width + 1 }, (_, c) => (c === 0 ? "time" : `c${c}`));
          return series(rows, { columns, tags: new Map([["host", host.replaceAll('"', "'")]]) });
        });
        const plain = await json({ epoch: epoch as JsonFormat["epoch"], pretty: false }, list);
        const pretty = await json({ epoch: epoch as JsonFormat["epoch"], pretty: true }, list);
        expect(plain.trimEnd()).toBe(pretty.replace(/\n */g, "").replaceAll('": ', '":'));
      }),
      { numRuns: 200 },
    );
  });

  test("a writer of rows needs nothing but kernels", () => {
    const rows = new JsonApart(new Kernels(), 1n);
    rows.addRow([7n, 1 / 3, "a", null]);
    rows.text(",");
    rows.addRow([8n, -5e-324, "\ud800", Number.NaN]);
    expect(new TextDecoder().decode(rows.take())).toBe(
      '[7,0.3333333333333333,"a",null],[8,-5e-324,"\\ud800",null]',
    );
    rows.close();
  });

  test("a writer of rows takes none that it has no room for", () => {
    const rows = new JsonApart(new Kernels(), 1n);
    const wide = [7n, ...new Array<number>(500).fill(1)];
    expect(() => rows.addRow(wide)).toThrow("fits into the room");
    rows.addRow(wide.slice(0, 500));
    rows.text(",");
    rows.addRow(wide.slice(0, 500));
    expect(rows.isFull(499)).toBe(true);
    expect(() => rows.addRow(wide.slice(0, 500))).toThrow("fits into the room");
    expect(rows.isFull(1)).toBe(true);
    expect(() => rows.addRow([8n, 1])).toThrow("fits into the room");
    expect(JSON.parse(`[${new TextDecoder().decode(rows.take())}]`)).toHaveLength(2);
    rows.addRow([8n, 1]);
    rows.close();
  });

  test("a comma before a row may be the last byte before its writer is full", async () => {
    const rows = new JsonApart(new Kernels(), 1n);
    rows.addRow([7n, 1]);
    const pad = "x".repeat(32 * 1024 - 1 - rows.mostBytes);
    rows.text(pad);
    expect(rows.isFull(1)).toBe(false);
    rows.text(",");
    rows.addRow([8n, 2]);
    expect(rows.isFull(1)).toBe(true);
    expect(new TextDecoder().decode(rows.take())).toBe(`[7,1]${pad},[8,2]`);
    rows.close();
    // a text a byte longer each time comes to every place
    for (let length = 0; length < 100; length++) {
      const cells = Array.from({ length: 400 }, (_, i): Cell[] => [
        BigInt(i) * 1_000_000_000n,
        i === 0 ? "x".repeat(length) : 1,
      ]);
      const text = await json({ ...compact, epoch: "s" }, [series(cells)]);
      expect(JSON.parse(text).results[0].series[0].values).toHaveLength(400);
    }
  });

  test("more columns than are written at once, and answers written side by side", async () => {
    const row = (length: number) => [T0, ...Array.from({ length }, (_, c) => c + 0.25)];
    const wide = [499, 500, 1023, 1024, 1025, 5000].map((length) => {
      const columns = Array.from({ length: length + 1 }, (_, c) => (c === 0 ? "time" : `c${c}`));
      return series([row(length), row(length)], { columns });
    });
    const texts = await Promise.all([1, 2, 3].map(() => json({ ...compact, epoch: "s" }, wide)));
    for (const text of texts)
      expect(JSON.parse(text).results[0].series.map((one: { values: unknown }) => one.values)).toEqual(
        wide.map(({ rows }) => rows.map(([, ...cells]) => [1_700_000_000, ...cells])),
      );
  });

  test("messages", async () => {
    const results = (async function* (): AsyncGenerator<StatementResult> {
      const none = (async function* () {})();
      yield { statementId: 0, messages: [{ level: "warning", text: "careful" }], series: none };
    })();
    expect(await joined(encodeJson(results, compact))).toBe(
      '{"results":[{"statement_id":0,"messages":[{"level":"warning","text":"careful"}]}]}\n',
    );
  });

  test("long answers leave in pieces of bounded size", async () => {
    const rows: Cell[][] = Array.from({ length: 20_000 }, (_, index) => [T0 + BigInt(index), index]);
    const lengths: number[] = [];
    let text = "";
    for await (const piece of encodeJson(statements([series(rows)]), compact)) {
      lengths.push(piece.length);
      text += new TextDecoder().decode(piece);
    }
    expect(lengths.length).toBeGreaterThan(8);
    expect(Math.max(...lengths)).toBeLessThan(70_000);
    expect(JSON.parse(text).results[0].series[0].values).toHaveLength(20_000);
  });
});

describe("chunked JSON", () => {
  const chunked = async (size: number, ...lists: (ResultSeries | Error)[][]) => {
    const text = await joined(encodeChunkedJson(statements(...lists), { ...compact, epoch: "ns" }, size));
    expect(text.endsWith("\n")).toBe(true);
    return text.slice(0, -1).split("\n");
  };

  test("as influxd prints two rows with chunk_size=1", async () => {
    expect(
      await chunked(1, [
        series([
          [1n, 0.5],
          [2n, 0],
        ]),
      ]),
    ).toEqual([
      '{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","value"],"values":[[1,0.5]],"partial":true}],"partial":true}]}',
      '{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","value"],"values":[[2,0]]}]}]}',
    ]);
  });

  test("rows, order and partial marks survive any cut into parts and chunks", async () => {
    const anySeries = fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(anySeries, fc.integer({ min: 1, max: 7 }), async (shape, size) => {
        const parts = shape.flatMap((counts, index) =>
          counts.map((count, at) =>
            series(
              Array.from({ length: count }, (_, row) => [BigInt(row), index * 100 + at * 10 + row]),
              { name: `s${index}`, partial: at < counts.length - 1 },
            ),
          ),
        );
        const lines = (await chunked(size, parts)).map((line) => JSON.parse(line).results[0]);
        for (const [name, own] of Object.entries(Object.groupBy(lines, (line) => line.series[0].name))) {
          const rows = own!.flatMap((line) => line.series[0].values ?? []);
          expect(rows).toEqual(
            parts
              .filter((part) => part.name === name)
              .flatMap((part) => part.rows.map(([t, v]) => [Number(t), v])),
          );
          for (const [at, line] of own!.entries()) {
            const last = at === own!.length - 1;
            expect(line.series[0].partial).toBe(last ? undefined : true);
            if (!last) expect(line.series[0].values).toHaveLength(size);
          }
        }
        for (const [at, line] of lines.entries())
          expect(line.partial).toBe(at < lines.length - 1 ? true : undefined);
      }),
      { numRuns: 100 },
    );
  });

  test("statements without series and with errors have their line", async () => {
    expect(await chunked(10, [], [new Error("no")], [series([[1n, 1]])])).toEqual([
      '{"results":[{"statement_id":0}]}',
      '{"results":[{"statement_id":1,"error":"no"}]}',
      '{"results":[{"statement_id":2,"series":[{"name":"cpu","columns":["time","value"],"values":[[1,1]]}]}]}',
    ]);
  });
});

describe("CSV", () => {
  const csv = (...lists: (ResultSeries | Error)[][]) => joined(encodeCsv(statements(...lists), null));

  test("as influxd prints it", async () => {
    const columns = ["time", "value", "host"];
    expect(
      await csv([
        series(
          [
            [T0, 0.5, "a"],
            [T0, 0, "b"],
          ],
          { columns },
        ),
      ]),
    ).toBe("name,tags,time,value,host\ncpu,,1700000000000000000,0.5,a\ncpu,,1700000000000000000,0,b\n");
  });

  test("quotes, nulls, tags, changing columns, several statements, errors", async () => {
    const tags = new Map([
      ["a", "x y"],
      ["b", "1,2"],
    ]);
    const first = [series([[1n, 'say "hi",\n']], { tags }), series([[2n, null]], { tags })];
    const second = [series([[3n, true]], { columns: ["time", "b"] }), series([[4n, 1e21]])];
    expect(await csv(first, [], second, [new Error("bad, thing")])).toBe(
      [
        "name,tags,time,value",
        'cpu,"a=x\\ y,b=1\\,2",1,"say ""hi"",\n"',
        'cpu,"a=x\\ y,b=1\\,2",2,',
        "",
        "name,tags,time,b",
        "cpu,,3,true",
        "",
        "name,tags,time,value",
        "cpu,,4,1000000000000000000000",
        "",
        "error",
        '"bad, thing"',
        "",
      ].join("\n"),
    );
  });
});

describe("numbers and times", () => {
  test("the kernel prints doubles as JavaScript does", async () => {
    const bits = new BigUint64Array(20_000);
    const values = new Float64Array(bits.buffer);
    const random = uniform(seed);
    for (let i = 0; i < bits.length; i++) {
      const any = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
      if (i % 5 === 0) bits[i] = any;
      else if (i % 5 === 1) values[i] = Math.floor(random() * 1e9) / 10 ** (i % 13);
      else if (i % 5 === 2) values[i] = 2 ** ((i % 2098) - 1074) * (1 + ((i % 3) - 1) * 2 ** -52);
      else if (i % 5 === 3) values[i] = Number(`${1 + (i % 99)}e${(i % 633) - 324}`);
      else values[i] = Number(any >> 3n) * (i % 2 === 0 ? 1 : 1e-3);
    }
    const rows: Cell[][] = Array.from(values, (value, i) => [BigInt(i), value]);
    const text = await json({ ...compact, epoch: "ns" }, [series(rows)]);
    const printed = text.slice(text.indexOf("[[") + 2, text.indexOf("]]")).split("],[");
    expect(printed.map((row) => row.slice(row.indexOf(",") + 1))).toEqual(Array.from(values, numberText));
  });

  test("JSON numbers read back as the same bits", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(JSON.parse(numberText(value)), value)).toBe(true);
        expect(Object.is(Number(decimalText(value)), value)).toBe(true);
        expect(decimalText(value)).not.toContain("e");
      }),
    );
  });

  test.each([
    [0n, "1970-01-01T00:00:00Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [T0 + 120_000_000n, "2023-11-14T22:13:20.12Z"],
    [-9223372036854775806n, "1677-09-21T00:12:43.145224194Z"],
    [9223372036854775806n, "2262-04-11T23:47:16.854775806Z"],
  ])("%d is %s", (time, text) => {
    expect(rfc3339Text()(time)).toBe(text);
  });

  test("RFC 3339 agrees with Date for every millisecond, in any order", () => {
    const convert = rfc3339Text();
    fc.assert(
      fc.property(fc.integer({ min: -9e12, max: 9e12 }), (ms) => {
        expect(Date.parse(convert(BigInt(ms) * 1_000_000n))).toBe(ms);
      }),
    );
  });

  test("epoch units", () => {
    expect(epochText("ns")(T0)).toBe("1700000000000000000");
    expect(epochText("u")(T0)).toBe("1700000000000000");
    expect(epochText("ms")(T0 + 999_999n)).toBe("1700000000000");
    expect(epochText("h")(T0)).toBe("472222");
    expect(epochText("ms")(-1n)).toBe("0");
  });
});
