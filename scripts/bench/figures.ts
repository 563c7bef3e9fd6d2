// Which figures the benchmark reports, and how they follow from what was measured.
import type { ParserSpeed } from "../bench-parser.ts";
import type { DashboardsResult } from "./dashboards.ts";
import type { Bodies, Dataset } from "./dataset.ts";
import {
  dashboardSection,
  gzipSection,
  isMeasured,
  querySections,
  shapeSection,
  singlesSections,
  stageSection,
} from "./figures-more.ts";
import type { Query } from "./queries.ts";
import type { Shape } from "./shapes.ts";
import type { SingleForm, SinglesResult } from "./singles.ts";
import {
  type Figure,
  megabytes,
  megabytesPerS,
  millions,
  milliseconds,
  plain,
  type Section,
  seconds,
} from "./table.ts";
import type { LoadResult, QueryResult } from "./trial.ts";
import { FIELD_COUNT, type Kind, kindNames } from "./tsbs.ts";

/** What a shape of data takes. */
export interface ShapeResult {
  readonly bytesPerValue: number;
}

/** Everything measured on one product. What is absent was not measured. */
export interface Measured {
  readonly loads: Map<Kind, LoadResult>;
  readonly queries: Map<Query, QueryResult | null>;
  /** Medians, ms, each time the first after a start with a cold page cache; null: the product has no such query. */
  readonly cold: Map<Query, number | null>;
  /** The same, but for the start: the server has answered the query over other data before. */
  readonly coldWarm: Map<Query, number | null>;
  /** Of the parser alone, in this process. */
  readonly parser: Map<Kind, ParserSpeed>;
  /** Values a second that a column's pages are summed at, in this process. */
  readonly folds: Map<Kind, number>;
  /** null: the product takes no such form. */
  readonly singles: Map<SingleForm, SinglesResult | null>;
  /** The first kind's bodies as gzip. */
  gzip?: LoadResult;
  /** The same from MANY_CONNECTIONS. */
  gzipOfMany?: LoadResult;
  /** Values a CPU second of Elysia and the parser alone, by kind. */
  readonly ceiling: Map<Kind, number>;
  dashboards?: DashboardsResult;
  readonly shapes: Map<Shape, ShapeResult>;
  burst?: LoadResult;
  startMs?: number;
}

export type Value = number | null | string | undefined;
/** Makes a figure of what was measured on each product; undefined: not measured. */
export type FigureMaker = (
  name: string,
  better: Figure["better"],
  format: Figure["format"],
  of: (one: Measured) => Value,
) => Figure;

export function sections(
  measured: ReadonlyMap<string, Measured>,
  datasets: readonly Dataset[],
  burst: Bodies | null,
): Section[] {
  const figure: FigureMaker = (name, better, format, of) => {
    const values = new Map<string, number | null | string>();
    for (const [product, one] of measured) {
      const value = of(one);
      if (value !== undefined) values.set(product, value);
    }
    return { name, better, format, values };
  };

  const loads = datasets.map((data): Section => {
    const of = (value: (load: LoadResult, values: number) => number) => (one: Measured) => {
      const load = one.loads.get(data.kind);
      if (!load) return undefined;
      return load.report.complete ? value(load, data.bodies.rowCount * FIELD_COUNT) : "not in time";
    };
    return {
      title: `load, ${kindNames[data.kind]}`,
      figures: [
        figure(
          "rows a second",
          "more",
          millions,
          of((load) => (load.report.rowCount / load.report.elapsedMs) * 1e3),
        ),
        figure(
          "values a second",
          "more",
          millions,
          of((load, values) => (values / load.report.elapsedMs) * 1e3),
        ),
        figure(
          "values a CPU second, to the last answer",
          "more",
          millions,
          of((load, values) => values / load.answeredCpuS),
        ),
        figure("the same of Elysia and the parser alone: the ceiling", "more", millions, (one) =>
          one.ceiling.get(data.kind),
        ),
        figure(
          "values a CPU second, flushed",
          "more",
          millions,
          of((load, values) => values / load.flushedCpuS),
        ),
        figure(
          "answer to a batch, 99 of 100",
          "less",
          milliseconds,
          of((load) => load.report.p99Ms),
        ),
        figure(
          "bytes a value on disk",
          "less",
          plain,
          of((load, values) => load.sizeBytes / values),
        ),
        figure(
          "peak memory",
          "less",
          megabytes,
          of((load) => load.peakRssBytes),
        ),
        figure(
          "memory once it has come to rest",
          "less",
          megabytes,
          of((load) => load.steadyRssBytes),
        ),
      ],
    };
  });

  const alone: Section = {
    title: "alone, one core",
    figures: datasets.flatMap((data) => [
      figure(
        `parser of line protocol, ${kindNames[data.kind]}`,
        "more",
        megabytesPerS,
        (one) => one.parser.get(data.kind)?.megabytesPerS,
      ),
      figure(`sum of a column of pages, values a second, ${kindNames[data.kind]}`, "more", millions, (one) =>
        one.folds.get(data.kind),
      ),
    ]),
  };
  const questions = querySections(figure, measured);

  const start: Section = {
    title: "start-up with this data",
    figures: [figure("until ready", "less", milliseconds, (one) => one.startMs)],
  };
  const more = [
    gzipSection(figure, datasets[0]!),
    stageSection(figure, datasets[0]!),
    ...singlesSections(figure),
    dashboardSection(figure),
    shapeSection(figure),
  ];
  if (burst === null) return [alone, ...loads, ...questions, start, ...more].filter(isMeasured);

  const ofBurst = (value: (load: LoadResult) => number) => (one: Measured) => {
    if (!one.burst) return undefined;
    const { report } = one.burst;
    return report.complete ? value(one.burst) : `> ${(report.elapsedMs / 1e3).toFixed(0)} s`;
  };
  const newSeries: Section = {
    title: `${burst.rowCount.toLocaleString("en")} new series x ${FIELD_COUNT} fields`,
    figures: [
      figure(
        "time",
        "less",
        seconds,
        ofBurst((load) => load.report.elapsedMs / 1e3),
      ),
      figure("peak memory", "less", megabytes, (one) => one.burst?.peakRssBytes),
    ],
  };
  return [alone, ...loads, ...questions, start, newSeries, ...more].filter(isMeasured);
}
