// POST /write and the routes beside it, next to a real influxd: what is stored, what is refused and in which words, what each status is.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { type Servers, startServers } from "../clients/servers.ts";
import observed from "../observed/line-protocol.json";
import { type HttpDifference, known } from "./differences.ts";
import {
  asIn,
  type Case,
  compare,
  differs,
  form,
  jsonError,
  prepare,
  type Request,
  type Seen,
  send,
  url,
} from "./exchange.ts";

let running: Servers;
beforeAll(async () => {
  running = await startServers();
  await prepare(running, [
    form({ q: "CREATE DATABASE d; CREATE RETENTION POLICY day ON d DURATION 1d REPLICATION 1" }),
  ]);
});
afterAll(() => running.stop());

const T = "1700000000000000000";
const withoutLine = (text: string) => text.replace(/ at line \d+/g, "");
const comparable = asIn(known.lineNumbers, (seen) => ({
  ...seen,
  error: seen.error === null ? null : withoutLine(seen.error).replaceAll("\t", " "),
  body: JSON.parse(withoutLine(JSON.stringify(seen.body))),
}));
const cases = (list: readonly Case[]) =>
  compare(
    () => running,
    list.map((each) => ({ comparable, ...each })),
  );
const write = (
  body: string | Uint8Array<ArrayBuffer>,
  parameters = "db=d",
  headers: Record<string, string> = {},
): Request => ({
  method: "POST",
  path: `/write?${parameters}`,
  headers,
  body,
});
const look = (measurement: string): Request => ({
  path: url("/query", { db: "d", epoch: "ns", q: `SELECT * FROM "${measurement}"` }),
});
const stored = { status: 204, body: "" };
const refused = (error: string): Partial<Seen> => ({
  status: 400,
  contentType: "application/json",
  error,
  body: [{ error }],
});
const nowNs = BigInt(Date.now()) * 1_000_000n;

describe("parameters", () => {
  cases([
    { title: "no db", request: write("m f=1", "") },
    { title: "an empty db", request: write("m f=1", "db=") },
    {
      title: "an unknown db",
      request: write("m f=1 1", "db=fresh"),
      differs: differs(known.createdByWrite, stored),
    },
    { title: "an unknown rp", request: write(`m f=1 ${T}`, "db=d&rp=nope") },
    { title: "an empty rp", request: write(`rp f=1 ${T}`, "db=d&rp=&precision=&consistency=") },
    { title: "is the default one", request: look("rp") },
    ...["any", "one", "quorum", "all", "", "ONE", "bogus"].map((consistency) => ({
      title: `consistency=${consistency}`,
      request: write(`m f=1 ${T}`, `db=d&consistency=${consistency}`),
    })),
    ...["n", "ns", "u", "ms", "s", "m", "h", ""].flatMap((precision) => [
      {
        title: `precision=${precision}`,
        request: write(`in_${precision} f=1 1000\nin_${precision} f=2 -3`, `db=d&precision=${precision}`),
      },
      { title: `precision=${precision}, stored`, request: look(`in_${precision}`) },
    ]),
    ...["us", "µ"].flatMap((precision) => [
      {
        title: `precision=${precision}`,
        request: write(
          `in_${precision} f=1 1000`,
          url("db=d&precision", {}).replace("?", `=${encodeURIComponent(precision)}`),
        ),
      },
      {
        title: `precision=${precision}, stored`,
        request: look(`in_${precision}`),
        differs: differs(known.microseconds, { status: 200 }),
      },
    ]),
    {
      title: "an unknown precision",
      request: write("m f=1 1", "db=d&precision=x"),
      differs: differs(known.unknownPrecision, refused('invalid precision "x" (use n, u, ms, s, m or h)')),
    },
    { title: "u and p without authentication", request: write(`m f=1 ${T}`, "db=d&u=x&p=y") },
    { title: "the first of two", request: write(`m f=1 ${T}`, "db=d&db=nope") },
    { title: "none in the body", request: { method: "POST", path: "/write", body: "db=d&m f=1" } },
    ...[
      "text/plain; charset=utf-8",
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "x",
    ].map((type) => ({
      title: `Content-Type: ${type}`,
      request: write(`typed f=1 ${T}`, "db=d", { "Content-Type": type }),
    })),
    { title: "every type stored", request: look("typed") },
  ]);
});

describe("bodies", () => {
  const gzip = { "Content-Encoding": "gzip" };
  const wrongChecksum = (text: string) => {
    const bytes = gzipSync(text);
    bytes[bytes.length - 6]! ^= 1;
    return encoded(bytes);
  };
  const encoded = (bytes: Buffer<ArrayBuffer>) => new Uint8Array(bytes);
  // influxd would take the bytes for lines, and answers them in a header that is none
  const unknownEncoding = (name: string) =>
    differs(known.unknownEncoding, refused(`unsupported Content-Encoding "${name}": use gzip or none`));
  cases([
    { title: "gzip", request: write(encoded(gzipSync(`zipped f=1 ${T}`)), "db=d", gzip) },
    { title: "gzip, stored", request: look("zipped") },
    { title: "no gzip, short", request: write("m f=1", "db=d", gzip) },
    { title: "no gzip", request: write(`m f=1 ${T}`, "db=d", gzip) },
    { title: "gzip that is cut", request: write(encoded(gzipSync(`m f=1 ${T}`)).slice(0, 20), "db=d", gzip) },
    { title: "gzip with a wrong checksum", request: write(wrongChecksum(`m f=1 ${T}`), "db=d", gzip) },
    {
      title: "gzip and something else",
      request: write(
        encoded(Buffer.concat([gzipSync(`m f=1 ${T}`), Buffer.from("something else")])),
        "db=d",
        gzip,
      ),
    },
    {
      title: "gzip of more than is taken",
      request: write(encoded(gzipSync(`${"#".repeat(25_000_000)}\ninflated f=1 ${T}`)), "db=d", gzip),
      differs: differs(known.inflated, { status: 413, contentType: "application/json" }),
    },
    {
      title: "more than is taken",
      request: write(`${"#".repeat(25_000_000)}\ntoo_large f=1 ${T}`, "db=d"),
      // (serie says how many bytes it takes)
      comparable: (seen) => ({ ...seen, error: null, body: String(JSON.stringify(seen.body)).slice(0, 35) }),
    },
    { title: "and nothing of it is there", request: look("too_large") },
    { title: "no bytes as gzip", request: write("", "db=d", gzip) },
    { title: "identity", request: write(`same f=1 ${T}`, "db=d", { "Content-Encoding": "identity" }) },
    { title: "identity, stored", request: look("same") },
    { title: "without a length", request: { ...write(`cut f=1 ${T}\ncut f=2 1`), chunked: true } },
    { title: "without a length, stored", request: look("cut") },
  ]);
  for (const [name, bytes] of [
    ["deflate", deflateSync("m f=1")],
    ["br", brotliCompressSync("m f=1")],
  ] as const)
    test(name, async () => {
      const { serie } = unknownEncoding(name);
      expect(
        await send(running.serieUrl, write(encoded(bytes), "db=d", { "Content-Encoding": name })),
      ).toMatchObject(serie);
    });
});

describe("what is stored of a batch", () => {
  const unified = differs(known.unified, stored);
  cases([
    {
      title: "points beyond the policy",
      request: write(`b f=1 ${T}\nb f=2 ${T}\nb f=3 ${nowNs}`, "db=d&rp=day"),
    },
    {
      title: "the others are there",
      request: { path: url("/query", { db: "d", q: "SELECT count(f) FROM d.day.b" }) },
    },
    { title: "all beyond", request: write(`b f=1 ${T}`, "db=d&rp=day") },
    {
      title: "one beyond, one that is no point",
      request: write(`b f=1 ${T}\nbad\nb f=3 ${nowNs}`, "db=d&rp=day"),
      differs: differs(known.countsAll, {
        status: 400,
        error:
          "partial write: points beyond retention policy unable to parse 'bad': missing fields dropped=2",
      }),
    },
    {
      title: "one that is no point",
      request: write(`part f=1 ${T}\nbad\npart f=2 1`),
      differs: differs(
        known.countsAll,
        refused("partial write: unable to parse 'bad': missing fields dropped=1"),
      ),
    },
    { title: "the others are stored", request: look("part") },
    { title: "a field of a type", request: write(`typ f=1,g=1i,s="x",b=true ${T}`) },
    { title: "an integer for a float", request: write(`typ f=2i ${T}`), differs: unified },
    { title: "a float for an integer", request: write(`typ g=2 ${T}`), differs: unified },
    ...['f="x"', "f=true", "s=1", "s=true", "b=1", 'b="x"', 'g="x"'].map((field) => ({
      title: `another type: ${field}`,
      request: write(`typ ${field} ${T}\ntyp h=7 ${T.slice(0, -1)}2`),
    })),
    {
      title: "a point with one value of another type is not stored at all",
      request: write(`typ f="x",fresh=1 ${T}`),
    },
    { title: "two of them", request: write(`typ f="x" ${T}\ntyp f="y" ${T}\ntyp h=8 ${T.slice(0, -1)}5`) },
    {
      title: "what is there then",
      request: { path: url("/query", { db: "d", epoch: "ns", q: "SELECT s, b, h, fresh FROM typ" }) },
    },
    {
      title: "a new field of two types",
      request: write(`two f="x" ${T}\ntwo f=true ${T}`),
      comparable: ({ status, missing }) => ({
        status,
        missing,
        body: null,
        error: null,
        authenticate: null,
        contentType: null,
        encoding: null,
      }),
    },
    {
      title: "a key that is too long",
      request: write(`m,t=${"x".repeat(70_000)} f=1 ${T}`),
      differs: differs(known.longLines, { status: 400 }),
    },
    {
      title: "escapes in measurements, tags and fields",
      request: write(
        [
          String.raw`a\=b,t\=u=v\=w f\=g=1`,
          String.raw`a\"b,t\"u=v\"w f\"g=2`,
          "a=b f=3",
          'a"b f=4',
          String.raw`a\b f=5`,
          String.raw`a\,b\ c f=6`,
        ]
          .map((line) => `esc${line} ${T}`)
          .join("\n"),
      ),
    },
    ...["esca=b", String.raw`esca\"b`, String.raw`esca\\b`, "esca,b c", String.raw`esca\\=b`].map((name) => ({
      title: `read by "${name}"`,
      request: look(name),
    })),
    {
      title: "a measurement with escapes in messages",
      request: write(String.raw`no\=m,time=1 f=1`),
    },
    { title: "tags and fields of one name", request: write("m2,f=1 f=2 7") },
    {
      title: "a field twice, of two types",
      request: write(`twice f=true,f=3 ${T}`),
      differs: differs(known.twice, stored),
    },
    {
      title: "an unsigned integer",
      request: write(`m f=1u ${T}`),
      differs: differs(known.unsigned, stored),
    },
  ]);
});

/** Where serie does better than influxd; the rest of the observed lines it answers as influxd does. */
const better: Readonly<Record<string, HttpDifference>> = {
  "m f=1u 1700000000000000000": known.unsigned,
  "m f=1 1700000000000000000\r\n": known.carriageReturns,
  "m f=1\r\n": known.carriageReturns,
  'm f="x"\r\n': known.carriageReturns,
  'm f="a"b 1700000000000000000': known.textBehindStrings,
  "m f=1,f=2i 1700000000000000000": known.unified,
  "m f=1 1700000000000000000\nm f=2i 1700000001000000000\nm g=3 1700000002000000000": known.unified,
  "m f=1 1700000000000000000\nbad\nm f=2 1700000000000000000": known.countsAll,
};

describe("lines, as observed and as answered now", () => {
  // times are the server's own where a line has none
  const stamped = ({ body, params }: (typeof observed)[number]) =>
    / -?\d+\s*$/.test(body.split("\n").at(-1)!.trimEnd()) || "consistency" in params || "rp" in params;
  cases(
    observed.flatMap((line, i): Case[] => {
      const { body, params } = line;
      const database = `line${i}`;
      const bytes = Uint8Array.from(body, (char) => char.charCodeAt(0));
      const of = params.precision === "us" ? known.microseconds : better[body];
      const title = `${JSON.stringify(body)} ${JSON.stringify(params)}`;
      const q = "SELECT * FROM /.*/";
      return [
        { title: `${title}: database`, request: form({ q: `CREATE DATABASE ${database}` }) },
        {
          title,
          request: { method: "POST", path: url("/write", { db: database, ...params }), body: bytes },
          differs:
            of !== undefined && params.precision !== "us" && body !== 'm f="x"\r\n'
              ? differs(of, {})
              : undefined,
        },
        {
          title: `${title}: stored`,
          request: { path: url("/query", { db: database, q, epoch: "ns" }) },
          ...(stamped(line)
            ? {}
            : {
                comparable: ({ status, body }: Seen): Seen => ({
                  status,
                  body: JSON.stringify(body).replace(/number \d{19}/g, "now"),
                  contentType: null,
                  encoding: null,
                  error: null,
                  authenticate: null,
                  missing: [],
                }),
              }),
          differs: of !== undefined && !/time=1|bad/.test(body) ? differs(of, { status: 200 }) : undefined,
        },
      ];
    }),
  );
});

describe("other routes and methods", () => {
  const goRoutes = ["/debug/pprof/", "/api/v1/prom/read"].map((path) => ({
    title: path,
    request: { path },
    differs: differs(known.debugRoutes, jsonError(404, `path not found: ${path}`).serie),
  }));
  const pages = ["/nope", "/write/nope", "/api/v3/write", "/ping/", "/query/", "/status/"];
  const notAllowed = (path: string, method: string, allowed: string): Case => ({
    title: `${method} ${path}`,
    request: { method, path },
    differs: jsonError(405, `method ${method} not allowed on ${path}: use ${allowed}`),
  });
  cases([
    ...goRoutes,
    ...pages.map((path) => ({
      title: path,
      request: { path },
      differs: jsonError(404, `path not found: ${path}`),
    })),
    {
      title: "a write with a slash at the end",
      request: { method: "POST", path: "/write/?db=d", body: "slash v=1 1" },
      differs: jsonError(404, "path not found: /write/"),
    },
    ...(
      [
        ["GET", "/api/v2/buckets", 404, "not found", "path not found: /api/v2/buckets"],
        [
          "GET",
          "/api/v2/write",
          405,
          "method not allowed",
          "method GET not allowed on /api/v2/write: use OPTIONS, POST",
        ],
      ] as const
    ).map(([method, path, status, code, message]) => ({
      title: `${method} ${path}, as InfluxDB 2 says it`,
      request: { method, path },
      differs: differs(known.jsonErrors, {
        status,
        contentType: "application/json",
        body: [{ code, message }],
      }),
    })),
    ...["GET", "PUT", "DELETE", "PATCH"].map((method) => notAllowed("/write", method, "OPTIONS, POST")),
    ...["POST", "PUT", "DELETE"].map((method) => notAllowed("/ping", method, "GET, HEAD")),
    ...["GET", "HEAD"].flatMap((method) =>
      ["/ping", "/status", "/ping?wait_for_leader=1s", "/ping?verbose=false", "/ping?verbose=0"].map(
        (path) => ({ title: `${method} ${path}`, request: { method, path } }),
      ),
    ),
    {
      title: "/ping?verbose=true",
      request: { path: "/ping?verbose=true" },
      differs: differs(known.of18, { status: 200, contentType: "application/json" }),
    },
    {
      title: "/health",
      request: { path: "/health" },
      differs: differs(known.of18, { status: 200, contentType: "application/json" }),
    },
    {
      title: "OPTIONS /write",
      request: { method: "OPTIONS", path: "/write" },
      differs: differs(known.options, { status: 204 }),
    },
  ]);

  test("/debug/vars: what Telegraf's inputs.influxdb reads has influxd's names", async () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      httpd: [
        "req",
        "queryReq",
        "writeReq",
        "pingReq",
        "statusReq",
        "clientError",
        "serverError",
        "authFail",
      ],
      write: ["req", "writeOk", "writeError", "pointReq"],
      queryExecutor: ["queriesExecuted"],
    };
    for (const base of [running.serieUrl, running.influxdUrl]) {
      if (base === null) continue;
      const answer = await fetch(`${base}/debug/vars`);
      const document = (await answer.json()) as Record<string, { name?: string; values?: object }>;
      expect(Object.keys(document)).toEqual(expect.arrayContaining(["system", "memstats"]));
      for (const [name, values] of Object.entries(names)) {
        const statistic = Object.values(document).find((each) => each.name === name);
        expect(Object.keys(statistic!)).toEqual(["name", "tags", "values"]);
        expect(Object.keys(statistic!.values!)).toEqual(expect.arrayContaining([...values]));
      }
    }
  });
});
