#!/usr/bin/env bun
// The command `serie`: reads the command line and runs what it asks for.
//
// Exit codes: 0 done, 1 failed, 2 the command line or configuration is wrong.
import { InputError, SerieError } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { checkExposure } from "../http/exposure.ts";
import { readConfiguration, strayVariables } from "./configuration.ts";
import { type CommandLine, parseCommandLine } from "./flags.ts";
import { helpText } from "./help.ts";
import { runInspect } from "./inspect.ts";
import { runServer } from "./server.ts";

/** Runs to the end and exits the process. */
export async function main(args: readonly string[]): Promise<never> {
  let start: () => Promise<void> | void;
  try {
    start = prepare(parseCommandLine(args));
  } catch (error) {
    fail(error instanceof InputError ? 2 : 1, error);
  }
  try {
    await start();
  } catch (error) {
    fail(1, error);
  }
  process.exit(0);
}

/** What is wrong with the command line and the configuration shows here, before anything runs. */
function prepare(line: CommandLine): () => Promise<void> | void {
  switch (line.command) {
    case "help":
      return () => console.log(helpText());
    case "version":
      return () => console.log(`serie ${version}`);
    case "inspect":
      return () => runInspect(line.operands[0] as string);
    case "server": {
      const options = readConfiguration(line, process.env);
      checkExposure(options);
      return () => runServer(options, strayVariables(process.env));
    }
  }
}

/** Errors thrown on purpose speak for themselves; others need their stack. */
function fail(code: number, error: unknown): never {
  const text = error instanceof SerieError ? error.message : ((error as Error)?.stack ?? String(error));
  console.error(`serie: ${text}`);
  process.exit(code);
}

if (import.meta.main) await main(process.argv.slice(2));
