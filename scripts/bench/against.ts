// Two revisions side by side: a copy of the other one, rounds in which both are measured, ratios with their spread.
//
// Who is first changes from round to round, so that a machine that gets slower or faster favours nobody. A ratio is
// made of two figures of one round; of the ratios stand the smallest, the median and the largest.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Product } from "./products.ts";
import { serieOf } from "./products.ts";
import { cell, type Figure, factorOf, type Section, tableText } from "./table.ts";
import { median } from "./trial.ts";

const root = join(import.meta.dir, "../..");

/**
 * The serie of a revision: its files in a folder below `folder`, with the dependencies of its own lockfile and its own
 * kernels. Throws an Error when there is no such revision, or it cannot be made ready.
 */
export function revision(folder: string, name: string, threads: number | null): Product {
  const version = output(["git", "-C", root, "rev-parse", "--short", "--verify", `${name}^{commit}`]).trim();
  const tree = join(folder, `revision-${version}`);
  mkdirSync(tree);
  const archive = join(folder, `revision-${version}.tar`);
  output(["git", "-C", root, "archive", "--format=tar", `--output=${archive}`, version]);
  output(["tar", "-xf", archive, "-C", tree]);
  output([process.execPath, "install", "--frozen-lockfile"], tree);
  output([process.execPath, "scripts/build-kernels.ts"], tree);
  return serieOf({ root: tree, version, threads });
}

/** Indexes of two products in the order in which a round measures them. */
export function orderOf(round: number): readonly (0 | 1)[] {
  return round % 2 === 0 ? [0, 1] : [1, 0];
}

/** One round: the figures of both, by the names of their columns. */
export type Round = readonly Section[];

/** Medians of both, and how many times better the first is: smallest, median and largest over the rounds. */
export function renderComparison(own: string, other: string, rounds: readonly Round[]): string {
  const rows: string[][] = [["", own, other, "× min", "× median", "× max"]];
  for (const [at, { title, figures }] of (rounds[0] ?? []).entries()) {
    const compared = figures.map((figure, i) => {
      const each = rounds.map((sections) => sections[at]!.figures[i]!);
      return [figure.name, ...compare(figure, each, own, other)];
    });
    if (compared.length > 0) rows.push([`**${title}**`, "", "", "", "", ""], ...compared);
  }
  return tableText(rows);
}

function compare(figure: Figure, each: readonly Figure[], own: string, other: string): string[] {
  const typical = (product: string) => {
    const values = each.map((one) => one.values.get(product));
    const numbers = values.filter((value) => typeof value === "number");
    return cell(figure, numbers.length === values.length ? median(numbers) : values[0]);
  };
  const ratios: number[] = [];
  for (const { values } of each) {
    const [mine, theirs] = [values.get(own), values.get(other)];
    if (typeof mine !== "number" || typeof theirs !== "number") continue;
    const factor = factorOf(figure, mine, theirs);
    if (factor !== null) ratios.push(factor);
  }
  const spread =
    ratios.length === 0 ? ["", "", ""] : [Math.min(...ratios), median(ratios), Math.max(...ratios)];
  return [typical(own), typical(other), ...spread.map((x) => (typeof x === "number" ? x.toFixed(2) : x))];
}

function output(command: readonly string[], cwd = root): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${stderr.toString().trim()}`);
  return stdout.toString();
}
