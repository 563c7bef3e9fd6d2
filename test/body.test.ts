// Bodies of requests: their memory goes with the request, not when the collector comes.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { Bodies } from "../src/http/body.ts";

const plain = new TextEncoder().encode("m v=1\n".repeat(20_000));
const zipped = new Uint8Array(gzipSync(plain));

const sent: Readonly<Record<string, RequestInit>> = {
  "of a known length": { body: plain },
  chunked: { body: new Blob([plain]).stream() },
  compressed: { body: zipped, headers: { "Content-Encoding": "gzip" } },
};

for (const [how, init] of Object.entries(sent))
  test(`a body ${how} is whole while it is used, and gone when its request is answered`, async () => {
    const bodies = new Bodies(1 << 20, 1 << 20);
    const kept: Uint8Array[] = [];
    const server = Bun.serve({
      port: 0,
      fetch: (request) =>
        bodies.with(request, async (bytes) => {
          kept.push(bytes);
          await Bun.sleep(1);
          return new Response(String(Buffer.compare(bytes, plain)));
        }),
    });
    try {
      const response = await fetch(server.url, { method: "POST", ...init });
      expect(await response.text()).toBe("0");
      expect(kept.map((bytes) => bytes.length)).toEqual([0]);
      expect(bodies.inflightBytes).toBe(0);
    } finally {
      await server.stop(true);
    }
  });

test("a body whose use fails is gone, too, and the failure is what the caller gets", async () => {
  const bodies = new Bodies(1 << 20, 1 << 20);
  let kept: Uint8Array | undefined;
  const failed = bodies.with(new Request("http://host/", { method: "POST", body: plain }), async (bytes) => {
    kept = bytes;
    throw new Error("no room");
  });
  await expect(failed).rejects.toThrow("no room");
  expect(kept?.length).toBe(0);
  expect(bodies.inflightBytes).toBe(0);
  // what the caller sent is the caller's
  expect(plain.length).toBe(120_000);
});

test("a body that another thread had room for is not refused here, beside others; inflated it may be too much", async () => {
  const bodies = new Bodies(1 << 20, 200_000);
  const request = new Request("http://host/write", { method: "POST", body: plain });
  await bodies.with(request, async () => {
    const adopted = await bodies.adopt(plain.slice(), null, async (bytes) => {
      expect(bodies.inflightBytes).toBe(240_000);
      return bytes.length;
    });
    expect(adopted).toBe(120_000);
    const inflated = bodies.adopt(zipped.slice(), "gzip", async () => 0);
    await expect(inflated).rejects.toThrow("too many bytes of request bodies are in flight");
    expect(bodies.inflightBytes).toBe(120_000);
  });
  expect(bodies.inflightBytes).toBe(0);
});
