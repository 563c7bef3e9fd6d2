// The routes of writes, through real connections: what they hand on, and what they answer.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { ClosedError, DiskError, InputError, NotFoundError, OverloadedError } from "../src/base/errors.ts";
import { db, errorOf, renew, serveRecorder, stored } from "./support/recorder.ts";

const { server, url, exchange, write } = serveRecorder();
afterAll(() => server.stop(0));
beforeEach(renew);

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
