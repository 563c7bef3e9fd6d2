// Pages in browsers: whose requests are served, and who may read the answers.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import { serve } from "../src/server.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-pages-"));
const db = await Database.open({ dataDir: join(folder, "data") });
const server = serve(db, { port: 0 });
const { url } = server;
afterAll(async () => {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  for (const name of db.databases())
    for await (const { series } of db.run(`DROP DATABASE ${name}`)) for await (const _ of series);
});

const evil = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
const own = { Origin: "http://localhost:3000", "Sec-Fetch-Site": "cross-site" };
const paths = ["/query?q=CREATE+DATABASE+made", "/write?db=d", "/write/json?db=d", "/api/v2/write?bucket=d"];
const sent = (headers: Record<string, string>, base = url, method = "POST") =>
  Promise.all(
    paths.map((path) =>
      fetch(base + path, {
        method,
        headers,
        body: method !== "POST" ? null : path.startsWith("/write/json") ? "[]" : "m f=1 1",
      }),
    ),
  );

test("another site's change nothing and read nothing where everybody is let in", async () => {
  for (const answer of await sent(evil)) {
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  }
  // a link, an image: no Origin
  const linked = await fetch(`${url}/query?q=CREATE+DATABASE+made`, {
    headers: { "Sec-Fetch-Site": "cross-site" },
  });
  expect(linked.status).toBe(403);
  for (const path of ["/metrics", "/debug/vars"])
    expect((await fetch(url + path, { headers: evil })).status).toBe(403);
  for (const answer of await sent(evil, url, "OPTIONS"))
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  expect(db.databases()).toEqual([]);
});

test("a page whose name was made to lead here is known by it, though its browser does not say whose it is", async () => {
  const named = (headers: Record<string, string>) =>
    Promise.all(
      [`${url}/query?q=CREATE+DATABASE+made`, `${url}/query?q=SHOW+DATABASES`].map(
        async (each) => (await fetch(each, { headers })).status,
      ),
    );
  for (const headers of [
    { Host: "evil.example:8086" },
    { Host: "evil.example:8086", Origin: "http://evil.example:8086" },
    { Origin: "http://evil.example:8086" },
    { Origin: "null" },
  ])
    expect(await named(headers)).toEqual([403, 403]);
  expect(db.databases()).toEqual([]);
  for (const Host of ["localhost:8086", "127.0.0.1", "[::1]:8086", "10.0.0.7:8086"])
    expect(await named({ Host })).toEqual([200, 200]);
});

test("this machine's do, and those of the same site, as behind a proxy", async () => {
  for (const headers of [own, { Origin: "https://app.example", "Sec-Fetch-Site": "same-origin" }])
    for (const answer of await sent(headers)) expect(answer.status).toBeLessThan(300);
  for (const method of ["OPTIONS", "POST"])
    for (const answer of await sent(own, url, method)) {
      expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
      expect(answer.headers.get("access-control-allow-headers")).toContain("Authorization");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
});

test("any may ask where authentication is on", async () => {
  const closed = serve(db, { port: 0, authEnabled: true });
  for (const method of ["OPTIONS", "POST"])
    for (const answer of await sent(evil, closed.url, method)) {
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://evil.example");
      expect(answer.headers.get("vary")).toBe("Origin");
    }
  expect(db.databases()).toEqual([]);
  await closed.stop();
});
