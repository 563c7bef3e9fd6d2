// GET /metrics: the database's metrics, this process's and HTTP's own in Prometheus's text format (0.0.4).
import { type Metric, stageMetric } from "../db/status.ts";
import type { Bodies } from "./body.ts";

const REQUESTS = "serie_http_requests_total";

/** Answers with these statuses among the metrics, over all routes or over one. */
export function answersOf(
  metrics: readonly Metric[],
  accepts: (status: number) => boolean,
  route?: string,
): number {
  let sum = 0;
  for (const { name, value, labels } of metrics)
    if (
      name === REQUESTS &&
      (route === undefined || labels!.route === route) &&
      accepts(Number(labels!.status))
    )
      sum += value;
  return sum;
}

/** Answers counted by route and status. */
export class Traffic {
  readonly #counts = new Map<string, Map<number, number>>();

  count(route: string, status: number): void {
    const byStatus = this.#counts.get(route) ?? new Map<number, number>();
    if (byStatus.size === 0) this.#counts.set(route, byStatus);
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }

  *metrics(): Generator<Metric> {
    const head = { name: REQUESTS, help: "Answered requests.", type: "counter" } as const;
    for (const [route, byStatus] of this.#counts) {
      for (const [status, value] of byStatus)
        yield { ...head, value, labels: { route, status: String(status) } };
    }
  }
}

export function bodyMetrics(bodies: Bodies): Metric[] {
  const help = "Bytes of request bodies now held.";
  return [
    { name: "serie_http_inflight_bytes", help, type: "gauge", value: bodies.inflightBytes },
    stageMetric("receive", bodies.receiveMs),
    stageMetric("inflate", bodies.inflateMs),
  ];
}

export function processMetrics(): Metric[] {
  const cpu = process.cpuUsage();
  return [
    {
      name: "process_cpu_seconds_total",
      help: "User and system CPU time spent.",
      type: "counter",
      value: (cpu.user + cpu.system) / 1e6,
    },
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      value: process.memoryUsage.rss(),
    },
    {
      name: "process_start_time_seconds",
      help: "Start of the process, seconds since 1970.",
      type: "gauge",
      value: Math.round(Date.now() / 1000 - process.uptime()),
    },
  ];
}

/** Metrics of the same name stand together, under one HELP and TYPE, whatever order they come in. */
export function prometheusText(metrics: Iterable<Metric>): string {
  const families = new Map<string, string>();
  for (const { name, help, type, value, labels } of metrics) {
    const head = families.get(name) ?? `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
    families.set(name, `${head}${name}${labelText(labels)} ${valueText(value)}\n`);
  }
  return [...families.values()].join("");
}

function labelText(labels: Metric["labels"]): string {
  const pairs = Object.entries(labels ?? {}).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
