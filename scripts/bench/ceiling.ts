// The ceiling of writes over HTTP: Elysia receives the bodies, the parser reads them, nothing is kept.
//
//     bun scripts/bench/ceiling.ts PORT
import { Elysia } from "elysia";
import { LineParser } from "../../src/ingest/line.ts";
import { Kernels } from "../../src/kernels/kernels.ts";

const parser = new LineParser(new Kernels());

async function receive(request: Request): Promise<Response> {
  const parsed = parser.parse(new Uint8Array(await request.arrayBuffer()), { database: "d", nowNs: 0n });
  const { errorCount } = parsed;
  parsed.free();
  return new Response(null, { status: errorCount === 0 ? 204 : 400 });
}

new Elysia()
  .get("/ready", () => new Response(null, { status: 204 }))
  .post("/write", ({ request }) => receive(request), { parse: "none" })
  .listen({ hostname: "127.0.0.1", port: Number(process.argv[2]), development: false });
