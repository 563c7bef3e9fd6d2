// Figures of what is measured beside loads and queries (see figures.ts).
import { DASHBOARDS, type DashboardsResult } from "./dashboards.ts";
import type { Dataset } from "./dataset.ts";
import type { FigureMaker, Measured } from "./figures.ts";
import { paths, type Query, queries } from "./queries.ts";
import { shapeNames, shapes } from "./shapes.ts";
import { SINGLES_CONNECTIONS, type SingleForm, type SinglesResult, singleForms } from "./singles.ts";
import {
  megabytes,
  megabytesPerS,
  microseconds,
  millions,
  milliseconds,
  plain,
  type Section,
  thousands,
} from "./table.ts";
import type { LoadResult } from "./trial.ts";
import { FIELD_COUNT, kindNames } from "./tsbs.ts";

/** Every query as it was asked again and again, what other paths cost, and each of a server that has to read its data. */
export function querySections(figure: FigureMaker, measured: ReadonlyMap<string, Measured>): Section[] {
  const asked = new Set<Query>([...measured.values()].flatMap((one) => [...one.queries.keys()]));
  const median = (query: Query) =>
    figure(`${query.name}: ${query.meaning}`, "less", milliseconds, (one) => {
      const result = one.queries.get(query);
      return result === undefined ? undefined : (result?.medianMs ?? null);
    });
  const speed = (query: Query) =>
    figure("the same, JSON a second", "more", megabytesPerS, (one) => {
      const result = one.queries.get(query);
      return result?.answerBytes ? result.answerBytes / result.medianMs / 1e3 : undefined;
    });
  const wide = paths.filter((query) => asked.has(query));
  return [
    { title: "queries, median", figures: queries.filter((query) => asked.has(query)).map(median) },
    {
      title: "other paths, median",
      figures: wide.flatMap((query) => (query.rows ? [median(query), speed(query)] : [median(query)])),
    },
    {
      title: "the same queries, each the first after a start with a cold page cache, median",
      figures: queries.map((query) => figure(query.name, "less", milliseconds, (one) => one.cold.get(query))),
    },
    {
      title: "the same with a cold page cache, after the same over other, small data for a while, median",
      figures: queries.map((query) =>
        figure(query.name, "less", milliseconds, (one) => one.coldWarm.get(query)),
      ),
    },
  ];
}

/** Whether any product has any figure of it. */
export function isMeasured({ figures }: Section): boolean {
  return figures.some(({ values }) => values.size > 0);
}

/** Enough to keep several threads of a server busy: each has a body to work on while it waits for the disk. */
export const MANY_CONNECTIONS = 16;

/** What a load of the first kind is when its bodies are compressed: to send them takes next to nothing of the server's cores. */
export function gzipSection(figure: FigureMaker, { bodies, kind }: Dataset): Section {
  const loaded = ({ report }: LoadResult, value: (values: number) => number) =>
    report.complete ? value(bodies.rowCount * FIELD_COUNT) : ("not in time" as const);
  const perS = (load: LoadResult | undefined) =>
    load && loaded(load, (values) => (values / load.report.elapsedMs) * 1e3);
  const perCpuS = (load: LoadResult | undefined) =>
    load && loaded(load, (values) => values / load.answeredCpuS);
  return {
    title: `load of gzip bodies, ${kindNames[kind]}`,
    figures: [
      figure("values a second", "more", millions, ({ gzip }) => perS(gzip)),
      figure("values a CPU second, to the last answer", "more", millions, ({ gzip }) => perCpuS(gzip)),
      figure(`values a second from ${MANY_CONNECTIONS} connections`, "more", millions, ({ gzipOfMany }) =>
        perS(gzipOfMany),
      ),
      figure(
        `values a CPU second from ${MANY_CONNECTIONS} connections, to the last answer`,
        "more",
        millions,
        ({ gzipOfMany }) => perCpuS(gzipOfMany),
      ),
    ],
  };
}

const stageNames = {
  receive: "receive, with waiting",
  inflate: "inflate",
  parse: "parse",
  log: "append to the log",
  sync: "sync of the log, beside other work",
  memtable: "memtable",
  flush: "flush of what filled memory, with pauses",
  encode: "encode, in these flushes and merges",
} as const;

/** Where the time of the first kind's load goes, over all threads. */
export function stageSection(figure: FigureMaker, { bodies, kind }: Dataset): Section {
  const values = bodies.rowCount * FIELD_COUNT;
  return {
    title: `stages of the load, ns a value, ${kindNames[kind]}`,
    figures: Object.entries(stageNames).map(([stage, name]) =>
      figure(name, "less", plain, (one) => {
        const load = one.loads.get(kind);
        const seconds = load?.report.complete ? load.stages.get(stage) : undefined;
        return seconds === undefined ? undefined : (seconds * 1e9) / values;
      }),
    ),
  };
}

export function dashboardSection(figure: FigureMaker): Section {
  const of = (value: (result: DashboardsResult) => number) => (one: Measured) =>
    one.dashboards && value(one.dashboards);
  return {
    title: `${DASHBOARDS} dashboards, random queries that all can answer`,
    figures: [
      figure(
        "queries a second",
        "more",
        plain,
        of(({ alone }) => alone.perS),
      ),
      figure(
        "answer, 99 of 100",
        "less",
        milliseconds,
        of(({ alone }) => alone.p99Ms),
      ),
      figure(
        "queries a second beside full ingest",
        "more",
        plain,
        of(({ besideIngest }) => besideIngest.perS),
      ),
      figure(
        "answer, 99 of 100, beside full ingest",
        "less",
        milliseconds,
        of(({ besideIngest }) => besideIngest.p99Ms),
      ),
      figure(
        "values a second into the loaded server",
        "more",
        millions,
        of(({ ingestAlone }) => ingestAlone),
      ),
      figure(
        "values a second beside the dashboards",
        "more",
        millions,
        of(({ ingestBeside }) => ingestBeside),
      ),
      figure(
        "ingest lost to the dashboards",
        "less",
        (value) => `${(value * 100).toFixed(0)} %`,
        of(({ ingestAlone, ingestBeside }) => 1 - ingestBeside / ingestAlone),
      ),
      figure(
        "memory under this load, median",
        "less",
        megabytes,
        of(({ rssBytes }) => rssBytes),
      ),
    ],
  };
}

/** Strings are values as others are; VictoriaMetrics keeps a number in their place. */
export function shapeSection(figure: FigureMaker): Section {
  return {
    title: "bytes a value on disk, other kinds of values",
    figures: shapes.map((shape) =>
      figure(shapeNames[shape], "less", plain, (one) => one.shapes.get(shape)?.bytesPerValue),
    ),
  };
}

const formNames: Readonly<Record<SingleForm, string>> = { line: "line protocol", json: "JSON" };

export function singlesSections(figure: FigureMaker): Section[] {
  return singleForms.map((form) => {
    const of = (value: (result: SinglesResult) => number) => (one: Measured) => {
      const result = one.singles.get(form);
      return result ? value(result) : result;
    };
    return {
      title: `single points from ${SINGLES_CONNECTIONS} connections, ${formNames[form]}`,
      figures: [
        figure(
          "writes a second",
          "more",
          thousands,
          of((result) => result.perS),
        ),
        figure(
          "answer, median",
          "less",
          milliseconds,
          of((result) => result.medianMs),
        ),
        figure(
          "answer, 99 of 100",
          "less",
          milliseconds,
          of((result) => result.p99Ms),
        ),
        figure(
          "CPU of a write",
          "less",
          microseconds,
          of((result) => result.cpuUs),
        ),
      ],
    };
  });
}
