// Figures of what is measured beside loads and queries (see figures.ts).
import type { FigureMaker } from "./figures.ts";
import { SINGLES_CONNECTIONS, type SingleForm, type SinglesResult, singleForms } from "./singles.ts";
import { microseconds, milliseconds, type Section, thousands } from "./table.ts";

/** Whether any product has any figure of it. */
export function isMeasured({ figures }: Section): boolean {
  return figures.some(({ values }) => values.size > 0);
}

const formNames: Readonly<Record<SingleForm, string>> = { line: "line protocol", json: "JSON" };

export function singlesSections(figure: FigureMaker): Section[] {
  return singleForms.map((form) => {
    const of =
      (value: (result: SinglesResult) => number) => (one: Parameters<Parameters<FigureMaker>[3]>[0]) => {
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
