// Installs the servers and clients that tests compare serie with: `bun scripts/peers.ts`. Nothing is needed to build or to run serie.
//
// A peer that is there is left as it is; one that cannot be had (no root, no network, no Debian) is skipped, and the tests that need
// it are too. So this never fails: it says a line for each peer and ends with 0.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pythonFolder } from "./python-client.ts";

/** Longer than a slow mirror needs, shorter than a CI's patience. */
const TIMEOUT_MS = 240_000;

interface Peer {
  readonly name: string;
  /** What cannot run without it. */
  readonly serves: string;
  isThere(): boolean;
  /** Returns why it could not be installed, or null. */
  install(): Promise<string | null>;
}

const debian = (name: string, program: string, serves: string): Peer => ({
  name,
  serves,
  isThere: () => Bun.which(program) !== null,
  install: () => installPackage(name),
});

const peers: readonly Peer[] = [
  debian("influxdb", "influxd", "the differential tests of InfluxQL"),
  debian("influxdb-client", "influx", "the tests of the influx shell"),
  {
    name: "Python's influxdb",
    serves: "the test of Python's client",
    isThere: () => existsSync(join(pythonFolder, "influxdb")),
    install: () =>
      Bun.which("python3") === null
        ? Promise.resolve("there is no python3")
        : run("python3", "-m", "pip", "install", "-q", "--target", pythonFolder, "influxdb==5.3.2"),
  },
];

/** The lists of packages are fetched once, and only when a package is missing. */
let updated: Promise<string | null> | undefined;

async function installPackage(name: string): Promise<string | null> {
  if (Bun.which("apt-get") === null) return "this is no Debian";
  if (process.getuid?.() !== 0) return `only root can; run: apt-get install ${name}`;
  updated ??= run("apt-get", "update", "-q");
  const failed = await updated;
  if (failed !== null) return failed;
  // a package that starts a service would take port 8086: the tests start their own servers
  return await run("apt-get", "install", "-q", "-y", "--no-install-recommends", name);
}

/** The last line of what it wrote when it failed. */
async function run(...command: string[]): Promise<string | null> {
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIMEOUT_MS,
    // RUNLEVEL=1: Debian's scripts start no service then
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode === 0) return null;
  const last = (errors.trim() || output.trim()).split("\n").at(-1);
  return `${command.join(" ")}: ${child.signalCode === null ? last : `ended after ${TIMEOUT_MS / 1000} s`}`;
}

for (const peer of peers) {
  if (peer.isThere()) {
    console.log(`peers: ${peer.name}: there`);
    continue;
  }
  console.log(`peers: ${peer.name}: installing`);
  const failure = await peer.install();
  console.log(
    failure === null
      ? `peers: ${peer.name}: installed`
      : `peers: ${peer.name}: not there, so ${peer.serves} will be skipped: ${failure}`,
  );
}
