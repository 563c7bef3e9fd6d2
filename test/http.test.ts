// HTTP's own behaviour, through real connections, over a backend that records what it is asked and answers what a
// test wants: the log, the routes beside writes and queries, the end. (test/server.test.ts goes through the real database.)
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import pino from "pino";
import { DiskError, InputError } from "../src/base/errors.ts";
import { serve } from "../src/server.ts";
import { db, errorOf, jsonOf, live, renew, serveRecorder, stored } from "./support/recorder.ts";

const { server, url, write } = serveRecorder();
afterAll(() => server.stop(0));
beforeEach(renew);

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

test("stop says in the log how many requests it cut off", async () => {
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  const other = serve(live, { port: 0, log });
  db.onWrite = () => new Promise(() => {});
  const begun = fetch(`${other.url}/write?db=d`, { method: "POST", body: "m f=1" }).catch(() => "cut off");
  while (db.writes.length === 0) await Bun.sleep(5);
  await other.stop(30);
  expect(await begun).toBe("cut off");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 40, requests: 1, msg: "cut off what was not answered within 30 ms" },
  ]);
});

test("a port in use is an error that says so", () => {
  expect(() => serve(live, { port: server.port })).toThrow(InputError);
  expect(() => serve(live, { port: server.port })).toThrow(new RegExp(`port ${server.port}`));
});
