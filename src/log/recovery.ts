// What a log does when it opens: finds what is whole, judges what is not, and makes the files whole again.
//
//   scan     every file, every checksum                                 (reader.ts)
//   judge    pure: what each file should hold                           -> verdicts
//   repair   quarantine, rewrite, cut, sync: before any new append      -> a log without a bad byte in it
//
// Judgement. Bad bytes where position p was expected:
//   nothing whole behind them, nothing says p was synced   torn tail: cut, warned about
//   otherwise                                              the file goes to quarantine/, what is whole of it stays, a
//                                                          SKIP frame stands for what is gone; reported as corruption
//                                                          when p was synced, else as a warning (a crash may write
//                                                          later pages and lose earlier ones)
//
// Every moment at which a crash may strike, and what the next recovery then sees:
//   during an append                     a short, zeroed or mixed tail: torn, never acknowledged
//   rotation, new name not durable       the file is not there; its records were never acknowledged
//   rotation, header missing or zeros    a blank last file: removed
//   rotation, end of the old file lost   positions missing between two files, not synced: a SKIP and a warning, or, when
//                                        the new file has no records, the new file is removed
//   trim                                 files go oldest first, each durably: the rest has no gap
//   repair, before the rename            the damaged original under its name, perhaps a copy in quarantine/: done again
//   repair, after the rename             a whole file
//   repair, between cut and sync         the torn tail again, with nothing written behind it: cut again
// Appends start only after the repair is durable, so a second crash never meets bytes of the first one.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, makeDurableFolder, replaceFile } from "../disk/disk.ts";
import type { LogPosition } from "../model/log.ts";
import {
  encodeFileHeader,
  type FileHeader,
  FRAME_BYTES,
  HEADER_BYTES,
  parseFileName,
  SKIP,
} from "./format.ts";
import { type FileScan, type Run, scanFile } from "./reader.ts";
import { skipFrame } from "./writer.ts";

export interface RecoveryReport {
  /** Whole records found, and the bytes of their payloads. */
  records: number;
  recordBytes: number;
  /** Bytes cut from the end of the log: the trace of a crash in the middle of a write. */
  tornBytes: number;
  /** Normal after a crash, worth a line in the server's log. */
  warnings: string[];
  /** Acknowledged records are damaged or gone: for `/health`. */
  corruptions: CorruptionError[];
  /** Files in quarantine because of this recovery, as they were found. */
  quarantined: string[];
}

/** A log file that holds positions from `firstPosition` up to the next file's. */
export interface LogFile {
  path: string;
  firstPosition: LogPosition;
}

export interface Recovered {
  files: LogFile[];
  /** Position that the next record gets. */
  next: LogPosition;
  /** Header of the last file and the kind of its last frame (0: none); undefined when there is no file. */
  tail: { header: FileHeader; lastKind: number } | undefined;
  report: RecoveryReport;
}

interface Candidate extends LogFile {
  scan: FileScan;
  /** Shorter than a header, or nothing but zeros: a file whose creation was interrupted. */
  blank: boolean;
}

type Skip = { first: LogPosition; next: LogPosition };

interface Verdict {
  file: Candidate;
  action: "keep" | "truncate" | "rewrite" | "remove";
  quarantine: boolean;
  /** What the file should hold, in order. */
  pieces: (Run | Skip)[];
}

export async function recover(disk: Disk, folder: string, salt: () => bigint): Promise<Recovered> {
  await makeDurableFolder(disk, folder);
  const { verdicts, next, report } = judge(scanFolder(disk, folder));
  const tail = await repair(disk, folder, verdicts, salt, report);
  const files = verdicts
    .filter(({ action }) => action !== "remove")
    .map(({ file: { path, firstPosition } }) => ({ path, firstPosition }));
  return { files, next, tail, report };
}

function scanFolder(disk: Disk, folder: string): Candidate[] {
  const candidates: Candidate[] = [];
  let buffer = new Uint8Array(0);
  for (const name of disk.list(folder)) {
    const path = `${folder}/${name}`;
    const firstPosition = parseFileName(name);
    if (firstPosition === undefined) {
      if (name.endsWith(".tmp")) disk.unlink(path);
      continue;
    }
    // read, not mapped: the file may be cut, and cutting a mapped file kills the process
    const file = disk.open(path, "read");
    if (buffer.length < file.sizeBytes) buffer = new Uint8Array(file.sizeBytes);
    const bytes = buffer.subarray(0, file.read(0, buffer.subarray(0, file.sizeBytes)));
    file.close();
    let scan = scanFile(path, bytes);
    if (scan.header && scan.header.firstPosition !== firstPosition)
      scan = {
        sizeBytes: bytes.length,
        header: undefined,
        runs: [],
        damage: [
          {
            offset: 0,
            end: bytes.length,
            reason: `the name says that the file begins at position ${firstPosition}, its header says ${scan.header.firstPosition}`,
          },
        ],
        syncedPosition: 0,
      };
    const blank = !scan.header && (bytes.length < HEADER_BYTES || bytes.every((byte) => byte === 0));
    candidates.push({ path, firstPosition, scan, blank });
  }
  return candidates;
}

/** Pure: what should become of each file. */
function judge(files: Candidate[]): { verdicts: Verdict[]; next: LogPosition; report: RecoveryReport } {
  const report: RecoveryReport = {
    records: 0,
    recordBytes: 0,
    tornBytes: 0,
    warnings: [],
    corruptions: [],
    quarantined: [],
  };
  const synced = files.reduce((newest, { scan }) => Math.max(newest, scan.syncedPosition), 0);
  const lastWithRecords = files.findLastIndex(({ scan }) => scan.runs.length > 0);
  const verdicts: Verdict[] = [];
  let expected = files[0]?.firstPosition ?? 1;

  /** Positions from `expected` to `next` - 1 are gone, at this place. */
  const lose = (file: Candidate, offset: number, next: LogPosition, reason: string): Skip => {
    const range = next - expected === 1 ? `record ${expected} is` : `records ${expected} to ${next - 1} are`;
    if (synced >= expected)
      report.corruptions.push(new CorruptionError(file.path, offset, `${reason}; ${range} lost`));
    else
      report.warnings.push(
        `${file.path}: ${range} lost in a crash, before being acknowledged (at byte ${offset}: ${reason})`,
      );
    const skip = { first: expected, next };
    expected = next;
    return skip;
  };
  const tear = (verdict: Verdict, keepBytes: number) => {
    const torn = verdict.file.scan.sizeBytes - keepBytes;
    report.tornBytes += torn;
    report.warnings.push(
      `${verdict.file.path}: cut ${torn} bytes of an unfinished write at byte ${keepBytes}`,
    );
    verdict.action = keepBytes === 0 ? "remove" : "truncate";
  };

  for (const [index, file] of files.entries()) {
    const { scan, firstPosition } = file;
    const verdict: Verdict = { file, action: "keep", quarantine: false, pieces: [] };
    verdicts.push(verdict);
    const isTail = index >= lastWithRecords;
    const hasRecords = scan.runs.length > 0;
    if (index > lastWithRecords && synced < expected && (firstPosition !== expected || file.blank)) {
      tear(verdict, 0);
      continue;
    }
    if (firstPosition < expected) {
      const reason = `positions from ${firstPosition} on are in an earlier file already`;
      report.corruptions.push(new CorruptionError(file.path, 0, reason));
      verdict.action = "remove";
      verdict.quarantine = true;
      continue;
    }
    const before = verdicts.at(-2);
    if (firstPosition > expected && before) {
      const { damage, sizeBytes } = before.file.scan;
      const reason = damage.at(-1)?.reason ?? "the file ends early";
      before.pieces.push(lose(before.file, damage.at(-1)?.offset ?? sizeBytes, firstPosition, reason));
      before.action = "rewrite";
    }

    const lastDamage = scan.damage.at(-1);
    const trailing = lastDamage && lastDamage.end === scan.sizeBytes ? lastDamage : undefined;
    for (const run of scan.runs) {
      const damage = scan.damage.findLast(({ end }) => end <= run.offset);
      if (run.first > expected)
        verdict.pieces.push(
          lose(file, damage?.offset ?? run.offset, run.first, damage?.reason ?? "positions are missing"),
        );
      else if (run.first < expected) {
        const reason = `position ${run.first} stands behind position ${expected - 1}`;
        report.corruptions.push(new CorruptionError(file.path, run.offset, reason));
        verdict.action = "rewrite";
        verdict.quarantine = true;
        continue;
      }
      verdict.pieces.push(run);
      expected = run.next;
      report.records += run.records;
      report.recordBytes += run.recordBytes;
    }
    const innerDamage = scan.damage.length - (trailing ? 1 : 0);
    if (innerDamage > 0 || verdict.pieces.length > scan.runs.length) {
      verdict.action = "rewrite";
      verdict.quarantine = true;
    }
    if (!trailing) continue;
    if (isTail && scan.header && synced < expected) {
      const cut = verdict.action;
      tear(verdict, trailing.offset);
      if (cut === "rewrite") verdict.action = "rewrite";
    } else {
      verdict.action = "rewrite";
      verdict.quarantine = true;
      // how many records were behind is known from the next file or from `synced`; without both, no more than fit
      const following = files[index + 1]?.firstPosition;
      const most = scan.header ? 0 : Math.floor(scan.sizeBytes / FRAME_BYTES);
      if (following === undefined)
        verdict.pieces.push(
          lose(file, trailing.offset, Math.max(expected + most, synced) + 1, trailing.reason),
        );
      else if (!hasRecords && following > expected)
        verdict.pieces.push(lose(file, trailing.offset, following, trailing.reason));
    }
  }
  return { verdicts, next: expected, report };
}

async function repair(
  disk: Disk,
  folder: string,
  verdicts: Verdict[],
  salt: () => bigint,
  report: RecoveryReport,
): Promise<Recovered["tail"]> {
  // quarantine first: nothing is changed before what it was is safe
  for (const { file, quarantine } of verdicts)
    if (quarantine) report.quarantined.push(await copyToQuarantine(disk, folder, file.path));
  // newest first: what is left never has a gap before a file that should be gone
  for (const { file, action } of verdicts.toReversed()) {
    if (action !== "remove") continue;
    disk.unlink(file.path);
    await disk.syncFolder(folder);
  }
  let tail: Recovered["tail"];
  for (const { file, action, pieces } of verdicts) {
    if (action === "remove") continue;
    const header =
      action === "rewrite" || !file.scan.header
        ? { firstPosition: file.firstPosition, syncedPosition: 0, salt: file.scan.header?.salt ?? salt() }
        : file.scan.header;
    if (action === "rewrite") await rewrite(disk, file.path, header, pieces);
    const last = pieces.at(-1);
    tail = { header, lastKind: last === undefined ? 0 : "offset" in last ? last.lastKind : SKIP };
    // what a killed process left in the page cache becomes durable here, before it is taken for durable
    const handle = disk.open(file.path, "append");
    if (action === "truncate") handle.truncate(file.scan.damage.at(-1)!.offset);
    await handle.sync();
    handle.close();
  }
  await disk.syncFolder(folder);
  return tail;
}

async function copyToQuarantine(disk: Disk, folder: string, path: string): Promise<string> {
  const quarantine = `${folder}/quarantine`;
  await makeDurableFolder(disk, quarantine);
  const name = path.slice(folder.length + 1);
  let copy = `${quarantine}/${name}`;
  for (let number = 2; disk.exists(copy); number++) copy = `${quarantine}/${name}.${number}`;
  await replaceFile(disk, copy, disk.readFile(path));
  return copy;
}

async function rewrite(disk: Disk, path: string, header: FileHeader, pieces: (Run | Skip)[]): Promise<void> {
  const old = disk.readFile(path);
  const parts = [encodeFileHeader(header)];
  for (const piece of pieces)
    parts.push(
      "offset" in piece
        ? old.subarray(piece.offset, piece.end)
        : skipFrame(piece.first, 0, piece.next, header.salt),
    );
  await replaceFile(disk, path, Buffer.concat(parts));
}
