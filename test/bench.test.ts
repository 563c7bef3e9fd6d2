// The benchmark's own promises: data that repeats, and no wrong answer is timed.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { orderOf, renderComparison } from "../scripts/bench/against.ts";
import {
  compare,
  compareInflux,
  fold,
  latest,
  readInflux,
  readPrometheus,
  rowsAbove,
  rowsOf,
} from "../scripts/bench/answer.ts";
import { compress } from "../scripts/bench/compressed.ts";
import { INGEST_MEASUREMENT, measureDashboards } from "../scripts/bench/dashboards.ts";
import { type Dataset, generate, generateIngest, generateNewSeries } from "../scripts/bench/dataset.ts";
import { readFlags } from "../scripts/bench/flags.ts";
import { later, stampsOf } from "../scripts/bench/ingest-client.ts";
import { duckdb, type Product, workingTree } from "../scripts/bench/products.ts";
import { paths, queries } from "../scripts/bench/queries.ts";
import { Random } from "../scripts/bench/random.ts";
import { generateShape, shapes } from "../scripts/bench/shapes.ts";
import { measureSingles } from "../scripts/bench/singles.ts";
import { plain, renderTable } from "../scripts/bench/table.ts";
import { type Running, Trial } from "../scripts/bench/trial.ts";
import { FIELD_COUNT, kinds } from "../scripts/bench/tsbs.ts";

function withFolder<T>(run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "serie-bench-test-"));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const small = { hostCount: 7, stepCount: 13, batchRows: 10, seed: 3 };

test.each([...kinds])("%s: lines hold the values that answers are checked against", (kind) => {
  withFolder((folder) => {
    const data = generate(folder, kind, small);
    const text = readFileSync(data.bodies.path, "utf8");
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(7 * 13);
    lines.forEach((line, row) => {
      const [series, fields, time] = line.split(" ");
      expect(series!.split(",")).toHaveLength(11);
      expect(series).toStartWith(`cpu,hostname=host_${row % 7},`);
      expect(Number(time)).toBe((1_451_606_400 + 10 * Math.floor(row / 7)) * 1e9);
      const values = fields!.split(",").map((field) => field.split("=")[1]!);
      expect(values.every((value) => value.endsWith("i") === (kind === "int"))).toBe(true);
      expect(values.map((value) => Number.parseFloat(value))).toEqual([
        ...data.values.subarray(row * FIELD_COUNT, (row + 1) * FIELD_COUNT),
      ]);
    });
    const { list } = data.bodies;
    expect(list.map((body) => body.rowCount)).toEqual([...Array(9).fill(10), 1]);
    expect(list.at(-1)!.offset + list.at(-1)!.sizeBytes).toBe(text.length);
    expect(data.values.every((value) => value >= 0 && value <= 100)).toBe(true);
  });
});

test("the same seed gives the same bytes, another seed others", () => {
  withFolder((folder) => {
    const bytes = (seed: number) =>
      readFileSync(generate(folder, "full", { ...small, seed }).bodies.path, "latin1");
    expect(bytes(3)).toBe(bytes(3));
    expect(bytes(3)).not.toBe(bytes(4));
  });
});

test("compressed bodies are the bodies", () => {
  withFolder((folder) => {
    const { bodies } = generate(folder, "decimal", small);
    const gzip = compress(bodies);
    expect(gzip.encoding).toBe("gzip");
    expect(gzip.list).toHaveLength(bodies.list.length);
    const [plain, packed] = [readFileSync(bodies.path), readFileSync(gzip.path)];
    gzip.list.forEach(({ offset, sizeBytes, rowCount }, i) => {
      const body = bodies.list[i]!;
      expect(rowCount).toBe(body.rowCount);
      const expected = plain.subarray(body.offset, body.offset + body.sizeBytes);
      expect(gunzipSync(packed.subarray(offset, offset + sizeBytes)).equals(expected)).toBe(true);
    });
    expect(gzip.sizeBytes).toBe(packed.length);
  });
});

test.each([...shapes])("%s: as many values as said, the same for the same seed", (shape) => {
  withFolder((folder) => {
    const shaped = generateShape(folder, shape, { ...small, stepCount: 40 });
    const text = readFileSync(shaped.bodies.path, "utf8");
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(shaped.bodies.rowCount);
    const fields = lines.flatMap((line) => line.match(/(?<=[ ,])\w+=("[^"]*"|[\w.]+)(?=[ ,])/g)!.slice(1));
    expect(fields).toHaveLength(shaped.valueCount);
    const types = new Set(fields.map((field) => field.replace(/^\w+=/, "").replace(/[\d.]+/, "0")));
    expect(types.has("0i")).toBe(shape !== "sparse");
    expect(types.has("true")).toBe(shape === "mixed");
    expect(types.has('"ok"')).toBe(shape === "mixed");
    generateShape(folder, shape, { ...small, stepCount: 40 });
    expect(readFileSync(shaped.bodies.path, "utf8")).toBe(text);
  });
});

test("new series are all different", () => {
  withFolder((folder) => {
    const bodies = generateNewSeries(folder, 500, 100, 1);
    const lines = readFileSync(bodies.path, "utf8").trimEnd().split("\n");
    expect(new Set(lines.map((line) => line.split(" ")[0])).size).toBe(500);
  });
});

/** Two hosts, four steps; field f of host h at step s is s * 10 + h + f / 10. */
function tinyData(): Dataset {
  const values = new Float64Array(4 * 2 * FIELD_COUNT);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / FIELD_COUNT);
    values[i] = Math.floor(row / 2) * 10 + (row % 2) + (i % FIELD_COUNT) / 10;
  }
  const bodies = { path: "", list: [], rowCount: 8, sizeBytes: 0 };
  return { kind: "full", measurement: "cpu", startS: 0, hostCount: 2, stepCount: 4, bodies, values };
}

test("expected answers, by hand", () => {
  const data = tinyData();
  const shape = { hosts: [0, 1], fieldCount: 1, first: 0, end: 3, windowSteps: 2 };
  // windows: steps 0-1, step 2
  expect(fold(data, { ...shape, aggregate: "max" })).toEqual({ cells: 2, total: 11 + 21 });
  expect(fold(data, { ...shape, aggregate: "mean" })).toEqual({ cells: 2, total: 5.5 + 20.5 });
  expect(rowsAbove(data, [1], 20).cells).toBe(2 * FIELD_COUNT);
  expect(rowsAbove(data, null, 30).total).toBeCloseTo(31 * 10 + 4.5, 9);
  expect(rowsOf(data, [1], { first: 1, end: 3 })).toEqual({
    cells: 2 * FIELD_COUNT,
    total: (11 + 21) * 10 + 9,
  });
  expect(latest(data).total).toBeCloseTo((30 + 31) * 10 + 9, 9);
});

test("answers are read as numbers outside time and tags", () => {
  const influx = {
    results: [
      {
        series: [
          {
            columns: ["time", "a", "tag"],
            values: [
              [5, 1.5, "x"],
              [6, null, "7"],
            ],
          },
        ],
      },
    ],
  };
  expect(readInflux(JSON.stringify(influx))).toEqual({ cells: 1, total: 1.5 });
  expect(() => readInflux('{"results":[{"error":"no"}]}')).toThrow("no");
  const range = {
    status: "success",
    data: {
      result: [
        {
          values: [
            [1, "2"],
            [2, "3.5"],
          ],
        },
        { value: [1, "4"] },
      ],
    },
  };
  expect(readPrometheus(JSON.stringify(range))).toEqual({ cells: 3, total: 9.5 });
});

test("a missing and a wrong value are noticed", () => {
  compare({ cells: 2, total: 100 }, { cells: 2, total: 100 + 1e-9 }, 1e-9);
  expect(() => compare({ cells: 1, total: 100 }, { cells: 2, total: 100 }, 1e-9)).toThrow("1 values, 2");
  expect(() => compare({ cells: 2, total: 101 }, { cells: 2, total: 100 }, 1e-9)).toThrow("add up to 101");
});

test("two servers' answers are the same but for the rounding of floats", () => {
  const answer = (time: number, value: number | null, tag = "a") =>
    JSON.stringify({
      results: [{ statement_id: 0, series: [{ name: "m", tags: { tag }, values: [[time, value]] }] }],
    });
  compareInflux(answer(10, 0.1 + 0.2), answer(10, 0.3));
  expect(() => compareInflux(answer(10, 0.3001), answer(10, 0.3))).toThrow(
    "answer.results.0.series.0.values.0.1: 0.3001, not 0.3",
  );
  const timeNs = 1_451_606_400_000_000_000;
  expect(() => compareInflux(answer(timeNs + 1000, 1), answer(timeNs, 1))).toThrow(`not ${timeNs}`);
  expect(() => compareInflux(answer(10, null), answer(10, 0))).toThrow("null, not 0");
  expect(() => compareInflux(answer(10, 1, "b"), answer(10, 1))).toThrow("tags.tag: b, not a");
  expect(() => compareInflux('{"results":[{}]}', answer(10, 1))).toThrow("undefined, not");
  const long = (partial?: true) => JSON.stringify({ results: [{ series: [{ values: [[1, 2]], partial }] }] });
  compareInflux(long(), long(true));
  expect(() => compareInflux(long(true), long())).toThrow("partial: true, not undefined");
});

test("every query can be asked of small data", () => {
  withFolder((folder) => {
    const data = generate(folder, "decimal", { hostCount: 9, stepCount: 60, batchRows: 100, seed: 1 });
    for (const query of [...queries, ...paths]) {
      const question = query.ask(data, new Random(1));
      expect(question.influxql).toStartWith("SELECT ");
      expect(question.sql).toStartWith("SELECT ");
      expect(question.expected.total).toBeFinite();
    }
  });
});

test("DuckDB, loaded with the lines, answers every question", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-bench-test-"));
  const shape = { hostCount: 9, stepCount: 60, batchRows: 100, seed: 1 };
  const data = generate(folder, "decimal", shape);
  const limits = {
    connections: 2,
    loadTimeoutMs: 60_000,
    settleTimeoutMs: 1,
    warmUpMs: 0,
    queryTimeoutMs: 60_000,
  };
  const trial = new Trial(duckdb, folder, {
    ...limits,
    repetitions: 1,
    measureMs: 0,
    coldRepetitions: 1,
    coldWarmUpMs: 0,
  });
  try {
    if (duckdb.version() === null) return;
    expect((await trial.load(data.bodies)).report.rowCount).toBe(9 * 60);
    const running = await trial.reopen();
    // (a wrong answer throws)
    for (const query of [...queries, ...paths])
      expect(await trial.query(running, query, data, 1)).not.toBeNull();
    const other = generate(
      folder,
      "decimal",
      { ...shape, hostCount: 8 },
      { measurement: "small", startS: 0 },
    );
    await trial.add(running, other.bodies);
    for (const query of queries) expect(await trial.query(running, query, other, 1)).not.toBeNull();
  } finally {
    await trial.close();
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test("bodies are sent again with later times, and nothing else changes", () => {
  withFolder((folder) => {
    const { path, rowCount } = generateIngest(folder, "ingest", small);
    const bytes = readFileSync(path);
    const again = Buffer.from(later(bytes, stampsOf(bytes), 130)).toString("latin1");
    const [before, after] = [bytes.toString("latin1"), again].map((text) => text.trimEnd().split("\n"));
    expect(after).toHaveLength(rowCount);
    after!.forEach((line, i) => {
      const [series, fields, time] = before![i]!.split(" ");
      expect(series).toStartWith("ingest,hostname=host_");
      expect(line).toBe(`${series} ${fields} ${BigInt(time!) + 130_000_000_000n}`);
    });
  });
});

test("dashboards: a wrong answer and values that are lost end the benchmark", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-bench-test-"));
  const shape = { hostCount: 9, stepCount: 60, batchRows: 100, seed: 1 };
  const data = generate(folder, "decimal", shape);
  const bodies = generateIngest(folder, INGEST_MEASUREMENT, { ...shape, stepCount: 10 });
  const ingest = { bodies, spanS: 100 };
  const limits = { connections: 2, loadTimeoutMs: 60_000, settleTimeoutMs: 1, warmUpMs: 0 };
  const product = workingTree(1);
  const trial = new Trial(product, folder, {
    ...limits,
    queryTimeoutMs: 60_000,
    repetitions: 1,
    measureMs: 0,
    coldRepetitions: 1,
    coldWarmUpMs: 0,
  });
  const period = { forMs: 100, seed: 1 };
  try {
    // (rows that are written again would be missing, too)
    const fresh = async () => {
      await trial.stop();
      await trial.load(data.bodies);
      return trial.reopen();
    };
    let running = await fresh();
    const right = await measureDashboards(product, running, data, ingest, period);
    for (const value of [right.alone.perS, right.ingestAlone, right.ingestBeside, right.rssBytes])
      expect(value).toBeGreaterThan(0);
    running = await fresh();
    const countValues: Product["countValues"] = async (...given) => (await product.countValues(...given)) - 1;
    await expect(
      measureDashboards({ ...product, countValues }, running, data, ingest, period),
    ).rejects.toThrow("acknowledged values of ingest");
    const otherData = generate(folder, "decimal", { ...shape, seed: 2 });
    await expect(measureDashboards(product, running, otherData, ingest, period)).rejects.toThrow("add up to");
  } finally {
    await trial.close();
    rmSync(folder, { recursive: true });
  }
}, 60_000);

/** A server that answers writes as told and has so many values less than it was sent. */
async function withFakeServer(
  status: number,
  lost: number,
  run: (product: Product, running: Running, bodies: string[]) => Promise<void>,
): Promise<void> {
  const bodies: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      bodies.push(await request.text());
      return new Response(null, { status });
    },
  });
  const product = { ...workingTree(), countValues: async () => bodies.length - lost };
  const child = { cpuS: () => 1 } as unknown as Running["child"];
  try {
    await run(product, { child, base: `http://127.0.0.1:${server.port}`, startMs: 0 }, bodies);
  } finally {
    await server.stop(true);
  }
}

test("single points are all different, and all that were acknowledged must be there", async () => {
  const period = { warmUpMs: 50, forMs: 200 };
  await withFakeServer(204, 0, async (product, running, bodies) => {
    const result = await measureSingles(product, running, "line", period);
    expect(result!.perS).toBeGreaterThan(0);
    expect(result!.p99Ms).toBeGreaterThanOrEqual(result!.medianMs);
    expect(new Set(bodies.map((body) => body.replace(/value=\S+/, ""))).size).toBe(bodies.length);
    for (const body of bodies)
      expect(body).toMatch(/^single_line,host=h\d\d value=\d\.\d{3} 14516\d{8}000000$/);
    expect(new Set(bodies.map((body) => body.split(" ")[0])).size).toBe(64);
  });
  await withFakeServer(204, 1, async (product, running) => {
    await expect(measureSingles(product, running, "json", period)).rejects.toThrow(
      /has \d+ of \d+ acknowledged values of single_json/,
    );
  });
  await withFakeServer(503, 0, async (product, running) => {
    await expect(measureSingles(product, running, "line", period)).rejects.toThrow(
      "write answered HTTP/1.1 503",
    );
  });
}, 30_000);

test("the table says how many times better the first product is, where that is a number and asked for", () => {
  const figure = (name: string, better: "more" | "less", own: number, peer: number | null | string) => ({
    name,
    better,
    values: new Map<string, number | null | string>([
      ["serie", own],
      ["peer", peer],
    ]),
    format: plain,
  });
  const sections = [
    {
      title: "t",
      figures: [
        figure("speed", "more", 6, 3),
        figure("time", "less", 6, 3),
        figure("late", "less", 6, "> 5 s"),
        figure("unknown", "less", 6, null),
        figure("gained", "less", -1, 3),
      ],
    },
  ];
  expect(renderTable(["serie", "peer"], sections).split("\n")).toEqual([
    "|         | serie |  peer |    × |",
    "| ------- | ----: | ----: | ---: |",
    "| **t**   |       |       |      |",
    "| speed   |  6.00 |  3.00 |  2.0 |",
    "| time    |  6.00 |  3.00 | 0.50 |",
    "| late    |  6.00 | > 5 s |      |",
    "| unknown |  6.00 |     – |      |",
    "| gained  | -1.00 |  3.00 |      |",
  ]);
  expect(renderTable(["serie", "peer"], sections, false).split("\n").slice(0, 4)).toEqual([
    "|         | serie |  peer |",
    "| ------- | ----: | ----: |",
    "| **t**   |       |       |",
    "| speed   |  6.00 |  3.00 |",
  ]);
});

test("a comparison shows the spread of the ratios of single rounds", () => {
  const round = (own: number, other: number) => {
    const values = new Map([
      ["a", own],
      ["b", other],
    ]);
    return [{ title: "t", figures: [{ name: "time", better: "less" as const, values, format: plain }] }];
  };
  // (the medians' own ratio would be 1)
  expect(renderComparison("a", "b", [round(1, 4), round(2, 2), round(4, 1)]).split("\n")).toEqual([
    "|       |    a |    b | × min | × median | × max |",
    "| ----- | ---: | ---: | ----: | -------: | ----: |",
    "| **t** |      |      |       |          |       |",
    "| time  | 2.00 | 2.00 |  0.25 |     1.00 |  4.00 |",
  ]);
  expect([orderOf(0), orderOf(1), orderOf(2)]).toEqual([
    [0, 1],
    [1, 0],
    [0, 1],
  ]);
});

test("flags that make no sense are refused", () => {
  expect(readFlags(["--quick", "--peers", "none"])).toMatchObject({
    hostCount: 100,
    peers: [],
    seriesCount: 30_000,
  });
  expect(() => readFlags(["--kinds", "decimal,big"])).toThrow('"big" is none of');
  expect(() => readFlags(["--peers", "oracle"])).toThrow("oracle");
  expect(() => readFlags(["--series", "-1"])).toThrow();
  expect(readFlags(["--threads", "1,2"]).threads).toEqual([1, 2]);
  expect(readFlags([])).toMatchObject({ threads: [], against: null, rounds: 5 });
  expect(() => readFlags(["--threads", "0"])).toThrow("--threads: at least 1");
  expect(() => readFlags(["--threads", "two"])).toThrow('"two" is not a whole number');
  expect(() => readFlags(["--against", "HEAD", "--threads", "1,2"])).toThrow("one number of --threads");
  expect(() => readFlags(["--against", "HEAD", "--readme"])).toThrow("--against");
  expect(readFlags(["--growth"]).growth).toBe("usual");
  expect(readFlags(["--growth-large"]).growth).toBe("large");
  expect(() => readFlags(["--against", "HEAD", "--growth"])).toThrow("leave --growth out");
  expect(() => readFlags(["--fast"])).toThrow("--fast");
});
