// GET /debug/vars: statistics in the form of InfluxDB 1.x's expvar, which Telegraf's `inputs.influxdb` reads.
//
//   {"system": {...}, "memstats": {...}, "httpd": {"name": "httpd", "tags": {...}, "values": {"req": 3, ...}}, ...}
//
// Names are InfluxDB's where the thing counted is the same; what only serie has stands under `serie`, by its metric's name.
import { memoryFigures } from "../base/memory.ts";
import type { Metric } from "../db/status.ts";
import { answersOf } from "./metrics.ts";
import type { Reply } from "./reply.ts";

export function debugVars(metrics: readonly Metric[], startedMs: number, reply: Reply): Response {
  const nowMs = Date.now();
  const total = (name: string) =>
    metrics.reduce((sum, metric) => (metric.name === name ? sum + metric.value : sum), 0);
  const any = () => true;
  const writeRoutes = ["/write", "/write/json", "/api/v2/write"];
  const writes = writeRoutes.reduce((sum, route) => sum + answersOf(metrics, any, route), 0);
  const stored = writeRoutes.reduce(
    (sum, route) => sum + answersOf(metrics, (status) => status === 204, route),
    0,
  );
  const { Alloc, HeapSys, Sys } = memoryFigures();
  const document: Record<string, unknown> = {
    system: {
      currentTime: new Date(nowMs).toISOString(),
      started: new Date(startedMs).toISOString(),
      uptime: Math.floor((nowMs - startedMs) / 1000),
    },
    memstats: {
      ...{ Alloc, HeapAlloc: Alloc, HeapSys, HeapInuse: Alloc, HeapIdle: HeapSys - Alloc },
      ...{ Sys, OtherSys: Sys - HeapSys },
    },
    httpd: statistic("httpd", {
      req: answersOf(metrics, any),
      queryReq: answersOf(metrics, any, "/query"),
      writeReq: writes,
      pingReq: answersOf(metrics, any, "/ping"),
      statusReq: answersOf(metrics, any, "/status"),
      clientError: answersOf(metrics, (status) => status >= 400 && status < 500),
      serverError: answersOf(metrics, (status) => status >= 500),
      authFail: answersOf(metrics, (status) => status === 401),
      writeReqBytesActive: total("serie_http_inflight_bytes"),
      pointsWrittenOK: total("serie_rows_written_total"),
      pointsWrittenDropped: total("serie_points_dropped_total"),
    }),
    write: statistic("write", {
      req: writes,
      writeOk: stored,
      writeError: writes - stored,
      pointReq: total("serie_rows_written_total") + total("serie_points_dropped_total"),
    }),
    queryExecutor: statistic("queryExecutor", { queriesExecuted: total("serie_queries_total") }),
    serie: statistic("serie", Object.fromEntries(plain(metrics))),
  };
  return reply.json(200, `${JSON.stringify(document)}\n`);
}

function statistic(name: string, values: Readonly<Record<string, number>>) {
  return { name, tags: {}, values };
}

/** Metrics without labels, `serie_` taken off. */
function* plain(metrics: readonly Metric[]): Generator<[string, number]> {
  for (const { name, value, labels } of metrics) if (!labels) yield [name.replace(/^serie_/, ""), value];
}
