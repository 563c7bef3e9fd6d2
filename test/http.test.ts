// HTTP's own behaviour, through real connections, over a backend that records what it is asked and answers what a
// test wants. (test/server.test.ts goes through the real database.)
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import pino from "pino";
import { systemClock } from "../src/base/clock.ts";
import { ClosedError, DiskError, InputError, NotFoundError, OverloadedError } from "../src/base/errors.ts";
import type { RunOptions } from "../src/db/sessions.ts";
import type { WriteOutcome, WriteTarget } from "../src/db/stored.ts";
import { Users } from "../src/db/users.ts";
import type { Backend } from "../src/http/backend.ts";
import type { ResultSeries } from "../src/query/result.ts";
import { serve } from "../src/server.ts";
import { MemoryDisk } from "./disk/memory.ts";

const stored: WriteOutcome = { rows: 1, dropped: 0, errors: [], partial: false };

class Recorder implements Backend {
  readonly users = new Users(new MemoryDisk(), "/users", systemClock, () => true);
  writes: { kind: string; text: string; target: WriteTarget }[] = [];
  queries: { text: string; options: RunOptions }[] = [];
  onWrite: () => Promise<WriteOutcome> = async () => stored;
  onQuery: (signal: RunOptions["signal"]) => AsyncGenerator<ResultSeries> = async function* () {};
  status: "pass" | "fail" = "pass";

  writeLines(bytes: Uint8Array | string, target: WriteTarget) {
    this.writes.push({ kind: "lines", text: String(Buffer.from(bytes as Uint8Array)), target });
    return this.onWrite();
  }
  writeJson(bytes: Uint8Array | string, target: WriteTarget) {
    this.writes.push({ kind: "json", text: String(Buffer.from(bytes as Uint8Array)), target });
    return this.onWrite();
  }
  run(text: string, options: RunOptions) {
    this.queries.push({ text, options });
    if (text === "BAD") throw new InputError("error parsing query: found BAD at line 1, char 1");
    return this.#results(options.signal);
  }
  async *#results(signal: RunOptions["signal"]) {
    yield { statementId: 0, messages: [], series: this.onQuery(signal) };
  }
  health() {
    return { status: this.status, message: "told so", checks: [] };
  }
  metrics() {
    const labels = { store: 'p"0' };
    return [{ name: "serie_rows_total", help: "Rows.", type: "counter" as const, value: 3, labels }];
  }
}

let db = new Recorder();
const live: Backend = {
  writeLines: (bytes, target) => db.writeLines(bytes, target),
  writeJson: (bytes, target) => db.writeJson(bytes, target),
  run: (text, options = {}) => db.run(text, options),
  health: () => db.health(),
  metrics: () => db.metrics(),
  users: db.users,
};
const server = serve(live, { port: 0, maxBodySize: 100_000, maxInflightSize: "1MiB" });
const { url } = server;
afterAll(() => server.stop(0));
beforeEach(() => {
  db = new Recorder();
});

/** Sends bytes as they are, resolves with everything that came back until the connection closed. */
function exchange(...pieces: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.setEncoding("utf8");
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

async function errorOf(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toContain("application/json");
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  const { error } = JSON.parse(text);
  expect(response.headers.get("x-influxdb-error")).toBeString();
  return error;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
const jsonOf = async (response: Response): Promise<any> => await response.json();

const write = (
  query: string,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream = "m f=1",
  init: RequestInit = {},
) => fetch(`${url}/write?${query}`, { method: "POST", body, ...init });

describe("the log of requests that failed", () => {
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  const logging = serve(live, { port: 0, log });
  afterAll(() => logging.stop(0));

  test("also of a query, whose answer has a format of its own", async () => {
    lines.length = 0;
    db.run = () => {
      throw new TypeError("x is not a function");
    };
    const answer = await fetch(`${logging.url}/query?q=SHOW+DATABASES`, { headers: { Accept: "text/csv" } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([500, "text/csv"]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      ...{ level: 50, path: "/query", status: 500, error: { message: "x is not a function" } },
    });
  });

  async function logged(error: Error): Promise<unknown> {
    lines.length = 0;
    db.onWrite = () => Promise.reject(error);
    const answer = await fetch(`${logging.url}/write?db=d`, {
      method: "POST",
      body: "m f=1",
      headers: { "X-Request-Id": "mine" },
    });
    expect(answer.status).toBe(500);
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0]!);
  }

  test("says what the answer says: each line has the reason", async () => {
    const detail = { operation: "write", path: "/data/wal/1.log", errno: "ENOSPC", cause: new Error("no") };
    const entry = { level: 50, requestId: "mine", path: "/write", status: 500, msg: "request failed" };
    expect(await logged(new DiskError("the disk is full", detail))).toEqual({
      ...entry,
      error: {
        ...{ name: "DiskError", message: "the disk is full", code: "disk" },
        ...{ operation: "write", path: "/data/wal/1.log", errno: "ENOSPC" },
      },
    });
    expect(await logged(new TypeError("x is not a function"))).toMatchObject({
      ...entry,
      error: {
        name: "TypeError",
        message: "x is not a function",
        stack: expect.stringContaining("http.test.ts"),
      },
    });
  });
});

describe("POST /write", () => {
  test("204 without a body, with the headers of every answer", async () => {
    const response = await write("db=d&rp=r&precision=ms&consistency=one");
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(response.headers.get("x-influxdb-version")).toStartWith("1.8");
    expect(response.headers.get("x-influxdb-build")).toBe("OSS");
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id")!);
    const target = { database: "d", retentionPolicy: "r", precision: "ms" } as const;
    expect(db.writes).toEqual([{ kind: "lines", text: "m f=1", target }]);
  });

  test("the client's request id comes back", async () => {
    const response = await write("db=d", "m f=1", { headers: { "X-Request-Id": "mine" } });
    expect(response.headers.get("request-id")).toBe("mine");
  });

  test.each(["ns", "n", "us", "u", "µ", "ms", "s", "m", "h"])("precision %s", async (precision) => {
    expect((await write(`db=d&precision=${encodeURIComponent(precision)}`)).status).toBe(204);
    expect(db.writes[0]!.target.precision as string).toBe(precision);
  });

  test("Telegraf: gzip, chunked, no Content-Length", async () => {
    const zipped = gzipSync("cpu,host=a usage=1i 1\ncpu,host=b usage=2i 2\n").toString("latin1");
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write(
          "POST /write?db=telegraf HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Telegraf/1.30 Go/1.22\r\nContent-Type: text/plain; charset=utf-8\r\n" +
            "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        );
        for (const part of [zipped.slice(0, 7), zipped.slice(7)])
          socket.write(`${part.length.toString(16)}\r\n${part}\r\n`, "latin1");
        socket.write("0\r\n\r\n");
      });
      socket.on("data", (data) => resolve(data.toString()));
    });
    expect(answer).toStartWith("HTTP/1.1 204");
    expect(db.writes[0]!.text).toBe("cpu,host=a usage=1i 1\ncpu,host=b usage=2i 2\n");
    expect(db.writes[0]!.target).toEqual({ database: "telegraf" });
  });

  test("node-influx: no Content-Type, empty rp", async () => {
    const answer = await exchange(
      "POST /write?db=d&precision=n&rp= HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nm f=1",
    );
    expect(answer).toStartWith("HTTP/1.1 204");
    expect(answer.toLowerCase()).not.toContain("content-length: 0\r\n\r\nx");
    expect(db.writes[0]!.target).toEqual({ database: "d", precision: "n" });
  });

  test("an empty body", async () => {
    expect((await write("db=d", "")).status).toBe(204);
  });

  test.each([
    ["", 400, "database is required"],
    ["db=", 400, "database is required"],
    ["db=d&precision=fortnight", 400, 'invalid precision "fortnight" (use n, u, ms, s, m or h)'],
    ["db=d&precision=toString", 400, 'invalid precision "toString" (use n, u, ms, s, m or h)'],
    ["db=d&consistency=maybe", 400, "invalid consistency level"],
  ])("%p is refused", async (query, status, message) => {
    const response = await write(query);
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toBe(message);
    expect(db.writes).toEqual([]);
  });

  test("partial and whole refusals", async () => {
    const errors = [
      "unable to parse 'bad' (line 2): missing fields",
      "unable to parse 'é' (line 3): missing fields",
    ];
    db.onWrite = async () => ({ rows: 1, dropped: 2, errors, partial: true });
    const partial = await write("db=d");
    expect(partial.status).toBe(400);
    expect(await errorOf(partial)).toBe(`partial write: ${errors.join("\n")} dropped=2`);
    db.onWrite = async () => ({ rows: 0, dropped: 2, errors, partial: false });
    expect(await errorOf(await write("db=d"))).toBe(errors.join("\n"));
  });

  test.each([
    ["bad input", new InputError("bad"), 400],
    ["an unknown name", new NotFoundError('database not found: "x"'), 404],
    ["overload", new OverloadedError("busy", 3), 503],
    ["a closing database", new ClosedError("closing"), 503],
    ["a failing disk", new DiskError("no space"), 500],
    ["a bug", new TypeError("a bug"), 500],
  ])("%s has its status", async (_, error, status) => {
    db.onWrite = () => Promise.reject(error);
    const response = await write("db=d");
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toBe(error.message);
    expect(response.headers.get("retry-after")).toBe(error instanceof OverloadedError ? "3" : null);
  });

  test("413 for too much: declared, chunked, inflated", async () => {
    const large = "x".repeat(100_001);
    expect((await write("db=d", large)).status).toBe(413);
    const pieces = [large.slice(0, 60_000), large.slice(60_000)];
    const streamed = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    expect((await write("db=d", streamed)).status).toBe(413);
    const bomb = await write("db=d", gzipSync(Buffer.alloc(50_000_000)), {
      headers: { "Content-Encoding": "gzip" },
    });
    expect(bomb.status).toBe(413);
    expect(await errorOf(bomb)).toContain("Request Entity Too Large");
    expect(db.writes).toEqual([]);
    expect((await write("db=d", large.slice(0, 100_000))).status).toBe(204);
  });

  test("gzip that is none, or is cut", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const cut = await write("db=d", gzipSync("m f=1").subarray(0, 15), { headers });
    expect(cut.status).toBe(400);
    expect(await errorOf(cut)).toBe("unexpected EOF");
    for (const [body, error] of [
      ["", "EOF"],
      ["m f=1", "unexpected EOF"],
      ["m f=1 1700000000000000000", "gzip: invalid header"],
    ] as const) {
      const none = await write("db=d", body, { headers });
      expect(none.status).toBe(400);
      expect(await errorOf(none)).toBe(error);
    }
    const brotli = await write("db=d", "m f=1", { headers: { "Content-Encoding": "br" } });
    expect(brotli.status).toBe(400);
    expect(await errorOf(brotli)).toContain('"br"');
  });

  test("503 with Retry-After while too many bytes are in flight, then well again", async () => {
    const waiting: (() => void)[] = [];
    db.onWrite = () => new Promise((resolve) => waiting.push(() => resolve(stored)));
    const body = "x".repeat(90_000);
    const requests = Array.from({ length: 20 }, () => write("db=d", body));
    const refused = await Promise.race(requests.map(async (request) => request));
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    await errorOf(refused);
    while (waiting.length < 11) await Bun.sleep(5); // 11 x 90,000 fit into 1 MiB
    for (const release of waiting) release();
    const statuses = (await Promise.all(requests)).map((response) => response.status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(11);
    expect(statuses.filter((status) => status === 503)).toHaveLength(9);
    db.onWrite = async () => stored;
    expect((await write("db=d", body)).status).toBe(204);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("\nserie_http_inflight_bytes 0\n");
  });
});

test("POST /write/json hands the bytes on", async () => {
  const body = '{"measurement":"m","fields":{"f":1}}';
  const response = await fetch(`${url}/write/json?db=d`, { method: "POST", body });
  expect(response.status).toBe(204);
  expect(db.writes).toEqual([{ kind: "json", text: body, target: { database: "d" } }]);
});

describe("/query", () => {
  test("GET", async () => {
    const response = await fetch(
      `${url}/query?db=d&q=${encodeURIComponent("show databases")}&rp=&epoch=&params=%7B%7D`,
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe('{"results":[{"statement_id":0}]}\n');
    const { text, options } = db.queries[0]!;
    expect(text).toBe("show databases");
    expect(options).toMatchObject({ database: "d", readOnly: true, params: {} });
    expect(options.retentionPolicy).toBeUndefined();
  });

  test("POST: Telegraf's form, Grafana's form with parameters in the URL, multipart, no Content-Type", async () => {
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const q = 'CREATE DATABASE "telegraf"';
    await fetch(`${url}/query`, { method: "POST", headers: form, body: `q=${encodeURIComponent(q)}` });
    await fetch(`${url}/query?db=d&epoch=ms`, { method: "POST", headers: form, body: "q=SELECT+1" });
    const multipart = new FormData();
    multipart.set("q", new Blob(["SELECT 2"]), "queries.txt");
    multipart.set("db", "other");
    await fetch(`${url}/query?db=d`, { method: "POST", body: multipart });
    await fetch(`${url}/query?q=SELECT+3`, { method: "POST" });
    expect(db.queries.map(({ text, options }) => [text, options.database, options.readOnly])).toEqual([
      [q, undefined, false],
      ["SELECT 1", "d", false],
      ["SELECT 2", "d", false],
      ["SELECT 3", undefined, false],
    ]);
  });

  test.each([
    ["", 'missing required parameter "q"'],
    ["q=BAD", "error parsing query: found BAD at line 1, char 1"],
    ["q=x&params=bad", /^error parsing query parameters: /],
    ["q=x&params=[1]", /^error parsing query parameters: /],
  ])("%p is a bad request", async (query, message) => {
    const response = await fetch(`${url}/query?${query}`);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatch(message);
  });

  test("formats: epoch, pretty, chunked, CSV", async () => {
    db.onQuery = async function* () {
      yield {
        name: "m",
        columns: ["time", "f"],
        timeColumn: 0,
        rows: [
          [1_500_000_000n, 1],
          [2_000_000_000n, 2],
        ],
      };
    };
    const get = async (query: string, accept = "*/*") =>
      await (await fetch(`${url}/query?q=x&${query}`, { headers: { Accept: accept } })).text();
    expect(await get("epoch=s")).toContain('"values":[[1,1],[2,2]]');
    expect(await get("epoch=bogus")).toContain("[1500000000,1]");
    expect(await get("")).toContain('["1970-01-01T00:00:01.5Z",1]');
    expect(await get("pretty=true")).toContain('\n    "results": [\n');
    expect((await get("chunked=true&chunk_size=1")).split("\n")).toHaveLength(3);
    expect((await get("chunked=true")).split("\n")).toHaveLength(2);
    for (const accept of [
      "application/csv",
      "text/csv",
      "TEXT/CSV; charset=utf-8",
      "*/*;q=0.1, text/csv;q=0.9, x/y",
    ])
      expect(await get("", accept)).toBe("name,tags,time,f\nm,,1500000000,1\nm,,2000000000,2\n");
    for (const accept of ["text/csv;q=0.9, application/json", "text/csv;q=0", "text/html", "*/*, text/csv"])
      expect(await get("", accept)).toStartWith('{"results":');
    expect(await get("", "application/json, text/csv")).toStartWith("{");
  });

  test("a long answer is streamed and complete", async () => {
    db.onQuery = async function* () {
      for (let part = 0; part < 50; part++) {
        await Bun.sleep(0);
        const rows = Array.from({ length: 1000 }, (_, row) => [BigInt(part * 1000 + row), "x".repeat(20)]);
        yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: part < 49 };
      }
    };
    const response = await fetch(`${url}/query?q=x&epoch=ns`);
    expect(response.headers.get("content-length")).toBeNull();
    const { results } = await jsonOf(response);
    expect(results[0].series).toHaveLength(1);
    expect(results[0].series[0].values).toHaveLength(50_000);
    expect(results[0].series[0].values[49_999][0]).toBe(49_999);
  });

  test("a long answer that never waits for anything lets other requests through", async () => {
    db.onQuery = async function* () {
      const rows = Array.from({ length: 1000 }, (_, row) => [BigInt(row), "z".repeat(50)]);
      for (let part = 0; part < 600; part++)
        yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: true };
    };
    const finished: string[] = [];
    const answer = fetch(`${url}/query?q=x`)
      .then((response) => response.arrayBuffer())
      .then(() => finished.push("answer"));
    while (db.queries.length === 0) await Bun.sleep(1);
    await fetch(`${url}/ping`).then(() => finished.push("ping"));
    await answer;
    expect(finished).toEqual(["ping", "answer"]);
  });

  test("clients that read slowly get what one gets that reads at once", async () => {
    db.onQuery = async function* () {
      for (let part = 0; part < 60; part++) {
        const rows = Array.from({ length: 2000 }, (_, row) => [
          BigInt(part * 2000 + row),
          row / 8,
          "y".repeat(60),
        ]);
        yield { name: "m", columns: ["time", "n", "f"], timeColumn: 0, rows, partial: part < 59 };
      }
    };
    const whole = await (await fetch(`${url}/query?q=x&epoch=ns`)).text();
    expect(whole.length).toBeGreaterThan(8_000_000);
    const slowly = async (pauseMs: number) => {
      const response = await fetch(`${url}/query?q=x&epoch=ns`);
      let text = "";
      const utf8 = new TextDecoder();
      for await (const piece of response.body!) {
        text += utf8.decode(piece, { stream: true });
        if (text.length < 3_000_000) await Bun.sleep(pauseMs);
      }
      return text;
    };
    for (const text of await Promise.all([slowly(1), slowly(3), slowly(0)]))
      expect(text === whole).toBe(true);
    db.queries = [];
  });

  test("a client that goes away ends the query: before the answer began, and in the middle of it", async () => {
    for (const partCount of [0, 1000]) {
      let ended = false;
      let given = 0;
      db.onQuery = async function* (signal) {
        const rows = Array.from({ length: 5000 }, (_, row) => [BigInt(row), "y".repeat(30)]);
        try {
          for (; given < partCount; given++)
            yield { name: "m", columns: ["time", "f"], timeColumn: 0, rows, partial: true };
          while (!signal!.aborted) await Bun.sleep(1);
          throw new Error("aborted");
        } finally {
          ended = true;
        }
      };
      const socket = connect(server.port, "127.0.0.1", () =>
        socket.write("GET /query?q=x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      );
      if (partCount > 0) await new Promise((resolve) => socket.once("data", resolve));
      else while (db.queries.length === 0) await Bun.sleep(5);
      await Bun.sleep(50);
      socket.destroy();
      for (let waits = 0; waits < 200 && !ended; waits++) await Bun.sleep(10);
      expect(ended).toBe(true);
      if (partCount > 0) expect(given).toBeLessThan(partCount);
      db.queries = [];
    }
  });
});

describe("the other routes", () => {
  test("/ping by GET and HEAD, verbose", async () => {
    for (const method of ["GET", "HEAD"]) {
      const response = await fetch(`${url}/ping`, { method });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
      expect(response.headers.get("x-influxdb-version")).toStartWith("1.8");
    }
    expect((await jsonOf(await fetch(`${url}/ping?verbose=true`))).version).toStartWith("1.8");
  });

  test("/health and /ready", async () => {
    const well = await fetch(`${url}/health`);
    expect(well.status).toBe(200);
    expect(await well.json()).toMatchObject({
      name: "serie",
      status: "pass",
      message: "told so",
      checks: [],
    });
    db.status = "fail";
    expect((await fetch(`${url}/health`)).status).toBe(503);
    expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ status: "ready" });
  });

  test("/metrics", async () => {
    await write("db=d");
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    expect(text).toContain(
      '# HELP serie_rows_total Rows.\n# TYPE serie_rows_total counter\nserie_rows_total{store="p\\"0"} 3\n',
    );
    expect(text).toMatch(/^serie_http_requests_total\{route="\/write",status="204"\} [1-9]/m);
    expect(text).toMatch(/^process_resident_memory_bytes [1-9]/m);
    expect(text.match(/# TYPE serie_http_requests_total /g)).toHaveLength(1);
  });

  test("/openapi describes every route", async () => {
    const document = await jsonOf(await fetch(`${url}/openapi`));
    expect(document.openapi).toStartWith("3.");
    for (const [path, method] of [
      ["/write", "post"],
      ["/write/json", "post"],
      ["/query", "get"],
      ["/query", "post"],
      ["/ping", "get"],
      ["/health", "get"],
      ["/ready", "get"],
      ["/metrics", "get"],
      ["/", "get"],
    ] as const)
      expect(document.paths[path]?.[method]?.summary).toBeString();
  });

  test("/ says what this is", async () => {
    expect(await (await fetch(url)).text()).toStartWith("serie ");
  });

  test("HEAD runs no statement", async () => {
    const answer = await fetch(`${url}/query?q=${encodeURIComponent("DROP DATABASE d")}`, { method: "HEAD" });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("OPTIONS, GET, POST");
    expect(db.queries).toEqual([]);
  });

  test("unknown paths and methods are JSON errors", async () => {
    const unknown = await fetch(`${url}/nope`);
    expect(unknown.status).toBe(404);
    expect(await errorOf(unknown)).toBe("path not found: /nope");
    for (const [path, method, allow] of [
      ["/write", "GET", "OPTIONS, POST"],
      ["/query", "PUT", "OPTIONS, GET, POST"],
      ["/ping", "POST", "GET, HEAD"],
    ] as const) {
      const response = await fetch(url + path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe(allow);
      expect(await errorOf(response)).toContain(method);
    }
  });
});

test("stop answers what has begun and takes nothing new", async () => {
  const other = serve(live, { port: 0 });
  let release = () => {};
  db.onWrite = () => new Promise((resolve) => (release = () => resolve(stored)));
  const begun = fetch(`${other.url}/write?db=d`, { method: "POST", body: "m f=1" });
  while (db.writes.length === 0) await Bun.sleep(5);
  const stopped = other.stop();
  await Bun.sleep(20);
  expect(fetch(`${other.url}/ping`, { keepalive: false })).rejects.toThrow();
  release();
  expect((await begun).status).toBe(204);
  await stopped;
});

test("a port in use is an error that says so", () => {
  expect(() => serve(live, { port: server.port })).toThrow(InputError);
  expect(() => serve(live, { port: server.port })).toThrow(new RegExp(`port ${server.port}`));
});
