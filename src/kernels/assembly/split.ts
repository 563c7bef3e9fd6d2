// Splitting a WriteBatch (model/batch.ts draws its bytes) by the owners of its series' partitions: each part is a batch of
// the same form with the rows, series and fields that concern one owner, in their order.
import { andMasks, gather, gatherBytes } from "./masks";
import { countPresent, decodePresence, encodePresence } from "./presence";

const STRING: u32 = 5;
const BOOLEAN: u32 = 4;
const OTHERS: u32 = 0xffff_ffff;

// of a table in the batch
const ROWS: usize = 4;
const SERIES: usize = 8;
const FIELDS: usize = 12;
const NAME_LENGTH: usize = 16;
const HEADER: usize = 24;
const SERIES_ENTRY: usize = 16;
const FIELD_ENTRY: usize = 32;

@inline function align8(offset: usize): usize {
  return (offset + 7) & ~7;
}

// Zeros up to the next multiple of 8, which it gives.
@inline function pad(at: usize): usize {
  const end = align8(at);
  while (at < end) store<u8>(at++, 0);
  return end;
}

@inline function firstTable(batch: usize): usize {
  return batch + align8(40 + load<u16>(batch, 32) + load<u16>(batch, 34));
}

@inline function seriesOf(table: usize): usize {
  return table + HEADER + align8(load<u32>(table, NAME_LENGTH));
}

@inline function fieldsOf(table: usize): usize {
  return seriesOf(table) + <usize>load<u32>(table, SERIES) * SERIES_ENTRY;
}

// Where the series of the rows stand: behind the keys and the names, which end where the last of them ends.
function rowSeriesOf(table: usize): usize {
  const series = seriesOf(table);
  const fields = fieldsOf(table);
  let end: u32 = <u32>(fields - table) + load<u32>(table, FIELDS) * <u32>FIELD_ENTRY;
  for (let s: u32 = 0; s < load<u32>(table, SERIES); s++) {
    const entry = series + <usize>s * SERIES_ENTRY;
    end = max(end, load<u32>(entry, 8) + load<u32>(entry, 12));
  }
  for (let f: u32 = 0; f < load<u32>(table, FIELDS); f++) {
    const entry = fields + <usize>f * FIELD_ENTRY;
    end = max(end, load<u32>(entry) + load<u32>(entry, 4));
  }
  return table + align8(end);
}

/**
 * Counts the rows of each owner into u32[] at `rows` (zeroed by the caller). `owners`: u8 a partition. `work`: as large as the
 * batch.
 */
export function batchOwners(batch: usize, owners: usize, partitions: u32, work: usize, rows: usize): void {
  let table = firstTable(batch);
  for (let t: u32 = 0; t < load<u32>(batch, 8); t++) {
    const series = seriesOf(table);
    const seriesCount = load<u32>(table, SERIES);
    for (let s: u32 = 0; s < seriesCount; s++) {
      const hash = load<u64>(series + <usize>s * SERIES_ENTRY);
      store<u8>(work + s, load<u8>(owners + <usize>(hash % <u64>partitions)));
    }
    const rowSeries = rowSeriesOf(table);
    const end = rowSeries + (<usize>load<u32>(table, ROWS) << 2);
    for (let at = rowSeries; at < end; at += 4) {
      const counter = rows + (<usize>load<u8>(work + load<u32>(at)) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    table += load<u32>(table);
  }
}

/**
 * Writes the part of `owner` to `target`, which has room for the whole batch and 64 bytes more; gives its size. `work`: as large
 * as the batch and 64 bytes more.
 */
export function batchPart(
  batch: usize, owners: usize, partitions: u32, owner: u32, work: usize, target: usize,
): u32 {
  const head = firstTable(batch) - batch;
  memory.copy(target, batch, head);
  let table = batch + head;
  let to = target + head;
  let tables: u32 = 0;
  let rows: u32 = 0;
  let least = i64.MAX_VALUE;
  let most = i64.MIN_VALUE;
  for (let t: u32 = 0; t < load<u32>(batch, 8); t++) {
    const end = tablePart(table, owners, partitions, owner, work, to);
    if (end != 0) {
      tables++;
      rows += load<u32>(to, ROWS);
      const times = partTimes;
      for (let at = times; at < times + (<usize>load<u32>(to, ROWS) << 3); at += 8) {
        least = min(least, load<i64>(at));
        most = max(most, load<i64>(at));
      }
      to = end;
    }
    table += load<u32>(table);
  }
  store<u32>(target, <u32>(to - target), 4);
  store<u32>(target, tables, 8);
  store<u32>(target, rows, 12);
  store<i64>(target, rows == 0 ? 0 : least, 16);
  store<i64>(target, rows == 0 ? 0 : most, 24);
  return <u32>(to - target);
}

// Copies the 8-byte values of the rows u32[] at `rows` to `target`; gives its end.
function pick(values: usize, rows: usize, rowsEnd: usize, target: usize): usize {
  for (let row = rows; row < rowsEnd; row += 4) {
    store<u64>(target, load<u64>(values + (<usize>load<u32>(row) << 3)));
    target += 8;
  }
  return target;
}

/** Times of the table that was written last. */
let partTimes: usize = 0;

// The end of what was written, 0 when the owner has no row of the table.
function tablePart(table: usize, owners: usize, partitions: u32, owner: u32, work: usize, to: usize): usize {
  const rowCount = load<u32>(table, ROWS);
  const seriesCount = load<u32>(table, SERIES);
  const fieldCount = load<u32>(table, FIELDS);
  const nameLength = load<u32>(table, NAME_LENGTH);
  const series = seriesOf(table);
  const fields = fieldsOf(table);

  // work: u32 new index a series, u32 count of values a field, u32 the owner's rows, then u8 a row: the owner's, present,
  // present of the owner's
  const indexes = work;
  const counts = indexes + (<usize>seriesCount << 2);
  const rows = counts + (<usize>fieldCount << 2);
  const wanted = align8(rows + (<usize>rowCount << 2));
  const present = wanted + align8(rowCount);
  const both = present + align8(rowCount);

  let ownSeries: u32 = 0;
  for (let s: u32 = 0; s < seriesCount; s++) {
    const entry = series + <usize>s * SERIES_ENTRY;
    const isOwn = load<u8>(owners + <usize>(load<u64>(entry) % <u64>partitions)) == owner;
    store<u32>(indexes + (<usize>s << 2), isOwn ? ownSeries++ : OTHERS);
  }
  if (ownSeries == 0) return 0;
  const rowSeries = rowSeriesOf(table);
  const times = rowSeries + align8(<usize>rowCount << 2);
  let ownRows: u32 = 0;
  for (let r: u32 = 0; r < rowCount; r++) {
    const isOwn = load<u32>(indexes + (<usize>load<u32>(rowSeries + (<usize>r << 2)) << 2)) != OTHERS;
    store<u8>(wanted + r, <u8>isOwn);
    // always stored, kept only when it is the owner's: no branch to mispredict
    store<u32>(rows + (<usize>ownRows << 2), r);
    ownRows += <u32>isOwn;
  }
  if (ownRows == 0) return 0;

  let ownFields: u32 = 0;
  for (let f: u32 = 0; f < fieldCount; f++) {
    const entry = fields + <usize>f * FIELD_ENTRY;
    let count = ownRows;
    const presence = load<u32>(entry, 16);
    if (presence != 0) {
      decodePresence(table + presence, rowCount, present);
      andMasks(present, wanted, rowCount, both);
      count = countPresent(both, rowCount);
    }
    store<u32>(counts + (<usize>f << 2), count);
    if (count == 0) continue;
    ownFields++;
  }

  store<u32>(to, ownRows, ROWS);
  store<u32>(to, ownSeries, SERIES);
  store<u32>(to, ownFields, FIELDS);
  store<u32>(to, nameLength, NAME_LENGTH);
  store<u32>(to, 0, 20);
  memory.copy(to + HEADER, table + HEADER, nameLength);
  let entryAt = pad(to + HEADER + nameLength);
  let fieldAt = entryAt + <usize>ownSeries * SERIES_ENTRY;
  let textAt = fieldAt + <usize>ownFields * FIELD_ENTRY;
  for (let s: u32 = 0; s < seriesCount; s++) {
    if (load<u32>(indexes + (<usize>s << 2)) == OTHERS) continue;
    const entry = series + <usize>s * SERIES_ENTRY;
    const length = load<u32>(entry, 12);
    store<u64>(entryAt, load<u64>(entry));
    store<u32>(entryAt, <u32>(textAt - to), 8);
    store<u32>(entryAt, length, 12);
    memory.copy(textAt, table + load<u32>(entry, 8), length);
    entryAt += SERIES_ENTRY;
    textAt += length;
  }
  // what is written past the end of a section is overwritten by the next
  let nameAt = textAt;
  for (let f: u32 = 0; f < fieldCount; f++) {
    if (load<u32>(counts + (<usize>f << 2)) == 0) continue;
    const entry = fields + <usize>f * FIELD_ENTRY;
    memory.copy(nameAt, table + load<u32>(entry), load<u32>(entry, 4));
    nameAt += load<u32>(entry, 4);
  }
  let column = pad(nameAt);
  const rowsEnd = rows + (<usize>ownRows << 2);
  for (let row = rows; row < rowsEnd; row += 4) {
    store<u32>(column, load<u32>(indexes + (<usize>load<u32>(rowSeries + (<usize>load<u32>(row) << 2)) << 2)));
    column += 4;
  }
  column = pad(column);
  partTimes = column;
  column = pick(times, rows, rowsEnd, column);

  for (let f: u32 = 0; f < fieldCount; f++) {
    const count = load<u32>(counts + (<usize>f << 2));
    if (count == 0) continue;
    const entry = fields + <usize>f * FIELD_ENTRY;
    const nameLengthOfField = load<u32>(entry, 4);
    const type = load<u32>(entry, 8);
    const presence = load<u32>(entry, 16);
    const values = table + load<u32>(entry, 20);
    store<u32>(fieldAt, <u32>(textAt - to));
    store<u32>(fieldAt, nameLengthOfField, 4);
    store<u32>(fieldAt, type, 8);
    store<u32>(fieldAt, count, 12);
    store<u32>(fieldAt, 0, 16);
    store<u32>(fieldAt, 0, 24);
    store<u32>(fieldAt, 0, 28);
    textAt += nameLengthOfField;
    // which of the packed values are the owner's
    let own = wanted;
    let packed = rowCount;
    if (presence != 0) {
      packed = decodePresence(table + presence, rowCount, present);
      if (count < ownRows) {
        gatherBytes(present, wanted, rowCount, both);
        store<u32>(fieldAt, <u32>(column - to), 16);
        column = pad(encodePresence(both, ownRows, column));
      }
      gatherBytes(wanted, present, rowCount, both);
      own = both;
    }
    store<u32>(fieldAt, <u32>(column - to), 20);
    if (type == STRING) {
      const heap = table + load<u32>(entry, 24);
      const offsets = column;
      const ownHeap = offsets + align8(<usize>(count + 1) << 2);
      let heapAt = ownHeap;
      let offsetAt = offsets;
      for (let i: u32 = 0; i < packed; i++) {
        if (load<u8>(own + i) == 0) continue;
        const from = load<u32>(values + (<usize>i << 2));
        const length = load<u32>(values + (<usize>i << 2), 4) - from;
        store<u32>(offsetAt, <u32>(heapAt - ownHeap));
        offsetAt += 4;
        memory.copy(heapAt, heap + from, length);
        heapAt += length;
      }
      store<u32>(offsetAt, <u32>(heapAt - ownHeap));
      pad(offsetAt + 4);
      store<u32>(fieldAt, <u32>(ownHeap - to), 24);
      store<u32>(fieldAt, <u32>(heapAt - ownHeap), 28);
      column = pad(heapAt);
    } else if (type == BOOLEAN) {
      gatherBytes(values, own, packed, column);
      column = pad(column + count);
    } else if (presence == 0) column = pick(values, rows, rowsEnd, column);
    else {
      gather(values, own, packed, column);
      column += <usize>count << 3;
    }
    fieldAt += FIELD_ENTRY;
  }
  store<u32>(to, <u32>(column - to));
  return column;
}
