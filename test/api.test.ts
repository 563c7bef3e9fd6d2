// The HTTP interface over a real database: what each kind of client gets, to the letter. Expected bytes are influxd's.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { decodeMulti, ExtensionCodec } from "@msgpack/msgpack";
import { Database } from "../src/db/database.ts";
import { type Server, serve } from "../src/server.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-api-"));
let db: Database;
let server: Server;
beforeAll(async () => {
  db = await Database.open({ dataDir: join(folder, "data") });
  server = serve(db, { port: 0, maxBodySize: 100_000 });
  const lines =
    'm,t=a f=1.5,i=3i,s="x",b=true 1700000000000000001\nm,t=b f=2.25 1700000001000000000\nm,t=b f=2.5 -1\n';
  await db.writeLines(lines, { database: "d" });
});
afterAll(async () => {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url + path, { headers });
const ask = (q: string, more = "", headers: Record<string, string> = {}) =>
  get(`/query?db=d&${more}&q=${encodeURIComponent(q)}`, headers);
const post = (
  path: string,
  body: string | Uint8Array<ArrayBuffer> | URLSearchParams,
  headers: Record<string, string> = {},
) => fetch(server.url + path, { method: "POST", body, headers });
const rowsOf = async (q: string) => {
  // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what is tested
  const { results } = (await (await ask(q, "epoch=ns")).json()) as any;
  return results[0].series?.[0].values;
};

describe("MessagePack", () => {
  const accept = { Accept: "application/x-msgpack" };
  const hex = async (response: Response) => Buffer.from(await response.arrayBuffer()).toString("hex");
  const where = "WHERE time > 0";

  test("is influxd's, byte for byte: times as extension 5", async () => {
    const answer = await ask(`SELECT * FROM m ${where}`, "", accept);
    expect(answer.headers.get("content-type")).toBe("application/x-msgpack");
    const expected =
      "81a7726573756c74739182ac73746174656d656e745f696400a67365726965739183a46e616d65a16da7636f6c756d6e7396a474696d65a162a166a169" +
      "a173a174a676616c7565739296c70c05000000006553f10000000001c3cb3ff800000000000003a178a16196c70c05000000006553f10100000000c0cb4002000000000000c0c0a162";
    expect(await hex(answer)).toBe(expected);
  });

  test("with epoch times are integers; tags; several statements; errors inside", async () => {
    const answer = await ask(
      `SELECT f FROM m ${where} GROUP BY t; SELECT nope FROM m; SELECT f FROM zz..m`,
      "epoch=ms",
      accept,
    );
    const [document] = [...decodeMulti(new Uint8Array(await answer.arrayBuffer()), { useBigInt64: true })];
    expect(document).toEqual({
      results: [
        {
          statement_id: 0,
          series: [
            { name: "m", tags: { t: "a" }, columns: ["time", "f"], values: [[1700000000000n, 1.5]] },
            { name: "m", tags: { t: "b" }, columns: ["time", "f"], values: [[1700000001000n, 2.25]] },
          ],
        },
        { statement_id: 1, series: [] },
        { statement_id: 2, series: [], error: "database not found: zz" },
      ],
    });
  });

  test("a time before 1970 has positive nanoseconds", async () => {
    const times: [bigint, number][] = [];
    const extensionCodec = new ExtensionCodec();
    const decode = (data: Uint8Array) => {
      const view = new DataView(data.buffer, data.byteOffset);
      times.push([view.getBigInt64(0), view.getInt32(8)]);
    };
    extensionCodec.register({ type: 5, encode: () => null, decode });
    const answer = await ask("SELECT f FROM m WHERE time < 0", "", accept);
    for (const _ of decodeMulti(new Uint8Array(await answer.arrayBuffer()), { extensionCodec }));
    expect(times).toEqual([[-1n, 999_999_999]]);
  });

  test("chunked: a document a chunk", async () => {
    const answer = await ask(`SELECT f FROM m ${where}`, "epoch=s&chunked=true&chunk_size=1", accept);
    const columns = ["time", "f"];
    const rest = { name: "m", columns };
    const documents = [...decodeMulti(new Uint8Array(await answer.arrayBuffer()), { useBigInt64: true })];
    expect(documents).toEqual([
      {
        results: [
          {
            statement_id: 0,
            series: [{ ...rest, values: [[1700000000n, 1.5]], partial: true }],
            partial: true,
          },
        ],
      },
      { results: [{ statement_id: 0, series: [{ ...rest, values: [[1700000001n, 2.25]] }] }] },
    ]);
  });

  test("a long answer and wide integers come back whole", async () => {
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, i) => `long n=${9007199254740993n + BigInt(i)}i ${i}`);
    await db.writeLines(lines.join("\n"), { database: "d" });
    const answer = await ask("SELECT n FROM long", "epoch=ns", accept);
    const [document] = [...decodeMulti(new Uint8Array(await answer.arrayBuffer()), { useBigInt64: true })];
    // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what is tested
    const { values } = (document as any).results[0].series[0];
    expect(values).toHaveLength(count);
    expect(values[count - 1]).toEqual([BigInt(count - 1), 9007199254740993n + BigInt(count - 1)]);
  });
});

describe("/query", () => {
  test("a request that fails answers in the format asked for, with its header", async () => {
    const csv = await ask("SELEC", "", { Accept: "text/csv" });
    expect(csv.status).toBe(400);
    expect(csv.headers.get("content-type")).toBe("text/csv");
    expect(await csv.text()).toStartWith('error\n"error parsing query: found SELEC, expected SELECT, ');
    const packed = await ask("SELEC", "", { Accept: "application/x-msgpack" });
    expect(packed.status).toBe(400);
    expect(packed.headers.get("x-influxdb-error")).toStartWith("error parsing query: found SELEC");
    const [document] = [...decodeMulti(new Uint8Array(await packed.arrayBuffer()))];
    expect(document).toEqual({ error: expect.stringContaining("found SELEC") });
  });

  test("async: 204 at once, and the statements run up to one that fails", async () => {
    const run = async (q: string) => {
      const answer = await post("/query?db=d&async=true", new URLSearchParams({ q }));
      expect(answer.status).toBe(204);
      expect(await answer.text()).toBe("");
    };
    const isThere = async (name: string) => {
      for (let tries = 0; !db.databases().includes(name) && tries < 500; tries++) await Bun.sleep(10);
      expect(db.databases()).toContain(name);
    };
    await run("CREATE DATABASE before; SELECT f FROM zz..m; CREATE DATABASE never");
    await isThere("before");
    await run("CREATE DATABASE later");
    await isThere("later");
    expect(db.databases()).not.toContain("never");
    const wrong = await ask("SELEC", "async=true");
    expect(wrong.status).toBe(400);
  });

  test("an answer always has a result", async () => {
    for (const q of [";", "-- nothing"]) expect(await (await ask(q)).text()).toContain('{"statement_id":0}');
  });
});

describe("/api/v2/write", () => {
  const write = (
    parameters: string,
    body: string | Uint8Array<ArrayBuffer> | URLSearchParams,
    headers: Record<string, string> = {},
  ) => post(`/api/v2/write?${parameters}`, body, headers);

  test("bucket is a database, or a database and a retention policy; org does not matter", async () => {
    expect(
      (await write("bucket=v2&org=anyone&precision=ms", gzipSync("m f=1 5"), { "Content-Encoding": "gzip" }))
        .status,
    ).toBe(204);
    expect((await write("bucket=v2%2Fautogen&precision=us", "m f=2 7000")).status).toBe(204);
    expect(await rowsOf("SELECT f FROM v2..m")).toEqual([
      [5_000_000, 1],
      [7_000_000, 2],
    ]);
  });

  test("one bad line refuses the batch: nothing is stored", async () => {
    const answer = await write("bucket=none", "m f=1 1\nbad\nm f=2 2");
    expect(answer.status).toBe(400);
    expect(answer.headers.get("x-platform-error-code")).toBe("invalid");
    expect(await answer.json()).toEqual({
      code: "invalid",
      message: expect.stringContaining("unable to parse 'bad'"),
    });
    expect(await rowsOf("SELECT f FROM none..m")).toBeUndefined();
  });

  test("a point that calls a tag or a field time is no bad line: 422, the rest is stored, however many they are", async () => {
    const many = Array.from({ length: 150 }, (_, i) => `m,time=x f=9 ${i}\n`).join("");
    const answer = await write("bucket=named", `${many}m f=1 1\nm time=1 2\nm f=3 3`);
    expect(answer.status).toBe(422);
    const { message } = (await answer.json()) as { message: string };
    expect(message).toStartWith(
      'failure writing points to database: partial write: invalid tag key: input tag "time" on measurement "m" is invalid at line 1\n',
    );
    expect(message).toEndWith("dropped=151");
    expect(await rowsOf("SELECT f FROM named..m")).toEqual([
      [1, 1],
      [3, 3],
    ]);
    const bad = await write("bucket=named", `${many}m f=4 4\nbad`);
    expect(bad.status).toBe(400);
    expect(await rowsOf("SELECT f FROM named..m WHERE time = 4")).toBeUndefined();
  });

  test("what does not fit is 422, the rest is stored", async () => {
    await write("bucket=fit", "m f=1 1");
    const answer = await write("bucket=fit", 'm f="x" 2\nm f=3 3');
    expect(answer.status).toBe(422);
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(code).toBe("unprocessable entity");
    expect(message).toMatch(
      /^failure writing points to database: partial write: field type conflict: .* already exists as type float at line 1 dropped=1$/,
    );
    expect(await rowsOf("SELECT f FROM fit..m")).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  test("a write that is refused for its policy makes no database", async () => {
    expect((await write("bucket=unmade%2Fnope", "m f=1 1")).status).toBe(404);
    const v1 = await post("/write?db=unmade&rp=nope", "m f=1 1");
    expect([v1.status, await v1.json()]).toEqual([500, { error: "retention policy not found: nope" }]);
    expect(await rowsOf("SHOW DATABASES")).not.toContainEqual(["unmade"]);
    expect((await write("bucket=unmade%2Fautogen", "m f=1 1")).status).toBe(204);
    expect(await rowsOf("SHOW DATABASES")).toContainEqual(["unmade"]);
  });

  test.each([
    ["", "m f=1", 400, "bucket is required"],
    ["bucket=%2Frp", "m f=1", 400, "names no database"],
    ["bucket=d&precision=h", "m f=1", 400, 'invalid precision "h"'],
    ["bucket=d&consistency=most", "m f=1", 400, "invalid consistency level"],
    ["bucket=d%2Fnope", "m f=1", 404, "bucket not found: retention policy not found: nope"],
    ["bucket=d", `m f="${"x".repeat(100_000)}"`, 413, "Request Entity Too Large"],
  ])("%s is refused", async (parameters, body, status, expected) => {
    const answer = await write(parameters, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/json");
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(message).toContain(expected);
    expect(answer.headers.get("x-platform-error-code")).toBe(code);
    expect(code).toBe({ 400: "invalid", 404: "not found", 413: "request too large" }[status] as string);
  });

  test("a bucket that is not there is 404 when writes may not make one", async () => {
    const strict = await Database.open({ dataDir: join(folder, "strict"), autoCreateDatabase: false });
    const other = serve(strict, { port: 0 });
    const answer = await fetch(`${other.url}/api/v2/write?bucket=x`, { method: "POST", body: "m f=1" });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      code: "not found",
      message: 'bucket not found: database not found: "x"',
    });
    const first = await fetch(`${other.url}/write?db=x`, { method: "POST", body: "m f=1" });
    expect(first.status).toBe(404);
    expect(await first.text()).toBe('{"error":"database not found: \\"x\\""}\n');
    await other.stop(0);
    await strict.close();
  });
});

describe("the other routes", () => {
  test("an unknown retention policy is 500 on /write, as in InfluxDB", async () => {
    const answer = await post("/write?db=d&rp=nope", "m f=1");
    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe('{"error":"retention policy not found: nope"}\n');
  });

  test("a database without a default retention policy says so", async () => {
    await ask("CREATE DATABASE bare");
    await ask("DROP RETENTION POLICY autogen ON bare");
    const missing =
      'database "bare" has no default retention policy: name one, or make one the default (ALTER RETENTION POLICY ... DEFAULT)';
    expect(await (await post("/write?db=bare", "m f=1")).json()).toEqual({ error: missing });
    const answer = await ask("SELECT f FROM bare..m");
    expect(await answer.json()).toEqual({ results: [{ statement_id: 0, error: missing }] });
    await ask("DROP DATABASE bare");
  });

  test("Flux is refused in words", async () => {
    const answer = await post("/api/v2/query?org=o", "buckets()");
    expect(answer.status).toBe(501);
    expect(await answer.json()).toEqual({
      code: "not implemented",
      message: expect.stringContaining("does not speak Flux"),
    });
  });

  test("/api/v2/health is /health, /status is /ping", async () => {
    expect(await (await get("/api/v2/health")).json()).toMatchObject({ status: "pass" });
    for (const path of ["/ping", "/status"])
      for (const method of ["GET", "HEAD"]) {
        const answer = await fetch(server.url + path, { method });
        expect(answer.status).toBe(204);
        expect(answer.headers.get("x-influxdb-build")).toBe("OSS");
      }
    expect((await fetch(`${server.url}/query`, { method: "OPTIONS" })).status).toBe(204);
  });

  test("/debug/vars counts what happened", async () => {
    type Vars = Record<string, { name: string; tags: object; values: Record<string, number> }>;
    const vars = async () => (await (await get("/debug/vars")).json()) as Vars;
    const before = await vars();
    await post("/write?db=d", "vars f=1 1\nvars f=1 2");
    await post("/write?db=d", "bad");
    const after = await vars();
    const grown = (key: string, name: string) => after[key]!.values[name]! - before[key]!.values[name]!;
    expect(grown("httpd", "writeReq")).toBe(2);
    expect(grown("httpd", "clientError")).toBe(1);
    expect(grown("httpd", "pointsWrittenOK")).toBe(2);
    expect(grown("write", "writeOk")).toBe(1);
    expect(grown("serie", "rows_written_total")).toBe(2);
    expect(after["system"]).toMatchObject({ uptime: expect.any(Number) });
    expect(after["memstats"]).toMatchObject({ HeapAlloc: expect.any(Number) });
  });

  test("/openapi lists every route", async () => {
    const { paths } = (await (await get("/openapi")).json()) as { paths: Record<string, object> };
    for (const path of [
      "/write",
      "/write/json",
      "/query",
      "/api/v2/write",
      "/api/v2/query",
      "/api/v2/health",
      "/ping",
      "/status",
    ])
      expect(Object.keys(paths)).toContain(path);
    expect(Object.keys(paths)).toContain("/debug/vars");
  });
});

test("DELETE by GET has no warning, as in influxd; DROP SERIES has", async () => {
  const messagesOf = async (q: string) => {
    // biome-ignore lint/suspicious/noExplicitAny: the answer's shape is what is tested
    const { results } = (await (await ask(q)).json()) as any;
    return results[0].messages;
  };
  expect(await messagesOf("DELETE FROM nowhere")).toBeUndefined();
  expect(await messagesOf("DROP SERIES FROM nowhere")).toEqual([
    {
      level: "warning",
      text: "deprecated use of 'DROP SERIES FROM nowhere' in a read only context, please use a POST request instead",
    },
  ]);
});
