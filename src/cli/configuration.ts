// Options of a server: flags over the environment over a TOML file over the defaults.
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { InputError } from "../base/errors.ts";
import {
  environmentName,
  kebabName,
  type OptionLayer,
  type OptionName,
  type Options,
  optionNames,
  resolveLayers,
} from "../db/options.ts";
import type { CommandLine } from "./flags.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `InputError`, which names the flag, variable or file and key that is wrong. */
export function readConfiguration(line: CommandLine, environment: Environment): Options {
  const layers: OptionLayer[] = [
    { values: line.options, nameOf: (name) => `--${kebabName(name)}` },
    { values: fromEnvironment(environment), nameOf: environmentName },
  ];
  const file = line.configFile ?? (environment["SERIE_CONFIG"] || undefined);
  if (file !== undefined) layers.push(fromFile(file));
  return resolveLayers(layers);
}

/** An empty variable counts as unset. */
function fromEnvironment(environment: Environment): OptionLayer["values"] {
  const values: { [K in OptionName]?: string } = {};
  for (const name of optionNames) {
    const text = environment[environmentName(name)];
    if (text) values[name] = text;
  }
  return values;
}

/**
 * A warning for each variable `SERIE_...` that nothing reads, with the known one that is nearest. No error: others set such
 * names too (Kubernetes, for a service called `serie`: `SERIE_SERVICE_HOST`).
 */
export function strayVariables(environment: Environment): string[] {
  const known = ["SERIE_CONFIG", ...optionNames.map(environmentName)];
  return Object.keys(environment)
    .filter((name) => name.startsWith("SERIE_") && environment[name] && !known.includes(name))
    .map((name) => {
      const [nearest] = known.toSorted((a, b) => editDistance(name, a) - editDistance(name, b));
      return `the environment variable ${name} is not read: \`serie --help\` lists those that are, the nearest is ${nearest}`;
    });
}

/** Levenshtein's: how many letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
  }
  return row[to.length]!;
}

function fromFile(file: string): OptionLayer {
  let document: Record<string, unknown>;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InputError(`config file ${file}: ${(error as Error).message.trimEnd()}`);
  }
  const values: { [K in OptionName]?: unknown } = {};
  for (const [key, value] of Object.entries(document)) {
    const name = optionNames.find((candidate) => kebabName(candidate) === key);
    if (!name) {
      const keys = optionNames.map(kebabName).join(", ");
      throw new InputError(`config file ${file}: unknown key ${JSON.stringify(key)}: the keys are ${keys}`);
    }
    values[name] = value;
  }
  return { values, nameOf: (name) => `config file ${file}: ${kebabName(name)}` };
}
