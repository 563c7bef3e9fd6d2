// Answers compressed with gzip: only for clients that ask, only where it is worth it, the same answers in every format.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { Database } from "../src/db/database.ts";
import { gzipPieces, takesGzip } from "../src/http/output/gzip.ts";
import type { Piece } from "../src/http/output/stream.ts";
import { type Server, serve } from "../src/server.ts";

const dataDir = mkdtempSync(join(tmpdir(), "serie-gzip-"));
let db: Database;
let server: Server;

beforeAll(async () => {
  db = await Database.open({ dataDir, partitions: 2 });
  const lines = Array.from(
    { length: 50_000 },
    (_, i) => `m,host=h${i % 7} v=${i / 8},s="ü ${i % 3}" ${i + 1}`,
  );
  await db.writeLines(lines.join("\n"), { database: "db" });
  server = serve(db, { port: 0 });
});
afterAll(async () => {
  await server.stop();
  await db.close();
  rmSync(dataDir, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** As sent. */
  readonly sent: Uint8Array;
}

const ask = async (query: string, headers: Record<string, string>): Promise<Answer> => {
  const response = await fetch(`${server.url}/query?db=db&${query}`, { headers, decompress: false });
  const sent = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, sent };
};
const q = (text: string) => `q=${encodeURIComponent(text)}`;

test.each<[string | null, boolean]>([
  [null, false],
  ["", false],
  ["gzip", true],
  ["gzip, deflate, br, zstd", true],
  ["deflate, GZIP;q=1.0, *;q=0.5", true],
  ["br;q=1.0, gzip;q=0", false],
  ["identity", false],
  ["x-gzip", true],
  ["*", true],
  ["*;q=0", false],
  ["gzip;q=0, *", false],
  ["*;q=0, gzip", true],
  ["gzipped", false],
])("Accept-Encoding %p takes gzip: %p", (accepted, takes) => {
  expect(takesGzip(accepted)).toBe(takes);
});

describe("a stream", () => {
  async function* given(pieces: readonly Piece[]): AsyncGenerator<Piece> {
    yield* pieces;
  }

  test("inflates to what its pieces hold, whatever their sizes", async () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(200_000), fc.nat(255)).map(([length, fill]) => new Uint8Array(length).fill(fill)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const sent: Uint8Array[] = [];
        for await (const bytes of gzipPieces(given(pieces))) sent.push(bytes);
        const expected = Buffer.concat(pieces.map((each) => Buffer.from(each as string)));
        expect(gunzipSync(Buffer.concat(sent)).equals(expected)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("holds back nothing while a piece is waited for, and puts small pieces together while none is", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* pieces(): AsyncGenerator<Piece> {
      for (let i = 0; i < 1000; i++) yield `line ${i}\n`;
      await held;
      yield "last\n";
    }
    const zipped = gzipPieces(pieces());
    const first = await zipped.next();
    const soFar = gunzipSync(first.value!, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    expect(soFar.split("\n")).toHaveLength(1001);
    expect(soFar).toEndWith("line 999\n");
    release();
    const rest: Uint8Array[] = [];
    for await (const bytes of zipped) rest.push(bytes);
    expect(gunzipSync(Buffer.concat([first.value!, ...rest])).toString()).toBe(`${soFar}last\n`);
  });

  test("that is given up ends what makes its pieces; what these throw ends it", async () => {
    let ended = 0;
    async function* pieces(fail: boolean): AsyncGenerator<Piece> {
      try {
        for (let i = 0; ; i++) {
          if (fail && i === 3) throw new Error("no more");
          yield new Uint8Array(100_000);
        }
      } finally {
        ended++;
      }
    }
    const left = gzipPieces(pieces(false));
    await left.next();
    await left.return(undefined);
    expect(ended).toBe(1);
    const failing = async () => {
      for await (const _ of gzipPieces(pieces(true)));
    };
    await expect(failing()).rejects.toThrow("no more");
    expect(ended).toBe(2);
  });
});

describe("over HTTP", () => {
  const forms: [string, string, Record<string, string>][] = [
    ["JSON", q("SELECT * FROM m"), {}],
    ["JSON of one piece", q("SELECT v FROM m LIMIT 300"), {}],
    ["pretty JSON", `pretty=true&${q("SELECT * FROM m LIMIT 2000")}`, {}],
    ["chunks", `chunked=true&chunk_size=100&${q("SELECT * FROM m GROUP BY host")}`, {}],
    ["CSV", q("SELECT * FROM m"), { Accept: "text/csv" }],
    ["MessagePack", q("SELECT * FROM m"), { Accept: "application/x-msgpack" }],
    [
      "MessagePack in chunks",
      `chunked=true&${q("SELECT v FROM m; SHOW SERIES")}`,
      { Accept: "application/x-msgpack" },
    ],
  ];
  test.each(forms)("%s: the same answer, in fewer bytes", async (_, query, headers) => {
    const plain = await ask(query, { ...headers, "Accept-Encoding": "identity" });
    const zipped = await ask(query, { ...headers, "Accept-Encoding": "gzip" });
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    expect(zipped.headers.get("content-type")).toBe(plain.headers.get("content-type"));
    for (const { status, headers } of [plain, zipped]) {
      expect(status).toBe(200);
      expect(headers.get("vary")).toBe("Accept-Encoding");
    }
    expect(gunzipSync(zipped.sent).equals(plain.sent)).toBe(true);
    expect(zipped.sent.length).toBeLessThan(plain.sent.length / 2);
  });

  test("small answers, errors and those to clients that do not ask are as they are", async () => {
    const asked: [string, string, number][] = [
      [q("SELECT v FROM m LIMIT 10"), "gzip", 200],
      [q("SELECT v FROM nothing"), "gzip", 200],
      [q("SELECT"), "gzip", 400],
      [q("SELECT v FROM m"), "gzip;q=0", 200],
    ];
    for (const [query, accepted, status] of asked) {
      const answer = await ask(query, { "Accept-Encoding": accepted });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-encoding")).toBeNull();
      expect(Buffer.from(answer.sent).toString()).toStartWith("{");
    }
  });

  test("a page of another site may read it, and caches know both reasons for another answer", async () => {
    const authenticated = serve(db, { port: 0, authEnabled: true });
    try {
      const headers = { "Accept-Encoding": "gzip", Origin: "http://example.org" };
      await db.users.create("admin", "pw", true);
      const response = await fetch(`${authenticated.url}/query?u=admin&p=pw&db=db&${q("SELECT v FROM m")}`, {
        headers,
      });
      expect(response.headers.get("vary")).toBe("Origin, Accept-Encoding");
      expect(response.headers.get("access-control-allow-origin")).toBe("http://example.org");
    } finally {
      await authenticated.stop();
    }
  });

  test("curl --compressed and clients that inflate by themselves see nothing of it", async () => {
    const url = `${server.url}/query?db=db&epoch=ns&${q("SELECT v FROM m")}`;
    const plain = await (await fetch(url, { headers: { "Accept-Encoding": "identity" } })).text();
    expect(await (await fetch(url)).text()).toBe(plain);
    if (Bun.which("curl") === null) return;
    for (const more of [[], ["--http1.0"], ["-H", "Connection: close"]]) {
      const child = Bun.spawn(["curl", "-sS", "--compressed", ...more, url], { stdout: "pipe" });
      expect(await new Response(child.stdout).text()).toBe(plain);
      expect(await child.exited).toBe(0);
    }
  });

  test("a client that leaves ends the query", async () => {
    const before = db.queries.statistics.ended;
    const leave = new AbortController();
    const big = "SELECT * FROM m, (SELECT v FROM m), (SELECT v FROM m), (SELECT s FROM m)";
    const response = await fetch(`${server.url}/query?db=db&${q(big)}`, {
      headers: { "Accept-Encoding": "gzip" },
      signal: leave.signal,
    });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    await response.body!.getReader().read();
    leave.abort();
    for (let i = 0; i < 500 && db.queries.statistics.active > 0; i++) await Bun.sleep(10);
    expect(db.queries.statistics.active).toBe(0);
    expect(db.queries.statistics.ended).toBe(before + 1);
  });
});
